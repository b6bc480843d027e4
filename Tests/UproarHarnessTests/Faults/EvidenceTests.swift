import Testing
import UproarCore
import UproarPosix

@testable import UproarHarness

@Suite("The evidence of a run")
struct EvidenceTests {
    let path = "/tmp/uproar-journal-\(UndoLog.newToken())"

    func journal() throws -> [UInt8] {
        let journal = try EvidenceJournal(creating: path)
        journal.write("run", at: nil, [.init("seed", .string("7"))], flush: true)
        journal.write("intent", at: .zero + .seconds(1), [.init("id", .string("a"))])
        // What belongs to the chain cannot be overwritten by what is told.
        journal.write("mark", at: .zero + .seconds(2), [.init("prev", .string("x"))])
        journal.write("end", at: .zero + .seconds(3))
        #expect(journal.failure == nil)
        let bytes = try #require(ProcFile.bytes(path))
        try UndoAction.removeFile(path: path).perform()
        return bytes
    }

    @Test("A journal as it was written holds")
    func holds() throws {
        let finding = EvidenceChain.check(try journal())
        #expect(finding.text == "journal: 4 lines, the chain holds")
    }

    @Test("Cut at any byte it holds as far as it goes, and says that the end is missing")
    func cut() throws {
        let whole = try journal()
        for count in 0..<whole.count {
            let finding = EvidenceChain.check(Array(whole.prefix(count)))
            #expect(finding.broken == nil)
            #expect(!finding.isComplete)
            #expect(finding.lines == whole.prefix(count).count { $0 == 0x0a })
        }
    }

    @Test("Any changed byte breaks it, at the line or the one after")
    func changed() throws {
        let whole = try journal()
        let ends = whole.indices.filter { whole[$0] == 0x0a }
        // The last line has none behind it that would name it: only its form can be checked.
        for index in 0..<ends[2] where whole[index] != 0x0a {
            var bytes = whole
            bytes[index] ^= 0x01
            let line = ends.firstIndex { $0 >= index }.map { $0 + 1 } ?? 0
            let broken = try #require(
                EvidenceChain.check(bytes).broken, "byte \(index) of line \(line)")
            #expect(broken.line == line || broken.line == line + 1)
        }
    }

    @Test("A line that was taken out is named")
    func taken() throws {
        var lines = try journal().split(separator: 0x0a).map(Array.init)
        lines.remove(at: 1)
        let finding = EvidenceChain.check(Array(lines.joined(separator: [0x0a])) + [0x0a])
        #expect(finding.text == "journal: BROKEN at line 2: it says it is line 3")
    }
}
