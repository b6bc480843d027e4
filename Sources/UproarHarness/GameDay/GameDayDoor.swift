import Glibc
import UproarCore
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarStatistics

/// The door of a live run for those who steer it by hand: a Unix socket of this person's alone. One request, a line of JSON, one answer.
package final class GameDayDoor: ListenerHandler {
    private let requests: GameDayRequests
    private var listener: (any Listener)?

    private init(_ requests: GameDayRequests) { self.requests = requests }

    /// nil, with a word to the person, when there can be none: a run without a door is a run all the same.
    static func open(
        network: PosixNetwork, plan: RunPlan, folder: RunFolder, safety: LiveSafety,
        results: RunResults, view: LiveView, state: @escaping () -> JSONValue
    ) -> GameDayDoor? {
        let name = RunFinder.name(scenario: plan.scenario.name)
        let door = GameDayDoor(
            GameDayRequests(
                name: name, plan: plan, folder: folder.path, safety: safety, results: results,
                now: { network.loop.now }, state: state))
        let path = RunFinder.path(of: name)
        do {
            try RunFinder.prepare()
            door.listener = try network.listen(
                on: .unix(path: path), options: ListenOptions(), handler: door)
            guard chmod(path, 0o600) == 0 else { throw Errno("chmod \(path)", errno) }
        } catch {
            door.close()
            view.say("this run cannot be steered by hand: \(error)")
            return nil
        }
        return door
    }

    package func close() {
        listener?.close()
        listener = nil
    }

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        Visit(requests)
    }

    private final class Visit: ByteStreamHandler {
        private let requests: GameDayRequests
        private var heard: [UInt8] = []
        private static let limit = 64 << 10

        init(_ requests: GameDayRequests) { self.requests = requests }

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            bytes.withUnsafeBytes { heard.append(contentsOf: $0) }
            guard heard.count <= Self.limit else { return stream.reset() }
            guard let end = heard.firstIndex(of: 0x0a) else { return }
            let answer: JSONValue
            if let value = try? JSONParser.parse(Array(heard[..<end])) {
                answer = requests.answer(value)
            } else {
                answer = ["error": "no request"]
            }
            let line = answer.encoded() + [0x0a]
            stream.write(line.span.bytes)
            stream.close()
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }
}

/// What can be asked of a run, and what it answers: a decision without a socket.
final class GameDayRequests {
    private let name: String
    private let plan: RunPlan
    private let folder: String
    private let safety: LiveSafety
    private let results: RunResults
    private let now: () -> Instant
    private let state: () -> JSONValue
    private var injected = 0

    init(
        name: String, plan: RunPlan, folder: String, safety: LiveSafety, results: RunResults,
        now: @escaping () -> Instant, state: @escaping () -> JSONValue
    ) {
        self.name = name
        self.plan = plan
        self.folder = folder
        self.safety = safety
        self.results = results
        self.now = now
        self.state = state
    }

    func answer(_ request: JSONValue) -> JSONValue {
        switch request["do"]?.text {
        case "status": return status
        case "inject": return inject(request)
        case "clear":
            let id = request["id"]?.text ?? ""
            guard safety.faults.clear(id) else {
                let armed = safety.faults.armed
                let near = NearestName.of(id, among: armed).map { "; did you mean \($0)?" } ?? ""
                return Self.error(
                    "no fault \(id) is armed\(near)\n  armed: "
                        + (armed.isEmpty ? "none" : armed.joined(separator: " ")))
            }
            steered("clear \(id)", ["id": .string(id)])
            return ["said": .string("\(id) is cleared")]
        case "mark":
            guard let text = request["text"]?.text, !text.isEmpty else {
                return Self.error("a mark needs a text")
            }
            safety.faults.mark(text)
            steered("mark \"\(text)\"", ["text": .string(text)])
            return ["said": .string("marked: \(text)")]
        default: return Self.error("a run takes status, inject, clear and mark")
        }
    }

    private static func error(_ text: String) -> JSONValue { ["error": .string(text)] }

    private var time: Instant { .zero + (now() - safety.start) }

    private func steered(_ what: String, _ value: JSONValue) {
        results.steered("at \(NumberText.duration(time - .zero)): \(what)")
        safety.evidence.changed(
            "by_hand", .object([.init("what", .string(what))] + (value.members ?? [])))
    }

    private func inject(_ request: JSONValue) -> JSONValue {
        guard let fault = request["fault"]?.text, let length = request["for"]?.text else {
            return Self.error("inject needs a fault and --for")
        }
        let attributes = (request["attributes"]?.members ?? []).map {
            (name: $0.key, text: $0.value.text ?? "")
        }
        let event: TimelineEvent
        do {
            event = try InjectText.event(
                id: "by-hand-\(injected + 1)", fault: fault, on: request["on"]?.texts ?? [],
                for: length, attributes: attributes, catalog: ScenarioLoading.catalog)
        } catch { return Self.error(error.description) }
        if let refusal = GuardRails(plan.scenario, machine: .here()).refusal(of: event) {
            return Self.error("\(refusal.text)\n  allowed: \(refusal.allowed)")
        }
        injected += 1
        let text = "inject \(event.action.text) \(event.scope.text) for \(length) as \(event.id)"
        // Before it bites: the evidence says whose doing it was.
        steered(text, ["id": .string(event.id)])
        if let problem = safety.faults.inject(event) { return Self.error(problem) }
        return [
            "id": .string(event.id), "said": .string("\(event.id): \(fault) armed for \(length)"),
        ]
    }

    private var status: JSONValue {
        let faults = safety.faults.histories.map { history -> JSONValue in
            [
                "id": .string(history.subject.id), "summary": .string(history.subject.summary),
                "on": .string(history.subject.target),
                "state": .string(history.phase),
                "effects": .integer(Int64(history.effects)),
            ]
        }
        return .object(
            [
                .init("run", .string(name)), .init("folder", .string(folder)),
                .init("elapsed_ms", .integer(time.milliseconds)),
                .init("turns", JSONValue(results.recorder.turnsSoFar)),
                .init("turns_lost", JSONValue(results.recorder.lostSoFar)),
                .init("interactive", .bool(results.result.isInteractive)),
                .init("faults", .array(faults)),
            ] + (state().members ?? []))
    }
}
