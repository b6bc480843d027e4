import Glibc
import UproarCore
import UproarPosix

/// `uproar inside`: enters a view of the file system and becomes the agent, under the same pid. It does nothing else.
///
/// What it is to do travels in its environment, since an agent's words may look like flags of ours, and may hold a key.
package enum InsideProcess {
    package static let variable = "UPROAR_INSIDE"

    static func order(_ bindings: [MountNamespace.Binding], command: [String]) -> String {
        let value: JSONValue = [
            "bind": .array(bindings.map { [.string($0.source), .string($0.target)] }),
            "command": .array(command.map { .string($0) }),
        ]
        return String(decoding: value.encoded(), as: UTF8.self)
    }

    /// Returns only when it fails, or when it was asked to try and no more (no command).
    package static func run() -> ExitCode {
        guard let text = getenv(variable).map({ String(cString: $0) }),
            let value = try? JSONParser.parse(Array(text.utf8)),
            let binds = value["bind"]?.items, let command = value["command"]?.texts
        else {
            complain("started by `uproar run`, not by hand")
            return .usage
        }
        unsetenv(variable)
        let bindings = binds.compactMap { item -> MountNamespace.Binding? in
            guard let source = item[0]?.text, let target = item[1]?.text else { return nil }
            return .init(source, at: target)
        }
        do throws(Errno) { try MountNamespace.enter(bindings) } catch {
            complain("\(error)")
            exit(126)
        }
        guard !command.isEmpty else { return .passed }
        // What this program ignores, its successor would inherit.
        signal(SIGPIPE, SIG_DFL)
        complain("\(MountNamespace.become(command))")
        exit(127)
    }

    private static func complain(_ text: String) {
        let line = Array("uproar inside: \(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }

    /// Enters such a view in a process of its own, with a file covered that is on every machine; nil when that works, else why not.
    static func trial() -> String? {
        setenv(variable, order([.init("/dev/null", at: "/etc/hosts")], command: []), 1)
        defer { unsetenv(variable) }
        let program = ownExecutable().replacing("'", with: "'\\''")
        guard let output = popen("'\(program)' inside 2>&1", "r") else {
            return Errno.words(for: errno)
        }
        var said: [UInt8] = []
        while said.count < 4096 {
            let byte = fgetc(output)
            guard byte >= 0 else { break }
            said.append(UInt8(byte))
        }
        guard pclose(output) != 0 else { return nil }
        let words = String(decoding: said, as: UTF8.self)
        return words.split(separator: "\n").last.map(String.init) ?? "it was refused"
    }
}
