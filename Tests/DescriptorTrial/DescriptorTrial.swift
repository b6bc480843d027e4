import Glibc
import UproarCore
import UproarPosix
import UproarRuntime
import UproarWire

/// A process with few descriptors uses them up, in every way in which the network takes one, and goes on once some are free.
///
///     descriptor-trial LIMIT      tells one line for each thing that its test wants to know
@main
struct DescriptorTrial {
    static func main() {
        guard let limit = CommandLine.arguments.dropFirst().first.flatMap({ UInt($0) }) else {
            exit(64)
        }
        var bound = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t(limit))
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &bound) == 0 else { exit(71) }
        do {
            try Trial().run()
        } catch {
            print("error \(error)")
            exit(1)
        }
    }
}

/// Everything here runs on one loop.
final class Trial {
    private let loop: EventLoop
    private let network: PosixNetwork
    private let http: CurlHTTPClient
    private let server = Server()

    init() throws {
        let driver = try PosixDriver(clock: .starting())
        loop = EventLoop(driver: driver)
        network = PosixNetwork(loop: loop, driver: driver)
        http = CurlHTTPClient(loop: loop, driver: driver)
    }

    func run() throws {
        let listener = try network.listen(
            on: .loopback(0), options: ListenOptions(), handler: server)
        let place = listener.endpoint

        // Whatever libcurl opens once and keeps is open before there is nothing left.
        say("request", request(place))
        let streams = connectUntilRefused(to: place)
        let open = streams.filter { $0.end == nil }
        print("open \(open.isEmpty ? "none" : "some")")
        say("stream", streams.last?.end.map { "\($0)" } ?? "open")
        say("listener", listen())
        say("request", request(place))

        // What waits in the backlog is not lost: it is accepted when there is room again.
        for client in open.prefix(open.count / 2) { client.stream?.close() }
        turn(for: .milliseconds(300)) { open.prefix(open.count / 2).allSatisfy { $0.end != nil } }
        let kept = open.dropFirst(open.count / 2)
        for client in kept { client.ask() }
        turn(for: .seconds(5)) { kept.allSatisfy { $0.isAnswered || $0.end != nil } }
        print("kept \(kept.allSatisfy(\.isAnswered) ? "all answered" : "some unanswered")")
        let fresh = Client()
        fresh.stream = network.connect(to: place, options: ConnectOptions(), handler: fresh)
        fresh.ask()
        turn(for: .seconds(5)) { fresh.isAnswered || fresh.end != nil }
        say("stream", fresh.end.map { "\($0)" } ?? (fresh.isAnswered ? "answered" : "silent"))
        say("listener", listen())
        say("request", request(place))
        listener.close()
    }

    private func say(_ what: String, _ outcome: String) { print("\(what) \(outcome)") }

    /// Each connection takes two descriptors of this process, the accepted end's when it is free.
    private func connectUntilRefused(to place: Endpoint) -> [Client] {
        var clients: [Client] = []
        repeat {
            let client = Client()
            client.stream = network.connect(to: place, options: ConnectOptions(), handler: client)
            clients.append(client)
            turn(for: .seconds(2)) { client.isOpen || client.end != nil }
        } while clients.last?.end == nil && clients.count < 1_000
        return clients
    }

    private func listen() -> String {
        do throws(NetworkError) {
            let listener = try network.listen(
                on: .loopback(0), options: ListenOptions(), handler: server)
            listener.close()
            return "listening"
        } catch {
            return "errno \(error.errno)"
        }
    }

    private func request(_ place: Endpoint) -> String {
        let exchange = Exchange()
        var request = HTTPRequest(method: "GET", url: "http://\(place)/")
        request.headers = [HTTPField("Connection", "close")]
        request.deadlines.total = .seconds(3)
        exchange.exchange = http.send(request, handler: exchange)
        turn(for: .seconds(5)) { exchange.outcome != nil }
        return exchange.outcome ?? "unheard"
    }

    private func turn(for most: Duration, until isDone: () -> Bool) {
        let limit = loop.now + most
        while !isDone(), loop.now < limit { loop.runOnce(until: loop.now + .milliseconds(10)) }
    }
}

/// One end that connects, asks and takes the answer.
final class Client: ByteStreamHandler {
    var stream: (any ByteStream)?
    private(set) var isOpen = false
    private(set) var isAnswered = false
    private(set) var end: CloseReason?

    func ask() {
        let question = Array("GET / HTTP/1.1\r\nHost: trial\r\n\r\n".utf8)
        stream?.write(question.span.bytes)
    }

    func opened(_ stream: any ByteStream) { isOpen = true }
    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) { isAnswered = true }
    func drained(_ stream: any ByteStream) {}
    func ended(_ stream: any ByteStream) { stream.close() }
    func closed(_ stream: any ByteStream, reason: CloseReason) {
        end = reason
        self.stream = nil
    }
}

/// Answers every request with two letters.
final class Server: ListenerHandler {
    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { Session() }

    private final class Session: ByteStreamHandler {
        private var connection = ServerConnection()

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            connection.receive(bytes)
            while let event = connection.next() {
                if case .requestEnd = event { connection.respond(status: 200, body: [0x6f, 0x6b]) }
            }
            stream.write(connection.output.span.bytes)
            connection.output.removeAll()
            if connection.shouldClose { stream.close() }
        }

        func opened(_ stream: any ByteStream) {}
        func drained(_ stream: any ByteStream) {}
        func ended(_ stream: any ByteStream) { stream.close() }
        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }
}

final class Exchange: HTTPExchangeHandler {
    var exchange: (any HTTPExchange)?
    private(set) var outcome: String?
    private var status = 0

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        self.status = status
    }
    func received(body: RawSpan, on exchange: any HTTPExchange) {}
    func finished(_ exchange: any HTTPExchange) { outcome = "status \(status)" }
    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        switch failure {
        case .unreachable: outcome = "unreachable"
        case .timedOut: outcome = "timed out"
        case .cut: outcome = "cut"
        case .tls, .untrusted, .malformed: outcome = "\(failure)"
        }
    }
}
