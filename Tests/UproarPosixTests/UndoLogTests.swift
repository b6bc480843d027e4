import Glibc
import Testing
import UproarPosix

@Suite struct UndoLogTests {
    let folder = TemporaryFolder()

    @Test func whatIsNotSettledIsOutstandingLastChangeFirst() throws {
        let path = folder.path + "/undo"
        var log = try UndoLog(creating: path)
        _ = try log.record(.removeFile(path: "/a"))
        let second = try log.record(.removeFolder(path: "/b"))
        _ = try log.record(.signal(pid: 5, startTicks: 77, number: SIGCONT))
        _ = try log.record(.restoreFile(path: "/c", text: "max\n"))
        try log.settle(id: second)
        let open = UndoLog.outstanding(in: path)
        #expect(open.map(\.id) == [4, 3, 1])
        #expect(
            open.map(\.action) == [
                .restoreFile(path: "/c", text: "max\n"),
                .signal(pid: 5, startTicks: 77, number: SIGCONT), .removeFile(path: "/a"),
            ])
    }

    @Test func everyCutOfTheFileLosesAtMostTheLastRecord() throws {
        let path = folder.path + "/undo"
        var log = try UndoLog(creating: path)
        for name in ["/a", "/b"] { _ = try log.record(.removeFile(path: name)) }
        let whole = try #require(ProcFile.bytes(path))
        let firstLine = try #require(whole.firstIndex(of: 0x0a))
        for count in 0...whole.count {
            try AtomicFile.write(Array(whole.prefix(count)), to: path)
            let open = UndoLog.outstanding(in: path).map(\.id)
            #expect(open == (count >= whole.count - 1 ? [2, 1] : count >= firstLine ? [1] : []))
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
        _ = try log.record(.signal(pid: getpid(), startTicks: 1, number: SIGKILL))
        #expect(UndoLog.settle(path) == [])
        #expect(ProcFile.text(limit) == "max")
        #expect(ProcFile.names(in: folder.path) == ["limit"])
    }

    @Test func whatCannotBeUndoneIsToldAndStaysOutstanding() throws {
        let path = folder.path + "/undo"
        var log = try UndoLog(creating: path)
        _ = try log.record(.restoreFile(path: folder.path + "/no/such", text: "x"))
        _ = try log.record(.removeFile(path: folder.path + "/gone"))
        #expect(UndoLog.settle(path).count == 1)
        #expect(UndoLog.outstanding(in: path).map(\.id) == [1])
    }
}
