import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

@testable import UproarAgent

@Suite struct SessionKeeperTests {
    private final class Scene {
        let world = SimulatedWorld()
        let store: MemorySessions
        let metrics = AgentMetrics()
        let keeper: SessionKeeper

        init(_ change: (inout AgentSettings) -> Void = { _ in }) {
            var settings = AgentSettings()
            change(&settings)
            store = MemorySessions(loop: world.loop)
            keeper = SessionKeeper(
                store, settings: settings, metrics: metrics, loop: world.loop)
        }

        func record(_ words: String, at second: Int64) -> SessionRecord {
            SessionRecord(
                id: "s", person: "p", channel: "phone", messages: [.caller(words)],
                createdAt: 1, lastActivity: second)
        }

        func run(until milliseconds: Int64) {
            world.loop.run(until: Instant(nanoseconds: milliseconds * 1_000_000))
        }

        var stored: [ChatMessage]? {
            store.values["voice:session:s"].flatMap { SessionRecord($0) }?.messages
        }
    }

    @Test func aLoadTakesNoLongerThanItsBound() {
        let scene = Scene { $0.storeWait = .milliseconds(300) }
        scene.store.delay = .seconds(9)
        var answeredAt: Instant?
        scene.keeper.load("voice:session:s") { bytes in
            #expect(bytes == nil)
            answeredAt = scene.world.loop.now
        }
        scene.run(until: 1000)
        #expect(answeredAt == Instant(nanoseconds: 300_000_000))
    }

    @Test func whatTheStoreDidNotTakeIsAtHandAndWrittenBackLater() {
        let scene = Scene()
        scene.store.failure = .unreachable("down")
        scene.keeper.save(scene.record("add milk", at: 10))
        scene.run(until: 100)
        #expect(scene.metrics.value(.storeDurable) == 0)
        #expect(scene.stored == nil)
        var loaded: [UInt8]?
        scene.keeper.load("voice:session:s") { loaded = $0 }
        scene.run(until: 200)
        #expect(loaded.flatMap { SessionRecord($0) }?.messages == [.caller("add milk")])
        scene.store.failure = nil
        scene.run(until: 5000)
        #expect(scene.stored == [.caller("add milk")])
        #expect(scene.metrics.value(.storeDurable) == 1)
        #expect(scene.keeper.waiting == 0)
    }

    @Test func whatAnotherWorkerWroteLaterStays() {
        let scene = Scene()
        scene.store.failure = .timedOut
        scene.keeper.save(scene.record("old", at: 10))
        scene.run(until: 100)
        scene.store.failure = nil
        scene.store.values["voice:session:s"] = scene.record("newer", at: 20).encoded
        scene.run(until: 5000)
        #expect(scene.stored == [.caller("newer")])
    }

    @Test func aDeletionOutlivesTheOutageToo() {
        let scene = Scene()
        scene.store.values["voice:session:s"] = scene.record("old", at: 10).encoded
        scene.store.failure = .timedOut
        scene.keeper.delete("voice:session:s")
        scene.run(until: 100)
        #expect(scene.stored != nil)
        scene.store.failure = nil
        scene.run(until: 5000)
        #expect(scene.stored == nil)
    }

    @Test func memoryHasABound() {
        let scene = Scene { $0.sessionMemoryLimit = 10 }
        scene.store.failure = .timedOut
        for number in 0..<50 {
            var record = scene.record("x", at: 1)
            record.id = "s\(number)"
            scene.keeper.save(record)
        }
        #expect(scene.keeper.waiting == 10)
    }
}
