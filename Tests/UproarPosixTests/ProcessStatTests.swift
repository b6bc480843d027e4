import Testing
import UproarPosix

@Suite struct ProcessStatTests {
    static func line(_ command: String, parent: Int = 7) -> [UInt8] {
        Array(
            """
            4242 (\(command)) S \(parent) 4242 4242 0 -1 4194560 1190 0 3 0 250 75 0 0 20 0 9 0 \
            123456 98566144 2048 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0

            """.utf8)
    }

    @Test(arguments: ["redis-server", "a b", "x) R 1 (y", ")", "", "日本"])
    func theCommandMayHoldAnything(command: String) throws {
        let stat = try #require(ProcessStat(Self.line(command)))
        #expect(stat.pid == 4242)
        #expect(stat.command == command)
        #expect(stat.state == "S")
        #expect(stat.parent == 7)
        #expect(stat.userTicks == 250)
        #expect(stat.systemTicks == 75)
        #expect(stat.threadCount == 9)
        #expect(stat.startTicks == 123_456)
        #expect(stat.residentPages == 2048)
    }

    @Test func everyCutOfALineIsReadOrRefusedButNeverCrashes() {
        let line = Self.line("agent")
        for count in 0...line.count { _ = ProcessStat(Array(line.prefix(count))) }
        #expect(ProcessStat([]) == nil)
        #expect(ProcessStat(Array("1 (x) S".utf8)) == nil)
        #expect(ProcessStat(Array(")(".utf8)) == nil)
    }

    @Test func descendantsAreFoundAcrossGenerationsAndCirclesEnd() throws {
        func row(_ pid: Int32, _ parent: Int32) throws -> ProcessStat {
            var row = try #require(ProcessStat(Self.line("p", parent: Int(parent))))
            row.pid = pid
            return row
        }
        let table = ProcessTable(
            try [row(5, 4), row(2, 1), row(4, 2), row(3, 1), row(9, 8), row(8, 9)])
        #expect(table.descendants(of: 2).map(\.pid) == [4, 5])
        #expect(table.descendants(of: 9).map(\.pid) == [8])
        #expect(Set(table.descendants(of: 1).map(\.pid)) == [2, 3, 4, 5])
        #expect(table[4]?.parent == 2)
        #expect(table[6] == nil)
    }

    @Test func thisProcessIsInTheTable() throws {
        let table = ProcessTable.read()
        let me = try #require(table.rows.first { $0.command.hasPrefix("uproarPackage") })
        #expect(me.threadCount >= 1)
        #expect(me.residentPages > 100)
    }
}
