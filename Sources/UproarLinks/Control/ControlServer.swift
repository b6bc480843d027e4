import UproarCore
import UproarRuntime
import UproarWire

/// The HTTP around `ProxyTable`: one request after the other on each connection.
package final class ControlServer: ListenerHandler {
    private let table: ProxyTable
    private var listener: (any Listener)?
    private var openCount = 0

    private static let connectionLimit = 100

    package init(_ table: ProxyTable, on endpoint: Endpoint, network: any Network)
        throws(NetworkError)
    {
        self.table = table
        listener = try network.listen(on: endpoint, options: ListenOptions(), handler: self)
    }

    package var endpoint: Endpoint? { listener?.endpoint }

    package func close() {
        listener?.close()
        listener = nil
    }

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        guard openCount < Self.connectionLimit else {
            stream.reset()
            return SilentStream()
        }
        openCount += 1
        return ControlClient(table) { [weak self] in self?.openCount -= 1 }
    }
}

/// One client of the control interface.
private final class ControlClient: ByteStreamHandler {
    private let table: ProxyTable
    private var connection = ServerConnection()
    private var request: HTTPRequestHead?
    private let onClosed: () -> Void

    init(_ table: ProxyTable, onClosed: @escaping () -> Void) {
        self.table = table
        self.onClosed = onClosed
    }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        while let event = connection.next() {
            switch event {
            case .request(let head): request = head
            case .requestEnd: answer()
            case .upgrade: connection.respond(status: 404)
            case .closed, .failed, .body, .text, .binary, .ping, .pong: break
            }
        }
        let output = connection.output
        connection.output = []
        stream.write(output.span.bytes)
        if connection.shouldClose { stream.close() }
    }

    private func answer() {
        guard let request else { return }
        self.request = nil
        // What a web page of anybody's may send must not arm faults: browsers name themselves.
        if request.headers["user-agent"]?.hasPrefix("Mozilla/") == true {
            return connection.respond(
                status: 403, body: Array("user agent not allowed\n".utf8))
        }
        let answer = table.answer(request.method, request.target, body: connection.body)
        connection.respond(
            status: answer.status, headers: ["content-type": "application/json"],
            body: answer.body.map { $0.encoded() } ?? [])
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { onClosed() }
}
