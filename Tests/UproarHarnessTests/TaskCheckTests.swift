import Testing
import UproarCore
import UproarProviders

@testable import UproarHarness

@Suite struct TaskCheckTests {
    private func passes(toolsSucceed: Bool, _ result: ScriptedModel.ToolResult?) throws -> Bool? {
        let script = ConversationScript(
            name: "tasks", steps: [.hangUp],
            check: .init(tools: ["complete_task"], doToolsSucceed: toolsSucceed),
            languageModel: LanguageModelScript(
                greeting: "Hello.",
                intents: [
                    .init(
                        name: "complete", patterns: [try UtterancePattern("mark {title} as done")],
                        tool: .init(name: "complete_task"), repliesAfterTool: ["Done."])
                ], fallback: ["What?"]))
        let clip = ClipDescription(
            id: "done", file: "", transcript: "Mark milk as done.",
            speech: .zero..<Duration.milliseconds(500))
        var check = try #require(TaskCheck(script, clips: [clip]))
        let turn = TurnReference(call: 7, utterance: 1)
        func take(_ kind: FactKind, _ reference: TurnReference, detail: UInt32 = 0) {
            check.take(
                Fact(
                    kind, at: .zero, call: 7, reference: reference, detail: detail, origin: .caller)
            )
        }
        take(.utteranceBegan, turn)
        if let result {
            take(.modelRequested, turn.with(reply: 2), detail: result.rawValue)
        }
        take(.answerAudible, turn.with(reply: 2))
        return check.judge(7, outcome: .completed)
    }

    @Test func aToolThatCouldNotWorkIsNoResult() throws {
        #expect(try passes(toolsSucceed: false, nil) == false)
        #expect(try passes(toolsSucceed: false, ScriptedModel.ToolResult.none) == false)
        #expect(try passes(toolsSucceed: false, .unavailable) == false)
        #expect(try passes(toolsSucceed: false, .success) == true)
    }

    @Test func anErrorIsAResultUnlessToolsHaveToSucceed() throws {
        #expect(try passes(toolsSucceed: false, .refused) == true)
        #expect(try passes(toolsSucceed: true, .refused) == false)
        #expect(try passes(toolsSucceed: true, .success) == true)
    }
}
