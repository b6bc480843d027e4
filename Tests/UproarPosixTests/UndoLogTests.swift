import Glibc
import Testing
import UproarCore
import UproarPosix

@Suite struct UndoLogTests {
    let folder = TemporaryFolder()

    static let process = ProcessIdentity(pid: 5, startTicks: 77)

    @Test func whatIsNotVerifiedIsOutstandingLastChangeFirst() throws {
        let path = folder.path + "/undo"
        var log = try UndoLog(creating: path)
        _ = try log.record(.removeFile(path: "/a"), of: "one")
        let second = try log.record(.removeFolder(path: "/b"), of: "one")
        let third = try log.record(.signal(Self.process, number: SIGCONT), of: "two")
        _ = try log.record(.restoreFile(path: "/c", text: "max\n"), of: "two")
        for state in UndoLog.State.allCases.dropFirst() { try log.note(second, state) }
        try log.note(third, .applied)
        try log.note(third, .cleared)
        let open = UndoLog.outstanding(in: path)
        #expect(open.map(\.id) == [4, 3, 1])
        #expect(open.map(\.fault) == ["two", "two", "one"])
        // Cleared is not enough: nobody has looked yet.
        #expect(open.map(\.state) == [.intent, .cleared, .intent])
        #expect(
            open.map(\.action) == [
                .restoreFile(path: "/c", text: "max\n"), .signal(Self.process, number: SIGCONT),
                .removeFile(path: "/a"),
            ])
    }

    @Test(arguments: [
        UndoAction.restoreFile(path: "/c", text: "max\n"), .removeFile(path: "/a"),
        .removeFolder(path: "/b"), .removeGroup(path: "/g"), .signal(process, number: 18),
        .move(process, procs: "/h/cgroup.procs"),
        .limit(process, resource: 9, soft: .max, hard: .max),
        .processFile(process, name: "oom_score_adj", text: "-17"),
    ])
    func everyActionComesBackFromTheFile(action: UndoAction) throws {
        let path = folder.path + "/undo"
        var log = try UndoLog(creating: path)
        _ = try log.record(action)
        #expect(UndoLog.outstanding(in: path).map(\.action) == [action])
    }

    @Test func everyCutOfTheFileLosesAtMostTheLastRecord() throws {
        let path = folder.path + "/undo"
        var log = try UndoLog(creating: path)
        for name in ["/a", "/b"] { _ = try log.record(.removeFile(path: name)) }
        let whole = try #require(ProcFile.bytes(path))
        let ends = whole.indices.filter { whole[$0] == 0x0a }
        try #require(ends.count == 3)
        for count in 0...whole.count {
            try AtomicFile.write(Array(whole.prefix(count)), to: path)
            let open = UndoLog.outstanding(in: path).map(\.id)
            #expect(open == (count >= ends[2] ? [2, 1] : count >= ends[1] ? [1] : []))
        }
    }

    @Test func settlingUndoesAndThenRemovesTheFile() throws {
        let path = folder.path + "/undo"
        let limit = folder.path + "/limit"
        let leftover = folder.path + "/leftover"
        try AtomicFile.write(Array("1048576".utf8), to: limit)
        try AtomicFile.write([1], to: leftover)
        var log = try UndoLog(creating: path)
        _ = try log.record(.restoreFile(path: limit, text: "max"))
        _ = try log.record(.removeFile(path: leftover))
        // Gone already, and a pid of another age: nothing to do, no failure.
        _ = try log.record(.removeFolder(path: folder.path + "/never"))
        _ = try log.record(
            .signal(ProcessIdentity(pid: getpid(), startTicks: 1), number: SIGKILL))
        #expect(UndoLog.settle(path) == [])
        #expect(ProcFile.text(limit) == "max")
        #expect(ProcFile.names(in: folder.path) == ["limit"])
    }

    @Test func whatCannotBeUndoneIsToldAndStaysOutstanding() throws {
        let path = folder.path + "/undo"
        var log = try UndoLog(creating: path)
        _ = try log.record(.restoreFile(path: folder.path + "/no/such", text: "x"), of: "mine")
        _ = try log.record(.removeFile(path: folder.path + "/gone"))
        let failures = UndoLog.settle(path)
        #expect(failures.count == 1)
        #expect(failures.first?.hasPrefix("mine: ") == true)
        #expect(UndoLog.outstanding(in: path).map(\.id) == [1])
    }

    @Test func recordsOfAnotherBootAreMootAndTheFileGoes() throws {
        let path = folder.path + "/undo"
        let kept = folder.path + "/kept"
        try AtomicFile.write([1], to: kept)
        var log = try UndoLog(creating: path)
        _ = try log.record(.removeFile(path: kept))
        let own = try #require(MachineLimits.ownBootID())
        let text = try #require(ProcFile.text(path))
        let other = text.replacing(own, with: "00000000-0000-0000-0000-000000000000")
        try AtomicFile.write(Array(other.utf8), to: path)
        #expect(UndoLog.settle(path) == [])
        #expect(ProcFile.names(in: folder.path) == ["kept"])
    }
}
