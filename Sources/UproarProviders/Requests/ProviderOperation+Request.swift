import UproarCore
import UproarRuntime
import UproarWire

extension ProviderOperation {
    /// Which operation of `provider` a request asks for, by the end of its path: a base URL may carry a prefix of its own.
    static func name(
        of request: HTTPRequestHead, isUpgrade: Bool, provider: ProviderID
    ) -> String {
        let path = request.segments
        let last = path.last ?? ""
        switch provider {
        case .deepgram:
            guard last == "listen" else { return other }
            guard isUpgrade else { return "file" }
            return path.suffix(2).first == "v2" ? "flux" : "live"
        case .assemblyai: return isUpgrade ? "live" : other
        case .whisper:
            return ["transcriptions", "translations"].contains(last) ? "file" : other
        case .openai:
            switch last {
            case "completions": return "chat"
            case "responses", "speech": return last
            case "realtime": return isUpgrade ? last : other
            default: return other
            }
        case .anthropic: return last == "messages" ? last : other
        case .cartesia:
            switch last {
            case "websocket": return "live"
            case "bytes": return last
            case "sse": return "events"
            default: return other
            }
        case .elevenlabs:
            guard let place = path.lastIndex(of: "text-to-speech") else { return other }
            if isUpgrade { return "live" }
            return path[place...].contains("stream") ? "stream" : "whole"
        case .objectStore:
            switch request.method {
            case "PUT", "DELETE", "POST": return request.method.lowercased()
            case "GET", "HEAD": return "get"
            default: return other
            }
        case .sms:
            if path.contains("Calls") { return "call" }
            return last.hasPrefix("Messages") ? "message" : other
        case .workflow: return ["POST", "PUT"].contains(request.method) ? "event" : other
        case .redis: return other
        }
    }
}
