import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

@testable import UproarAgent

@Suite("Requests to models share a pool")
struct ModelPoolTests {
    private final class Asker: LanguageModelHandler {
        var text = ""
        var isDone = false

        func received(text: String, on reply: any LanguageModelReply) { self.text += text }
        func received(toolCall: ToolCall, on reply: any LanguageModelReply) {}
        func finished(
            _ usage: LanguageModelUsage, reason: String, on reply: any LanguageModelReply
        ) { isDone = true }
        func failed(_ failure: ProviderFailure, on reply: any LanguageModelReply) { isDone = true }
    }

    private let world = SimulatedWorld()
    private let model: ScriptedModel
    private let pooled: any LanguageModel

    init() {
        model = ScriptedModel(["yes"], loop: world.loop)
        pooled = ModelPool(limit: 1, loop: world.loop).pooled(model)
    }

    private func ask(_ asker: Asker) -> any LanguageModelReply {
        pooled.start(LanguageModelRequest(model: "m", messages: []), handler: asker)
    }

    @Test func whatHasNoPlaceWaitsUntilOneIsFree() {
        let askers = (0..<3).map { _ in Asker() }
        for asker in askers { _ = ask(asker) }
        #expect(model.requests.count == 1)
        world.run()
        #expect(askers.allSatisfy { $0.isDone && $0.text == "yes" })
        // One after the other, each as soon as the one before has ended.
        let gaps = zip(model.askedAt.dropFirst(), model.askedAt).map { $0 - $1 }
        #expect(gaps.count == 2 && gaps.allSatisfy { $0 > .milliseconds(250) })
    }

    @Test func aFailureAndACancelGiveTheirPlaceAway() {
        model.failures = 1
        let (first, second, third) = (Asker(), Asker(), Asker())
        _ = ask(first)
        let reply = ask(second)
        _ = ask(third)
        world.run(for: .milliseconds(300))
        #expect(first.isDone && first.text == "" && model.requests.count == 2)
        reply.cancel()
        #expect(model.requests.count == 3)
        world.run()
        #expect(third.text == "yes" && !second.isDone)
    }

    @Test func whoGivesUpWhileWaitingIsNeverAsked() {
        let (first, second, third) = (Asker(), Asker(), Asker())
        _ = ask(first)
        let reply = ask(second)
        _ = ask(third)
        reply.cancel()
        world.run()
        #expect(model.requests.count == 2)
        #expect(first.isDone && third.isDone && !second.isDone)
    }
}
