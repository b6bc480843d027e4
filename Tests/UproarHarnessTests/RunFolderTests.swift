import Glibc
import Testing

@testable import UproarHarness

@Suite struct RunFolderTests {
    private let place = "/tmp/uproar-run-folder-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"

    private func names(_ path: String) -> Set<String> {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: Set<String> = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.insert(name) }
        }
        return names
    }

    private func remove(_ path: String) {
        for name in names(path) { remove(path + "/" + name) }
        if rmdir(path) != 0 { unlink(path) }
    }

    @Test(arguments: ["run", "deep/er/run", "slash/"])
    func aNewFolderAppearsWithItsResultAndNothingBesideIt(_ name: String) throws {
        defer { remove(place) }
        let folder = try RunFolder(path: place + "/" + name, result: Array("{}".utf8))
        #expect(
            names(folder.path) == ["result.json", "calls.jsonl", "journal.jsonl", "children"])
        #expect(names(place).count == 1)
    }

    @Test func aFolderThatIsThereKeepsWhatItHasAndGetsTheResult() throws {
        defer { remove(place) }
        let old = try RunFolder(path: place, result: Array("1".utf8))
        old.write("kept", to: "notes.txt")
        old.release()
        let new = try RunFolder(path: place, result: Array("2".utf8))
        #expect(names(new.path).isSuperset(of: ["notes.txt", "result.json"]))
        #expect(names(new.path).allSatisfy { !$0.hasSuffix(".new") })
    }

    @Test func whileOneRunWritesNoOtherMay() throws {
        defer { remove(place) }
        let first = try RunFolder(path: place, result: Array("1".utf8))
        for result in [nil, Array("2".utf8)] {
            let error = #expect(throws: RunFolder.Problem.self) {
                try RunFolder(path: place, result: result)
            }
            #expect(error?.description.contains("--out") == true)
        }
        #expect(try TextFile.read(place + "/result.json") == Array("1".utf8))
        first.release()
        _ = try RunFolder(path: place, result: Array("2".utf8))
        #expect(try TextFile.read(place + "/result.json") == Array("2".utf8))
    }

    @Test func aPlaceThatIsAFileIsRefused() throws {
        defer { remove(place) }
        _ = try RunFolder(path: place, result: Array("1".utf8))
        #expect(throws: (any Error).self) {
            try RunFolder(path: place + "/result.json", result: Array("2".utf8))
        }
        #expect(throws: (any Error).self) {
            try RunFolder(path: place + "/result.json/deeper", result: Array("2".utf8))
        }
    }
}
