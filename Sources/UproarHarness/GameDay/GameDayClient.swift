import UproarCore
import UproarPosix
import UproarRuntime

/// The other side of a run's door: `uproar status`, `inject`, `clear`, `mark`.
package enum GameDayClient {
    /// Asks a run; a problem when it is gone, does not answer, or refuses.
    package static func ask(_ run: String, _ request: JSONValue) throws -> JSONValue {
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let call = Call(request.encoded() + [0x0a], loop: loop)
        let stream = network.connect(
            to: .unix(path: RunFinder.path(of: run)), options: ConnectOptions(), handler: call)
        loop.run(until: loop.now + .seconds(5))
        withExtendedLifetime(stream) {}
        guard !call.heard.isEmpty, let answer = try? JSONParser.parse(call.heard) else {
            throw ScenarioLoading.Problem(
                "the run \(run) does not answer" + (call.end.map { " (\($0))" } ?? ""))
        }
        if let error = answer["error"]?.text { throw ScenarioLoading.Problem(error) }
        return answer
    }

    private final class Call: ByteStreamHandler {
        private let request: [UInt8]
        private let loop: EventLoop
        private(set) var heard: [UInt8] = []
        private(set) var end: CloseReason?

        init(_ request: [UInt8], loop: EventLoop) {
            self.request = request
            self.loop = loop
        }

        func opened(_ stream: any ByteStream) {
            let line = request
            stream.write(line.span.bytes)
        }
        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            bytes.withUnsafeBytes { heard.append(contentsOf: $0) }
        }
        func closed(_ stream: any ByteStream, reason: CloseReason) {
            end = reason
            loop.stop()
        }
    }

    /// What `uproar status` prints of one run.
    package static func statusText(_ run: String) throws -> String {
        let status = try ask(run, ["do": "status"])
        func number(_ key: String) -> Int { status[key]?.int ?? 0 }
        var text =
            "\(run)  \(status["phase"]?.text ?? "")  "
            + NumberText.duration(.milliseconds(number("elapsed_ms")))
            + "  \(number("in_call")) in a call, \(number("turns")) turns, \(number("turns_lost")) lost"
            + (status["interactive"]?.isTrue == true ? "  steered by hand" : "") + "\n"
        text += "  files  \(status["folder"]?.text ?? "")\n"
        for fault in status["faults"]?.items ?? [] {
            text +=
                "  fault  \(fault["id"]?.text ?? "")  \(fault["state"]?.text ?? "")  "
                + "\(fault["summary"]?.text ?? "") on \(fault["on"]?.text ?? ""), "
                + "\(fault["effects"]?.int ?? 0) effects\n"
        }
        return text
    }
}
