import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// A simulated world with an emulator context, and the facts that were stated in it.
final class EmulatorWorld {
    let world = SimulatedWorld()
    let context: EmulatorContext
    let facts = FactList()
    let seed: Seed

    init(
        seed: Seed = Seed(42), isTagging: Bool = true, keys: KeyCheck = .anyKey,
        callLimit: UInt32 = 1000
    ) {
        self.seed = seed
        context = EmulatorContext(
            loop: world.loop, network: world.network, seed: seed,
            references: ReferenceText(key: ReferenceKey(seed), callLimit: callLimit),
            isTagging: isTagging, keys: keys, facts: facts)
    }

    func run(for duration: Duration = .seconds(5)) { world.run(for: duration) }

    /// `lusab babad` of a reference.
    func words(_ reference: TurnReference) -> String { context.references.words(reference) }
}

final class FactList: FactSink {
    private(set) var all: [Fact] = []
    func state(_ fact: Fact) { all.append(fact) }
    var kinds: [FactKind] { all.compactMap { FactKind(rawValue: $0.kind) } }
    func of(_ kind: FactKind) -> [Fact] { all.filter { $0.kind == kind.rawValue } }
}

/// An HTTP peer that sends what it is told and keeps what comes back, with the times.
final class HTTPPeer: ByteStreamHandler {
    struct Answer {
        var head: HTTPResponseHead
        var body: [UInt8] = []
        /// When each piece of the body came.
        var pieces: [Instant] = []
        var isWhole = false
        var json: JSONValue? { try? JSONParser.parse(body) }
        /// The payloads of `data:` lines, in order.
        var events: [String] {
            String(decoding: body, as: UTF8.self).split(separator: "\n").compactMap {
                $0.hasPrefix("data: ") ? String($0.dropFirst(6)) : nil
            }
        }
    }

    private let world: EmulatorWorld
    private var stream: (any ByteStream)?
    private var decoder = HTTPResponseDecoder()
    private(set) var answers: [Answer] = []
    private(set) var closeReason: CloseReason?

    private let pieceSize: Int

    init(_ world: EmulatorWorld, to endpoint: Endpoint, pieceSize: Int = .max) {
        self.world = world
        self.pieceSize = pieceSize
        // It writes whole bodies at once.
        var options = ConnectOptions()
        options.queueLimit = 64 << 20
        stream = world.world.network.connect(to: endpoint, options: options, handler: self)
    }

    func send(
        _ method: String, _ target: String, headers: HTTPHeaders = [:], body: [UInt8] = []
    ) {
        var headers = headers
        headers["Host"] = "emulator"
        headers["Content-Length"] = String(body.count)
        var bytes: [UInt8] = []
        HTTPRequestHead(method: method, target: target, headers: headers).write(into: &bytes)
        bytes.append(contentsOf: body)
        decoder.requestSent(method: method)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieceSize))
            rest = rest.dropFirst(piece.count)
            stream?.write(piece.span.bytes)
        }
    }

    func hangUp() { stream?.close() }

    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        decoder.receive(bytes)
        while let event = decoder.next() {
            switch event {
            case .head(let head): answers.append(Answer(head: head))
            case .body:
                answers[answers.count - 1].body += decoder.payloadBytes
                answers[answers.count - 1].pieces.append(instant)
            case .end: answers[answers.count - 1].isWhole = true
            case .informational, .failed: break
            }
        }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { closeReason = reason }
}

/// Answers each passage with the same verdict.
final class FixedVerdict: EmulatorInterference {
    let verdict: EmulatorVerdict
    init(_ verdict: EmulatorVerdict) { self.verdict = verdict }
    func verdict(on passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict { verdict }
}
