import UproarCore
import UproarRuntime

/// A server that answers each request with the steps it is told, well-formed or not.
final class ScriptedHTTPServer: ListenerHandler {
    enum Step {
        case send(String)
        case sendBytes([UInt8])
        case wait(Duration)
        /// Until `release`.
        case hold
        /// FIN after what was sent.
        case close
        case reset
    }

    struct Request {
        var head: String
        var body: [UInt8]
        /// Which connection of the server, from 0.
        var connection: Int
    }

    let world: TestWorld
    private(set) var listener: (any Listener)!
    private(set) var requests: [Request] = []
    private(set) var connectionCount = 0
    private(set) var closedCount = 0
    private var held: [() -> Void] = []
    private let answer: (Request) -> [Step]

    init(
        _ world: TestWorld, tls: TLSServerOptions? = nil, answer: @escaping (Request) -> [Step]
    ) throws {
        self.world = world
        self.answer = answer
        var options = ListenOptions()
        options.tls = tls
        listener = try world.network.listen(on: .loopback(0), options: options, handler: self)
    }

    func url(_ path: String = "/", scheme: String = "http", host: String = "127.0.0.1") -> String {
        "\(scheme)://\(host):\(listener.endpoint.port)\(path)"
    }

    /// Goes on with what is held.
    func release() {
        let released = held
        held = []
        for goOn in released { goOn() }
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        connectionCount += 1
        return Connection(self, stream, connectionCount - 1)
    }

    private final class Connection: ByteStreamHandler {
        private let server: ScriptedHTTPServer
        private let stream: any ByteStream
        private let number: Int
        private var input: [UInt8] = []

        init(_ server: ScriptedHTTPServer, _ stream: any ByteStream, _ number: Int) {
            self.server = server
            self.stream = stream
            self.number = number
        }

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            bytes.withUnsafeBytes { input.append(contentsOf: $0) }
            while let request = takeRequest() {
                server.requests.append(request)
                play(server.answer(request)[...])
            }
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) { server.closedCount += 1 }

        private func takeRequest() -> Request? {
            let mark = Array("\r\n\r\n".utf8)
            guard
                let end = input.indices.prefix(4096).first(where: {
                    input[$0...].starts(with: mark)
                })
            else { return nil }
            let head = String(decoding: input[..<end], as: UTF8.self)
            let lengthLine = head.split(separator: "\r\n").first {
                $0.lowercased().hasPrefix("content-length:")
            }
            let length = lengthLine.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
            guard input.count >= end + 4 + length else { return nil }
            let body = Array(input[(end + 4)..<(end + 4 + length)])
            input.removeFirst(end + 4 + length)
            return Request(head: head, body: body, connection: number)
        }

        private func play(_ steps: ArraySlice<Step>) {
            var rest = steps
            while let step = rest.popFirst() {
                switch step {
                case .send(let text): stream.write(Array(text.utf8).span.bytes)
                case .sendBytes(let bytes): stream.write(bytes.span.bytes)
                case .close: stream.close()
                case .reset: stream.reset()
                case .hold:
                    let later = rest
                    server.held.append { self.play(later) }
                    return
                case .wait(let duration):
                    let later = rest
                    let loop = server.world.loop
                    loop.schedule(at: loop.now + duration) { self.play(later) }
                    return
                }
            }
        }
    }
}

/// Writes down what an exchange says.
final class ExchangeLog: HTTPExchangeHandler {
    enum End: Equatable {
        case finished
        case failed(HTTPFailure)
    }

    private(set) var status: Int?
    private(set) var headers: [HTTPField] = []
    private(set) var body: [UInt8] = []
    private(set) var pieceCount = 0
    private(set) var end: End?
    private(set) var callsAfterEnd = 0
    var onReceived: (() -> Void)?
    var onFinished: (() -> Void)?

    var text: String { String(decoding: body, as: UTF8.self) }
    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        if end != nil { callsAfterEnd += 1 }
        self.status = status
        self.headers = headers
    }

    func received(body piece: RawSpan, on exchange: any HTTPExchange) {
        if end != nil { callsAfterEnd += 1 }
        piece.withUnsafeBytes { body.append(contentsOf: $0) }
        pieceCount += 1
        onReceived?()
    }

    func finished(_ exchange: any HTTPExchange) {
        if end != nil { callsAfterEnd += 1 }
        end = .finished
        onFinished?()
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        if end != nil { callsAfterEnd += 1 }
        end = .failed(failure)
    }
}
