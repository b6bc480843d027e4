import UproarCore
import UproarRuntime
import UproarWire

/// One WebSocket of `/v1/responses`: requests one after the other, each answered with the events of a stream
/// (platform.openai.com/docs, "WebSocket Mode").
final class ResponsesSession: EmulatedSession, TimerHandler {
    private let counter: ResponsesCounter
    private let connection: EmulatorConnection
    private var current: ResponsesReply?
    /// Requests that came while one was being answered.
    private var waiting: [ResponsesRequest] = []
    private var timer = TimerID.none
    private var isClosed = false

    private static let waitingLimit = 16
    /// A connection's longest life.
    private static let lifetime = Duration.seconds(3_600)

    init(_ counter: ResponsesCounter, on connection: EmulatorConnection, at now: Instant) {
        self.counter = counter
        self.connection = connection
        timer = counter.context.loop.schedule(self, at: now + Self.lifetime)
    }

    func received(text: RawSpan, at now: Instant) {
        guard !isClosed else { return }
        do throws(OpenAIProblem) {
            let json: JSONValue
            do { json = try JSONParser.parse(text.withUnsafeBytes { Array($0) }) } catch {
                throw OpenAIProblem.notJSON
            }
            switch json["type"]?.text {
            case "response.create":
                var request = try ResponsesRequest(json)
                request.chat.isStreaming = true
                try take(request, at: now)
            case "response.cancel":
                if let id = json["response_id"]?.text, id != current?.id { return }
                current?.cancel(at: now)
            case let word:
                throw .invalid(
                    "Invalid value: '\(word ?? "")'. Supported values are: 'response.create' and 'response.cancel'.",
                    parameter: "type", code: "invalid_value")
            }
        } catch {
            refuse(error)
        }
    }

    func received(binary: RawSpan, at now: Instant) { received(text: binary, at: now) }

    private func take(_ request: ResponsesRequest, at now: Instant) throws(OpenAIProblem) {
        guard current == nil else {
            guard waiting.count < Self.waitingLimit else {
                throw .rateLimited(retryAfter: .seconds(1))
            }
            return waiting.append(request)
        }
        let reply = try counter.reply(
            to: request, channel: .socket, on: connection, at: now
        ) { [weak self] in self?.finished() }
        current = reply
        reply.start(at: now)
    }

    private func finished() {
        current = nil
        while current == nil, !isClosed, !waiting.isEmpty {
            do throws(OpenAIProblem) {
                try take(waiting.removeFirst(), at: counter.context.now)
            } catch { refuse(error) }
        }
    }

    private func refuse(_ problem: OpenAIProblem) {
        counter.refused(problem, call: connection.call)
        connection.send(json: ResponsesWriter.failure(problem))
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        isClosed = true
        waiting = []
        counter.context.loop.cancel(timer)
        current?.peerLeft(at: now)
        current = nil
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isClosed else { return }
        connection.send(
            json: ResponsesWriter.failure(
                .invalid(
                    "Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue.",
                    parameter: nil, code: "websocket_connection_limit_reached")))
        connection.close(.normal)
    }
}
