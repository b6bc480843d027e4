import Glibc
import UproarCore
import UproarPosix
import UproarProviders
import UproarRuntime

/// Events that no hook would take: written to a file, one JSON object a line, and delivered from there when somebody says so.
enum DeadLetterReplay {
    /// A file of this size takes no more: whoever lets it grow so far does not want them.
    private static let fileLimit = 64 << 20

    /// Writes dead letters to a file; one that cannot be written is said instead, so that it is lost from nowhere.
    static func writer(_ path: String, say: @escaping (String) -> Void) -> (JSONValue) -> Void {
        let file = LineFile(path: path, limit: fileLimit)
        return { event in
            do throws(Errno) { try file.append(event.encoded()) } catch {
                say(
                    "agent: a dead letter could not be kept (\(error)): \(event.text(pretty: false))"
                )
            }
        }
    }

    /// Delivers the events of a file in their order; those that fail again stay in it. An agent may write to it meanwhile.
    ///
    /// A replay that is killed leaves `PATH.replaying`, which the next one takes up: events may come twice then, under the same id.
    static func run(_ path: String, to url: String, say: @escaping (String) -> Void) throws
        -> ExitCode
    {
        guard !url.isEmpty else {
            throw ScenarioLoading.Problem(
                "--replay \(path): there is no workflow_url to deliver to; give it with --config")
        }
        let taken = path + ".replaying"
        if access(taken, F_OK) != 0, rename(path, taken) != 0 {
            if errno == ENOENT { throw ScenarioLoading.Problem("there is no file \(path)") }
            throw ScenarioLoading.Problem("\(path): \(Errno("rename", errno))")
        }
        let lines = try TextFile.read(taken).split(separator: 0x0a).map { Array($0) }
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let hook = WebhookClient(url: url, http: CurlHTTPClient(loop: loop, driver: driver))
        let file = LineFile(path: path)
        var left = lines[...]
        var (delivered, failed) = (0, 0)
        var trouble: Errno?
        func next() {
            guard trouble == nil, let line = left.popFirst() else { return loop.stop() }
            func keep(_ reason: String) {
                failed += 1
                say(
                    "agent: not delivered (\(reason)): \(String(decoding: line.prefix(200), as: UTF8.self))"
                )
                do throws(Errno) { try file.append(line) } catch { trouble = error }
                next()
            }
            guard let event = try? JSONParser.parse(line) else { return keep("no JSON") }
            hook.deliver(event) { result in
                switch result {
                case .success:
                    delivered += 1
                    next()
                case .failure(let failure): keep("\(failure)")
                }
            }
        }
        loop.schedule(at: loop.now) { next() }
        loop.run()
        if let trouble { throw ScenarioLoading.Problem("\(path): \(trouble); see \(taken)") }
        unlink(taken)
        say("agent: \(delivered) of \(lines.count) events delivered, \(failed) left in \(path)")
        return failed == 0 ? .passed : .gateFailed
    }
}
