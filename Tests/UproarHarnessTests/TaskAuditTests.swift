import Testing
import UproarCore

@testable import UproarHarness

@Suite struct TaskAuditTests {
    private let script = ConversationScript(
        name: "tasks", steps: [.hangUp],
        languageModel: LanguageModelScript(
            greeting: "Hello.",
            intents: [
                .init(
                    name: "add", patterns: [try! UtterancePattern("add {title}")],
                    tool: .init(name: "create_task"), repliesAfterTool: ["Done."]),
                .init(
                    name: "list", patterns: [try! UtterancePattern("list")],
                    tool: .init(name: "list_tasks"), repliesAfterTool: ["Here."]),
            ], fallback: ["What?"]))
    private let clips = ["Add milk.", "List, please."].map {
        ClipDescription(
            id: $0, file: "", transcript: $0, speech: .zero..<Duration.milliseconds(500))
    }

    private func audit(_ facts: [Fact], store ids: [String]) throws -> TaskAudit {
        var audit = try #require(TaskAudit(script, clips: clips))
        for fact in facts { audit.take(fact) }
        for id in ids { audit.found(task: id) }
        return audit
    }

    private func said(_ clip: UInt32, _ utterance: UInt32) -> Fact {
        Fact(
            .utteranceBegan, at: .zero, call: 7,
            reference: TurnReference(call: 7, utterance: utterance), detail: clip, origin: .caller)
    }

    private func told(_ utterance: UInt32, reply: UInt32 = 2) -> Fact {
        Fact(
            .modelRequested, at: .zero, call: 7,
            reference: TurnReference(call: 7, utterance: utterance, reply: reply), detail: 1,
            origin: .caller)
    }

    private func id(_ utterance: UInt32, reply: UInt32 = 1) -> String {
        "call_0123456789abcdef"
            + TurnReferenceText.hex(TurnReference(call: 7, utterance: utterance, reply: reply))
    }

    @Test func whatCallersWereToldOfMustBeThere() throws {
        let audit = try audit([said(0, 1), told(1), said(0, 2), told(2)], store: [id(1)])
        #expect(audit.told.map(\.turn.utterance) == [1, 2])
        #expect(audit.told.map { audit.isLost($0.turn) } == [false, true])
    }

    @Test func twoTasksOfOneUtteranceAreOneTooMany() throws {
        let audit = try audit([said(0, 1), told(1)], store: [id(1), id(1, reply: 3)])
        #expect(audit.made.map(\.isDuplicated) == [true])
    }

    @Test func otherToolsAndOthersTasksAreNoMatter() throws {
        let audit = try audit(
            [said(1, 1), told(1)], store: ["call_someone-else's", id(1), "t-1"])
        #expect(audit.told.isEmpty)
        #expect(audit.made.isEmpty)
    }

    @Test func idsEndInTheirReference() {
        let reference = TurnReference(call: 260_000, utterance: 255, reply: 63)
        #expect(
            TurnReferenceText.reference(endOf: "x" + TurnReferenceText.hex(reference)) == reference)
        #expect(TurnReferenceText.reference(endOf: "call_ABCDEF00") == nil)
        #expect(TurnReferenceText.reference(endOf: "short") == nil)
    }
}
