import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

extension RealProcesses {
    /// A process of its own runs out of descriptors, so that this one does not (Tests/DescriptorTrial).
    @Suite struct DescriptorShortageTests {
        /// Both parities of what is left for pairs of ends: once the connecting end is the one that finds none, once the accepted one.
        @Test(arguments: [40, 41, 80])
        func runningOutIsAnErrorAndNotTheEnd(limit: Int) throws {
            let (lines, exit) = try run(limit: limit)
            #expect(exit == .code(0), "\(lines)")
            try #require(lines.count == 9, "\(lines)")
            // With room: a request is answered, and some streams open.
            #expect(lines[0] == "request status 200")
            #expect(lines[1] == "open some")
            // Without: each says so in its own way, and nothing crashes.
            #expect(
                lines[2] == "stream \(CloseReason.unreachable(errno: EMFILE))", "\(lines)")
            #expect(lines[3] == "listener errno \(EMFILE)")
            #expect(["request unreachable", "request timed out"].contains(lines[4]), "\(lines)")
            // With room again: those that waited to be accepted are served, and everything can be had anew.
            #expect(lines[5] == "kept all answered")
            #expect(lines[6] == "stream answered")
            #expect(lines[7] == "listener listening")
            #expect(lines[8] == "request status 200")
        }

        private func run(limit: Int) throws -> (lines: [String], exit: ProcessExit) {
            var ends: [Int32] = [-1, -1]
            try systemCall("pipe") { pipe(&ends) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let output = Descriptor(owning: ends[0])
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
            let program = TrialProgram.folder + "/descriptor-trial"
            var arguments: [UnsafeMutablePointer<CChar>?] = [
                strdup(program), strdup("\(limit)"), nil,
            ]
            var environment: [UnsafeMutablePointer<CChar>?] = [nil]
            defer { for text in arguments { free(text) } }
            var pid: Int32 = 0
            let code = posix_spawn(&pid, program, &actions, nil, &arguments, &environment)
            close(ends[1])
            try #require(code == 0, "\(program): \(Errno.words(for: code))")
            var text: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(output.number, &buffer, buffer.count)
                guard count > 0 else { break }
                text += buffer[..<count]
            }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            return (
                String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init),
                ProcessTree.exit(ofStatus: status)
            )
        }
    }
}
