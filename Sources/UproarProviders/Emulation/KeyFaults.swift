import UproarCore
import UproarWire

/// Faults that a client asks for with its API key: how an unmodified agent, or a test of one, meets them at `uproar providers`.
///
/// `fault-status-503`, `fault-close-1011`, `fault-mute`, `fault-reset`, `fault-empty`, `fault-delay-1500` (milliseconds) act on
/// the request or upgrade; `fault-piece-N-WORD` on its piece N (from 0) and none before, WORD being `reset`, `cut` (the stream
/// ends, in order, before the piece), `stall`, `garble`, `drop`, `delay-MS`, `close-CODE` or `status-CODE` (the vendor's error inside the stream). Other keys ask for nothing.
package final class KeyFaults: EmulatorInterference {
    package init() {}

    package func verdict(on passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict {
        guard let key = passage.key, let fault = Self.parse(key) else { return .pass }
        switch passage.kind {
        case .piece(let index): return fault.piece == index ? fault.verdict : .pass
        case .upgrade, .request: return fault.piece == nil ? fault.verdict : .pass
        }
    }

    static func parse(_ key: String) -> (piece: Int?, verdict: EmulatorVerdict)? {
        guard key.hasPrefix("fault-") else { return nil }
        var words = key.split(separator: "-").map(String.init)[...].dropFirst()
        var piece: Int?
        if words.first == "piece" {
            guard let index = words.dropFirst().first.flatMap({ Int($0) }) else { return nil }
            piece = index
            words = words.dropFirst(2)
        }
        guard let word = words.popFirst() else { return nil }
        let number = words.first.flatMap { Int($0) }
        switch (word, number) {
        case ("status", let status?) where (400...599).contains(status):
            if piece != nil { return (piece, .fail(status: status)) }
            return (nil, .refuse(status: status, retryAfter: status == 429 ? .seconds(1) : nil))
        case ("close", let code?):
            guard let code = UInt16(exactly: code),
                WebSocketCloseCode(code).isAllowedOnWire
            else { return nil }
            return (piece, .close(code, reason: "asked for by the key"))
        case ("delay", let wait?) where (0...3_600_000).contains(wait):
            return (piece, .delay(.milliseconds(wait)))
        case ("mute", nil): return (piece, .mute)
        case ("reset", nil): return (piece, .reset)
        case ("cut", nil): return (piece, .cut)
        case ("empty", nil) where piece == nil: return (nil, .empty)
        case ("stall", nil): return (piece, .stall)
        case ("garble", nil): return (piece, .garble)
        case ("drop", nil): return (piece, .drop)
        default: return nil
        }
    }
}

extension HTTPRequestHead {
    /// The API key, wherever this vendor's clients put it; nil when there is none.
    var apiKey: String? {
        for name in ["xi-api-key", "x-api-key"] {
            if let key = headers[name] { return key }
        }
        if let field = headers["Authorization"] {
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { return field }
            guard parts[0].lowercased() == "basic" else { return String(parts[1]) }
            let text = Base64.decode(String(parts[1])).map { String(decoding: $0, as: UTF8.self) }
            return text?.split(separator: ":", maxSplits: 1).last.map(String.init)
        }
        for name in ["token", "api_key", "access_token", "single_use_token"] {
            if let key = query[name] { return key }
        }
        return headers.list("Sec-WebSocket-Protocol").last.map {
            $0.split(separator: ".").last.map(String.init) ?? $0
        }
    }
}
