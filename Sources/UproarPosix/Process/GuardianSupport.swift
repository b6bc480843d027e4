import CUproarShims
import Glibc
import UproarCore
import UproarRuntime

/// The guardian's dealings with C: environments, C strings, output files.
extension Guardian {
    /// Standard error may be a terminal that is gone: nothing here may fail.
    static func complain(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(2, line, line.count)
    }

    static func ownEnvironment() -> [String] {
        var entries: [String] = []
        var next = environ
        while let entry = next.pointee {
            entries.append(String(cString: entry))
            next += 1
        }
        return entries
    }

    /// Of entries with the same name the last one stays, at the place of the first.
    static func deduplicated(_ entries: [String]) -> [String] {
        var table = OrderedTable<Substring, String>()
        for entry in entries {
            table[entry.prefix { $0 != "=" }] = entry
        }
        return table.values
    }

    /// -1 without a path. The file is appended to, so that a child started again keeps what it said before.
    static func openOutput(_ path: String?) throws(Errno) -> Int32 {
        guard let path else { return -1 }
        return try systemCall("open output") {
            open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        }
    }

    /// Starts the command and answers its pid. The C function is ours: `uproar_spawn`.
    static func spawn(
        _ command: ProcessCommand, environment: [String], output: Int32, passing: [Int32]
    ) throws(Errno) -> Int32 {
        var step: UnsafePointer<CChar>?
        var code: Int32 = 0
        let pid = CStrings.with([command.executable] + command.arguments) { arguments in
            CStrings.with(environment) { environment in
                CStrings.withOptional(command.directory) { directory in
                    passing.withUnsafeBufferPointer { passing in
                        var request = uproar_spawn()
                        request.executable = UnsafePointer(arguments[0])
                        request.arguments = arguments
                        request.environment = environment
                        request.directory = directory
                        request.output = output
                        request.descriptors = passing.baseAddress
                        request.descriptor_count = Int32(passing.count)
                        request.open_files = UInt64(clamping: command.openFiles ?? 0)
                        return uproar_spawn(&request, &step, &code)
                    }
                }
            }
        }
        guard pid > 0 else { throw Errno(step.map { String(cString: $0) } ?? "spawn", code) }
        return pid
    }
}
