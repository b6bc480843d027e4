import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

@Suite struct FolderSpoolTests {
    private let folder = TemporaryFolder()

    /// Runs until `step` says that it is done.
    private func run(_ body: (FolderSpool, EventLoop) -> Void) throws {
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let spool = try FolderSpool(
            folder: folder.path + "/a/spool",
            worker: try BackgroundThread(name: "spool", loop: loop))
        body(spool, loop)
        loop.run()
    }

    @Test func filesGrowAreRenamedReadAndRemoved() throws {
        var seen: [[UInt8]?] = []
        var listed: [[SpoolFile]] = []
        var kept: [Bool] = []
        try run { spool, loop in
            _ = spool.append([1, 2], to: "x.part") { kept.append($0) }
            _ = spool.append([3], to: "x.part") { kept.append($0) }
            spool.rename("x.part", to: "x.rec") { kept.append($0) }
            spool.rename("none", to: "y") { kept.append($0) }
            spool.list { listed.append($0) }
            spool.read("x.rec", from: 1, count: 8) { seen.append($0) }
            spool.read("x.rec", from: 3, count: 8) { seen.append($0) }
            spool.read("none", from: 0, count: 8) { seen.append($0) }
            spool.remove("x.rec") {}
            spool.list {
                listed.append($0)
                loop.stop()
            }
        }
        #expect(kept == [true, true, true, false])
        #expect(seen == [[2, 3], [], nil])
        #expect(listed == [[SpoolFile(name: "x.rec", byteCount: 3)], []])
    }

    @Test func aDiskThatTakesNothingLeavesTheFileAsItWas() throws {
        var kept: [Bool] = []
        var left: [UInt8]?
        // /dev/full stands in for the disk: the link is opened as a file of the spool.
        try AtomicFile.makeFolder(folder.path + "/a/spool")
        #expect(symlink("/dev/full", folder.path + "/a/spool/full.part") == 0)
        try run { spool, loop in
            _ = spool.append([1, 2], to: "good.part") { kept.append($0) }
            _ = spool.append([1, 2], to: "full.part") { kept.append($0) }
            spool.read("good.part", from: 0, count: 8) {
                left = $0
                loop.stop()
            }
        }
        #expect(kept == [true, false])
        #expect(left == [1, 2])
    }

    @Test func onlyTheOwnerLooksIntoIt() throws {
        try run { spool, loop in
            _ = spool.append([1], to: "x") { _ in loop.stop() }
        }
        for (path, mode) in [("/a/spool", 0o700), ("/a/spool/x", 0o600)] {
            var status = stat()
            #expect(stat(folder.path + path, &status) == 0)
            #expect(status.st_mode & 0o777 == mode_t(mode))
        }
    }
}
