import Testing
import UproarCore
import UproarReports
import UproarStatistics

@Suite("The post-mortem of a run")
struct PostmortemReportTests {
    func result() -> RunResult {
        var result = RunResult(
            scenario: .init(name: "deepgram-503", summary: "Deepgram is down."), seed: 4,
            world: .simulated, commit: "c", version: "v",
            command: "uproar simulate x.yaml --seed 4",
            target: "embedded", priceBook: "guides")
        var fault = RunResult.FaultRecord(
            id: "stt-down", kind: "http_error", target: "deepgram",
            summary: "http_error status=503", effects: 3)
        fault.armed = .zero + .seconds(20)
        fault.firstEffect = .zero + .milliseconds(20_400)
        fault.cleared = .zero + .seconds(35)
        result.faults = [fault]
        return result
    }

    @Test("It has the guide's sections, the fault's times, and says what was not observed")
    func sections() {
        let text = PostmortemReport(result()).text
        for title in [
            "Summary", "Timeline", "Impact", "Root cause", "What went well", "What went poorly",
            "Action items",
        ] { #expect(text.contains("## \(title)\n")) }
        #expect(text.contains("uproar simulate x.yaml --seed 4"))
        #expect(text.contains("| NOT OBSERVED | alert fired: no rule was evaluated"))
        #expect(text.contains("took effect for the first time"))
        #expect(text.contains("no other provider was tried"))
    }

    @Test("A failed call goes to the stack where its turn got stuck")
    func stacks() {
        func call(_ outcome: CallOutcome, _ stages: [Stage], marks: TurnMarks = []) -> CallRecord {
            var call = CallRecord(
                CallDescription(id: 3, tags: .init(), isTagged: true, patience: .seconds(10)),
                outcome: outcome)
            var turn = TurnRecord(utterance: 0, clip: 0, began: .zero, ended: .zero + .seconds(2))
            turn.outcome = marks.isEmpty ? .lost : .answered
            turn.marks = marks
            for stage in stages { turn[stage] = .milliseconds(1) }
            call.turns = [turn]
            return call
        }
        let all = Array(Stage.allCases)
        #expect(StackAttribution(call(.dropped, all))?.stack == .telephony)
        #expect(StackAttribution(call(.completed, []))?.stack == .telephony)
        #expect(StackAttribution(call(.completed, [.uplink]))?.stack == .voiceCore)
        #expect(
            StackAttribution(call(.completed, [.uplink, .speechToText]))?.stack == .orchestration)
        #expect(StackAttribution(call(.completed, all, marks: .stale))?.stack == .orchestration)
        #expect(StackAttribution(call(.completed, all, marks: .truncated))?.stack == .voiceCore)
        var sound = call(.completed, all, marks: .interrupted)
        #expect(StackAttribution(sound) == nil)
        sound.taskPassed = false
        #expect(StackAttribution(sound)?.stack == .workflow)
    }

    @Test("A turn without an answer goes to the stack that it reached, with the fault it fell into")
    func reached() throws {
        var call = CallRecord(
            CallDescription(id: 3, tags: .init(), isTagged: true, patience: .seconds(10)),
            outcome: .dropped)
        call.ending = .byAgent
        call.ended = .zero + .seconds(40)
        var turn = TurnRecord(
            utterance: 2, clip: 0, began: .zero + .seconds(22), ended: .zero + .seconds(24))
        turn.outcome = .lost
        turn.reached = .endpointing
        call.turns = [turn]
        let found = try #require(StackAttribution(call, faults: result().faults))
        #expect(found.stack == .voiceCore)
        #expect(
            found.evidence
                == "turn 2 at 24s: the language model gave no content (under `stt-down`); the agent hung up at 40s"
        )
    }

    @Test("Alerts, marks and the first sign stand in the timeline, findings in what went poorly")
    func observed() {
        var result = result()
        var sign = FaultFigure("time_to_detect", .time, 500e6)
        sign.basis = "by its own breaker"
        result.faults[0].figures = [sign]
        result.faults[0].findings = ["no other provider ever stood in"]
        result.alerts = [
            .init(name: "ProviderKeyRefused", at: .zero + .seconds(21)),
            .init(name: "Quiet", at: nil),
        ]
        result.marks = [.init(at: .zero + .seconds(23), text: "acknowledged")]
        let text = PostmortemReport(result).text
        #expect(
            text.contains("| 20.9s | `stt-down` detected by its own breaker |")
                || text.contains("| 21s | `stt-down` detected by its own breaker |"))
        #expect(text.contains("| 21s | alert `ProviderKeyRefused` fired |"))
        #expect(text.contains("| 23s | mark: acknowledged |"))
        #expect(!text.contains("NOT OBSERVED | acknowledged"))
        #expect(!text.contains("`Quiet`"))
        #expect(text.contains("- `stt-down`: no other provider ever stood in"))
    }
}
