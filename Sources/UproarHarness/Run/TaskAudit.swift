import UproarCore
import UproarProviders
import UproarRuntime

/// Compares the tasks that callers were told of with those in the agent's store: none lost, none made twice.
///
/// A task is one utterance's: the emulated model's tool calls have ids that end in the utterance's reference, and the agent keeps
/// tasks under the id of the call that made them.
struct TaskAudit {
    static let tool = "create_task"

    /// By clip: whether its words ask for a task.
    private let asks: [Bool]
    private var asked: [UInt32: Instant] = [:]
    /// The model heard of a tool's result, and told the caller. Facts of several processes come in any order: whether the tool was
    /// the one is seen at the end.
    private var answered: [UInt32: Instant] = [:]
    private var found: [UInt32: Int] = [:]

    /// Nil when the conversation asks for no task.
    init?(_ script: ConversationScript, clips: [ClipDescription]) {
        asks = clips.map { clip in
            script.languageModel.recognise(clip.transcript).map {
                script.languageModel.intents[$0.intent].tool?.name == Self.tool
            } ?? false
        }
        guard asks.contains(true) else { return nil }
    }

    mutating func take(_ fact: Fact) {
        guard let turn = fact.turn?.asUtterance else { return }
        switch FactKind(rawValue: fact.kind) {
        case .utteranceBegan:
            let clip = Int(fact.detail)
            if asks.indices.contains(clip), asks[clip] { asked[turn.rawValue] = fact.instant }
        case .modelRequested where fact.detail == ScriptedModel.ToolResult.success.rawValue:
            if answered[turn.rawValue] == nil { answered[turn.rawValue] = fact.instant }
        default: break
        }
    }

    /// The tasks that callers were told of, and when; in order of calls.
    var told: [(turn: TurnReference, at: Instant)] {
        answered.keys.filter { asked[$0] != nil }.sorted().map {
            (TurnReference(rawValue: $0), answered[$0] ?? .zero)
        }
    }

    /// A task of the store. One whose id names no turn is somebody else's.
    mutating func found(task id: String) {
        guard let turn = TurnReferenceText.reference(endOf: id)?.asUtterance,
            asked[turn.rawValue] != nil
        else { return }
        found[turn.rawValue, default: 0] += 1
    }

    func isLost(_ turn: TurnReference) -> Bool { found[turn.rawValue] == nil }

    /// Every utterance with a task, when it began, and whether it has more than one; in order of calls.
    var made: [(turn: TurnReference, at: Instant, isDuplicated: Bool)] {
        found.keys.sorted().map {
            (TurnReference(rawValue: $0), asked[$0] ?? .zero, found[$0] ?? 0 > 1)
        }
    }
}

/// Reads the tasks of a run's callers from the Redis of the run.
final class TaskReader {
    private let client: RedisClient
    private let store: RedisTaskStore
    private let loop: EventLoop
    private var owners: ArraySlice<String>
    private var waiting = 0
    private var found: (StoredTask) -> Void
    private var done: ((Bool) -> Void)?

    /// Asked for at once.
    private static let batch = 200

    /// - done: whether all could be read; called once, on the loop.
    init(
        redis port: UInt16, owners: [String], network: any Network, loop: EventLoop, seed: Seed,
        found: @escaping (StoredTask) -> Void, done: @escaping (Bool) -> Void
    ) {
        var options = RedisClient.Options()
        options.deadline = .seconds(2)
        client = RedisClient(
            RedisURL(host: "127.0.0.1", port: port), network: network, loop: loop,
            random: seed.stream("task-audit"), options: options)
        store = RedisTaskStore(client)
        self.owners = owners[...]
        self.loop = loop
        self.found = found
        self.done = done
    }

    func start() { next() }

    private func next() {
        let batch = owners.prefix(Self.batch)
        owners = owners.dropFirst(Self.batch)
        guard !batch.isEmpty else { return end(true) }
        waiting = batch.count
        for owner in batch {
            store.list(owner: owner) { [self] result in
                switch result {
                case .success(let tasks): for task in tasks { found(task) }
                case .failure: return end(false)
                }
                waiting -= 1
                if waiting == 0 { next() }
            }
        }
    }

    private func end(_ isWhole: Bool) {
        guard let done else { return }
        self.done = nil
        found = { _ in }
        // Never from within a reply of the client that is closed here.
        loop.schedule(at: loop.now) { [self] in
            client.close()
            done(isWhole)
        }
    }
}
