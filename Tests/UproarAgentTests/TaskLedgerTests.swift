import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

@testable import UproarAgent

@Suite struct TaskLedgerTests {
    /// A store that answers after a delay, or fails.
    private final class SlowTasks: TaskStore {
        let loop: EventLoop
        var tasks: [StoredTask] = []
        var isDown = false
        private(set) var reads = 0

        init(_ loop: EventLoop) { self.loop = loop }

        private func answer<Value>(
            _ value: Value, _ then: @escaping (Result<Value, StoreFailure>) -> Void
        ) {
            let isDown = isDown
            loop.schedule(at: loop.now + .milliseconds(100)) {
                then(isDown ? .failure(.timedOut) : .success(value))
            }
        }

        func create(
            _ task: StoredTask, owner: String,
            then: @escaping (Result<Void, StoreFailure>) -> Void
        ) {
            if !isDown { tasks.append(task) }
            answer((), then)
        }

        func list(owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void) {
            reads += 1
            answer(tasks, then)
        }

        func update(
            _ task: StoredTask, owner: String,
            then: @escaping (Result<Void, StoreFailure>) -> Void
        ) {
            if !isDown, let place = tasks.firstIndex(where: { $0.id == task.id }) {
                tasks[place] = task
            }
            answer((), then)
        }
    }

    private final class Scene {
        let world = SimulatedWorld()
        let store: SlowTasks
        let ledger: TaskLedger

        init(_ change: (inout AgentSettings) -> Void = { _ in }) {
            var settings = AgentSettings()
            change(&settings)
            store = SlowTasks(world.loop)
            ledger = TaskLedger(
                store, settings: settings, metrics: AgentMetrics(), loop: world.loop)
        }

        func task(_ title: String) -> StoredTask {
            StoredTask(id: title, title: title, createdAt: 1)
        }

        func add(_ title: String) { ledger.create(task(title), owner: "p") { _ in } }

        func run(for milliseconds: Int64) {
            world.loop.run(until: world.loop.now + .milliseconds(milliseconds))
        }

        /// Titles, once they have come; nil when the list could not be read.
        func listed() -> [String]? {
            var titles: [String]?
            ledger.list(owner: "p") { titles = (try? $0.get())?.map(\.title) }
            run(for: 200)
            return titles
        }
    }

    @Test func aListIsReadOnceAndAgainWhenATaskHasChanged() {
        let scene = Scene()
        scene.store.tasks = [scene.task("milk")]
        scene.ledger.prepare("p")
        scene.run(for: 200)
        #expect(scene.listed() == ["milk"])
        #expect(scene.listed() == ["milk"])
        #expect(scene.store.reads == 1)
        scene.add("bread")
        scene.run(for: 200)
        #expect(scene.listed() == ["milk", "bread"])
        #expect(scene.store.reads == 2)
        scene.run(for: 30_000)
        #expect(scene.listed() == ["milk", "bread"])
        #expect(scene.store.reads == 3)
    }

    @Test func anAnswerFromBeforeAChangeIsNotKept() {
        let scene = Scene()
        scene.ledger.prepare("p")
        scene.run(for: 50)
        // Taken by the store after it was read, and told of before the answer is there.
        scene.store.tasks = []
        scene.add("bread")
        scene.ledger.prepare("p")
        scene.run(for: 400)
        #expect(scene.listed() == ["bread"])
    }

    @Test func aStoreThatIsGoneLeavesTheListAsItWasLeft() {
        let scene = Scene()
        scene.store.tasks = [scene.task("milk")]
        scene.ledger.prepare("p")
        scene.run(for: 200)
        scene.add("bread")
        scene.run(for: 200)
        scene.store.isDown = true
        #expect(scene.listed() == ["milk", "bread"])
        scene.add("eggs")
        scene.run(for: 200)
        #expect(scene.listed() == ["milk", "bread", "eggs"])
        scene.store.isDown = false
        scene.run(for: 3000)
        #expect(scene.store.tasks.map(\.title) == ["milk", "bread", "eggs"])
        #expect(scene.listed() == ["milk", "bread", "eggs"])
    }

    @Test func aListThatWasNeverReadCannotBeToldWithoutTheStore() {
        let scene = Scene()
        scene.store.isDown = true
        #expect(scene.listed() == nil)
    }

    @Test func switchedOffAListStaysUntilItIsTooOld() {
        let scene = Scene { $0.taskInvalidation = false }
        scene.ledger.prepare("p")
        scene.run(for: 200)
        scene.add("bread")
        scene.run(for: 200)
        #expect(scene.listed() == [])
        scene.run(for: 30_000)
        #expect(scene.listed() == ["bread"])
    }
}
