import Glibc
import Testing
import UproarPosix

@Suite struct AtomicFileTests {
    let folder = TemporaryFolder()

    @Test func aFileIsReplacedWholeAndNoDraftStays() throws {
        let path = folder.path + "/result.json"
        try AtomicFile.write(Array("first".utf8), to: path)
        try AtomicFile.write(Array("second, longer".utf8), to: path)
        #expect(ProcFile.text(path) == "second, longer")
        #expect(ProcFile.names(in: folder.path) == ["result.json"])
    }

    @Test func aFullDiskLeavesWhatWasThereBefore() throws {
        // /dev/full takes no byte: the draft cannot be made there, so the error is of writing, as on a full disk.
        #expect(throws: Errno("write", ENOSPC)) {
            let full = try systemCall("open") { open("/dev/full", O_WRONLY | O_CLOEXEC) }
            defer { close(full) }
            try AtomicFile.append([1, 2, 3], to: full)
        }
    }

    @Test func anUnwritablePlaceIsAnErrorThatNamesIt() {
        let path = folder.path + "/missing/result.json"
        #expect(throws: Errno("open \(path)", ENOENT)) { try AtomicFile.write([1], to: path) }
    }

    @Test func foldersAreMadeWithThoseAboveThem() throws {
        let path = folder.path + "/a/b/c"
        try AtomicFile.makeFolder(path)
        try AtomicFile.makeFolder(path)
        #expect(access(path, F_OK) == 0)
        try AtomicFile.write([1], to: path + "/file")
        #expect(throws: Errno.self) { try AtomicFile.makeFolder(path + "/file/d") }
        #expect(throws: Errno.self) { try AtomicFile.makeFolder(path + "/file") }
    }
}

/// A folder for one test, removed with it.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/uproar-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary folder")
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        for name in ProcFile.names(in: path) {
            let entry = "\(path)/\(name)"
            if unlink(entry) != 0 { remove(entry) }
        }
        rmdir(path)
    }
}
