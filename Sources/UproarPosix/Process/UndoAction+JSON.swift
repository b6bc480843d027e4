import UproarCore

/// The form in undo records.
extension UndoAction {
    var value: JSONValue {
        switch self {
        case .restoreFile(let path, let text):
            ["kind": "restore_file", "path": .string(path), "text": .string(text)]
        case .removeFile(let path): ["kind": "remove_file", "path": .string(path)]
        case .removeFolder(let path): ["kind": "remove_folder", "path": .string(path)]
        case .removeGroup(let path): ["kind": "remove_group", "path": .string(path)]
        case .signal(let process, let number):
            Self.value("signal", process, ["signal": .integer(Int64(number))])
        case .move(let process, let procs):
            Self.value("move", process, ["path": .string(procs)])
        case .limit(let process, let resource, let soft, let hard):
            Self.value(
                "limit", process,
                [
                    "resource": .integer(Int64(resource)), "soft": .string(String(soft)),
                    "hard": .string(String(hard)),
                ])
        case .processFile(let process, let name, let text):
            Self.value("process_file", process, ["name": .string(name), "text": .string(text)])
        }
    }

    private static func value(_ kind: String, _ process: ProcessIdentity, _ rest: JSONValue)
        -> JSONValue
    {
        .object(
            [
                .init("kind", .string(kind)), .init("pid", .integer(Int64(process.pid))),
                .init("start_ticks", JSONValue(process.startTicks)),
            ] + (rest.members ?? []))
    }

    /// nil for anything but a whole action.
    init?(_ value: JSONValue) {
        let path = value["path"]?.text
        let text = value["text"]?.text
        var process: ProcessIdentity?
        if let pid = value["pid"]?.int.flatMap(Int32.init(exactly:)),
            let start = value["start_ticks"]?.int
        {
            process = ProcessIdentity(pid: pid, startTicks: Int64(start))
        }
        func small(_ name: String) -> Int32? { value[name]?.int.flatMap(Int32.init(exactly:)) }
        func large(_ name: String) -> UInt64? { value[name]?.text.flatMap { UInt64($0) } }
        switch value["kind"]?.text {
        case "restore_file":
            guard let path, let text else { return nil }
            self = .restoreFile(path: path, text: text)
        case "remove_file":
            guard let path else { return nil }
            self = .removeFile(path: path)
        case "remove_folder":
            guard let path else { return nil }
            self = .removeFolder(path: path)
        case "remove_group":
            guard let path else { return nil }
            self = .removeGroup(path: path)
        case "signal":
            guard let process, let number = small("signal") else { return nil }
            self = .signal(process, number: number)
        case "move":
            guard let process, let path else { return nil }
            self = .move(process, procs: path)
        case "limit":
            guard let process, let resource = small("resource"), let soft = large("soft"),
                let hard = large("hard")
            else { return nil }
            self = .limit(process, resource: resource, soft: soft, hard: hard)
        case "process_file":
            guard let process, let name = value["name"]?.text, let text else { return nil }
            self = .processFile(process, name: name, text: text)
        default: return nil
        }
    }
}
