import UproarCore
import UproarRuntime

/// The task list as tools of the model: what they are called, and what they do to the store.
struct TaskTools {
    static let declarations = [
        ToolDeclaration(
            name: "create_task", summary: "Adds a task to the caller's list.",
            parameters: schema(["title": "What is to be done"], required: ["title"])),
        ToolDeclaration(
            name: "list_tasks", summary: "Lists the caller's open tasks.",
            parameters: schema([:], required: [])),
        ToolDeclaration(
            name: "complete_task", summary: "Marks one of the caller's tasks as done.",
            parameters: schema(
                ["title": "The task, in the caller's words"], required: ["title"])),
    ]

    private static func schema(
        _ properties: KeyValuePairs<String, String>, required: [String]
    ) -> JSONValue {
        [
            "type": "object",
            "properties": .object(
                properties.map { name, text in
                    .init(name, ["type": "string", "description": .string(text)])
                }),
            "required": .array(required.map { .string($0) }),
        ]
    }

    /// Whether the tool changes nothing, so that it may run on a mere guess of what the caller wants.
    static func onlyLooks(_ name: String) -> Bool { name == "list_tasks" }

    let store: any TaskStore
    let owner: String

    /// Runs one call of the model's; `then` gets the result as the model is told, always JSON text.
    ///
    /// - now: milliseconds of the Unix epoch.
    func run(_ call: ToolCall, now: Int64, then: @escaping (String) -> Void) {
        let arguments = (try? JSONParser.parse(call.arguments)) ?? .null
        switch call.name {
        case "create_task":
            guard let title = arguments["title"]?.text, !title.isEmpty else {
                return then(Self.problem("a task needs a title"))
            }
            // The model's own id of the call: run twice it still is one task.
            let task = StoredTask(id: call.id, title: title, createdAt: now)
            store.create(task, owner: owner) { result in
                switch result {
                case .success: then(Self.text(["created": .string(title)]))
                case .failure: then(Self.unreachable)
                }
            }
        case "list_tasks":
            store.list(owner: owner) { result in
                switch result {
                case .success(let tasks):
                    let open = tasks.filter { !$0.isDone }.map { JSONValue.string($0.title) }
                    then(Self.text(["tasks": .array(open)]))
                case .failure: then(Self.unreachable)
                }
            }
        case "complete_task": complete(arguments["title"]?.text ?? "", then: then)
        default: then(Self.problem("there is no tool '\(call.name)'"))
        }
    }

    private func complete(_ title: String, then: @escaping (String) -> Void) {
        let (store, owner) = (store, owner)
        store.list(owner: owner) { result in
            guard case .success(let tasks) = result else {
                return then(Self.unreachable)
            }
            guard var task = Self.match(title, among: tasks.filter { !$0.isDone }) else {
                return then(Self.problem("there is no such task"))
            }
            task.isDone = true
            store.update(task, owner: owner) { result in
                switch result {
                case .success: then(Self.text(["completed": .string(task.title)]))
                case .failure: then(Self.unreachable)
                }
            }
        }
    }

    /// The task with this title, else the first that shares most words with it.
    static func match(_ title: String, among tasks: [StoredTask]) -> StoredTask? {
        let wanted = SpokenText.words(title)
        var best: (task: StoredTask, shared: Int)?
        for task in tasks {
            let words = SpokenText.words(task.title)
            if words == wanted { return task }
            let shared = words.count { wanted.contains($0) }
            if shared > best?.shared ?? 0 { best = (task, shared) }
        }
        return best?.task
    }

    private static func text(_ json: JSONValue) -> String { json.text(pretty: false) }
    private static func problem(_ words: String) -> String { text(["error": .string(words)]) }
    /// The tool could not do its work at all, which whoever reads results can tell from its answers.
    private static let unreachable = text([
        "error": "the task list cannot be reached", "code": "unavailable",
    ])
}
