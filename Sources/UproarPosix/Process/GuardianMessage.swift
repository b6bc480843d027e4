import UproarCore
import UproarRuntime

/// What the run asks of the guardian: one message of a sequenced-packet socket, JSON text.
package enum GuardianRequest: Hashable, Sendable {
    /// Starts a child; the descriptors that travel with the message become 3, 4, … of it. `started` or `exited` answers.
    case start(id: Int, ProcessCommand)
    /// `signalled` answers when the child was still there.
    case signal(id: Int, ProcessSignal, tree: Bool)
    /// Names the file of undo records that the guardian settles at the end.
    case undoFile(String)
    /// The run lives: without another such message within `time`, or once `haltFile` is there, its changes are undone.
    case lease(Duration, haltFile: String)

    /// One message must fit the socket's buffer, which is 208 KiB unless the machine was tuned down.
    package static let byteLimit = 160 << 10

    package func encoded() -> [UInt8] { value.encoded() }

    private var value: JSONValue {
        switch self {
        case .start(let id, let command):
            [
                "do": "start", "id": JSONValue(id), "name": .string(command.name),
                "executable": .string(command.executable),
                "arguments": .array(command.arguments.map { .string($0) }),
                "environment": .array(
                    command.environment.map { [.string($0.name), .string($0.value)] }),
                "withheld": .array(command.withheld.map { .string($0) }),
                "directory": JSONValue(command.directory),
                "output": JSONValue(command.outputFile),
                "output_limit": command.outputLimit.map { JSONValue($0) } ?? .null,
                "open_files": command.openFiles.map { JSONValue($0) } ?? .null,
            ]
        case .signal(let id, let signal, let tree):
            [
                "do": "signal", "id": JSONValue(id), "signal": .integer(Int64(signal.rawValue)),
                "tree": .bool(tree),
            ]
        case .undoFile(let path): ["do": "undo_file", "path": .string(path)]
        case .lease(let time, let haltFile):
            ["do": "lease", "ns": .integer(time.nanoseconds), "halt": .string(haltFile)]
        }
    }

    /// Nil for anything but a whole request.
    package init?(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes) else { return nil }
        switch value["do"]?.text {
        case "start":
            guard let id = value["id"]?.int, let name = value["name"]?.text,
                let executable = value["executable"]?.text,
                let arguments = value["arguments"]?.items?.compactMap(\.text)
            else { return nil }
            var command = ProcessCommand(name: name, executable: executable, arguments: arguments)
            for entry in value["environment"]?.items ?? [] {
                guard let name = entry[0]?.text, let text = entry[1]?.text else { return nil }
                command.environment.append(EnvironmentEntry(name, text))
            }
            command.withheld = value["withheld"]?.items?.compactMap(\.text) ?? []
            command.directory = value["directory"]?.text
            command.outputFile = value["output"]?.text
            command.outputLimit = value["output_limit"]?.int
            command.openFiles = value["open_files"]?.int
            self = .start(id: id, command)
        case "signal":
            guard let id = value["id"]?.int,
                let number = value["signal"]?.int.flatMap(Int32.init(exactly:)),
                let signal = ProcessSignal(rawValue: number), let tree = value["tree"]?.isTrue
            else { return nil }
            self = .signal(id: id, signal, tree: tree)
        case "undo_file":
            guard let path = value["path"]?.text else { return nil }
            self = .undoFile(path)
        case "lease":
            guard let time = value["ns"]?.int, time > 0, let halt = value["halt"]?.text else {
                return nil
            }
            self = .lease(.nanoseconds(Int64(time)), haltFile: halt)
        default: return nil
        }
    }
}

/// What the guardian tells the run. Times are CLOCK_MONOTONIC nanoseconds: the guardian knows nothing of the run's epoch.
package enum GuardianReply: Hashable, Sendable {
    case started(id: Int, pid: Int32)
    case signalled(id: Int, ProcessSignal, monotonic: Int64)
    case exited(id: Int, ProcessExit)
    /// What it used in its life, told before its exit.
    case used(id: Int, ProcessorUse)
    /// The run's lease was over, or everything was halted: so many of its changes were undone, and these could not be.
    case undone(count: Int, isHalted: Bool, failures: [String])

    package func encoded() -> [UInt8] { value.encoded() }

    private var value: JSONValue {
        switch self {
        case .started(let id, let pid):
            ["event": "started", "id": JSONValue(id), "pid": .integer(Int64(pid))]
        case .signalled(let id, let signal, let monotonic):
            [
                "event": "signalled", "id": JSONValue(id),
                "signal": .integer(Int64(signal.rawValue)), "monotonic": JSONValue(monotonic),
            ]
        case .exited(let id, .code(let code)):
            ["event": "exited", "id": JSONValue(id), "code": .integer(Int64(code))]
        case .exited(let id, .signal(let number)):
            ["event": "exited", "id": JSONValue(id), "signal": .integer(Int64(number))]
        case .exited(let id, .notStarted(let step, let errno)):
            [
                "event": "exited", "id": JSONValue(id), "step": .string(step),
                "errno": .integer(Int64(errno)),
            ]
        case .exited(let id, .unknown): ["event": "exited", "id": JSONValue(id)]
        case .used(let id, let use):
            [
                "event": "used", "id": JSONValue(id), "user_ns": JSONValue(use.user),
                "system_ns": JSONValue(use.system),
            ]
        case .undone(let count, let isHalted, let failures):
            [
                "event": "undone", "id": 0, "count": JSONValue(count), "halted": .bool(isHalted),
                "failures": .array(failures.map { .string($0) }),
            ]
        }
    }

    package init?(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes), let id = value["id"]?.int else {
            return nil
        }
        func number(_ key: String) -> Int32? { value[key]?.int.flatMap(Int32.init(exactly:)) }
        switch value["event"]?.text {
        case "started":
            guard let pid = number("pid") else { return nil }
            self = .started(id: id, pid: pid)
        case "used":
            guard let user = value["user_ns"]?.int, let system = value["system_ns"]?.int else {
                return nil
            }
            self = .used(id: id, ProcessorUse(user: Int64(user), system: Int64(system)))
        case "undone":
            guard let count = value["count"]?.int, let isHalted = value["halted"]?.isTrue,
                let failures = value["failures"]?.items?.compactMap(\.text)
            else { return nil }
            self = .undone(count: count, isHalted: isHalted, failures: failures)
        case "signalled":
            guard let signal = number("signal").flatMap(ProcessSignal.init(rawValue:)),
                let monotonic = value["monotonic"]?.int
            else { return nil }
            self = .signalled(id: id, signal, monotonic: Int64(monotonic))
        case "exited":
            if let code = number("code") {
                self = .exited(id: id, .code(code))
            } else if let signal = number("signal") {
                self = .exited(id: id, .signal(signal))
            } else if let step = value["step"]?.text, let errno = number("errno") {
                self = .exited(id: id, .notStarted(step: step, errno: errno))
            } else {
                self = .exited(id: id, .unknown)
            }
        default: return nil
        }
    }
}
