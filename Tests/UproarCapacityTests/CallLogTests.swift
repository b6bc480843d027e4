import Testing
import UproarCore

@testable import UproarCapacity

@Suite struct CallLogTests {
    private func read(_ text: String) throws(CallLog.Problem) -> CallLog {
        try CallLog(csv: Array(text.utf8), name: "calls.csv", length: { _ in 60 }, seed: Seed(1))
    }

    @Test func startsAreSecondsClocksOrDates() throws {
        let log = try read(
            "start,seconds\n# a remark\n2025-11-07T23:59:50, 20\n2025-11-08 00:00:05,30\n\n2025-11-07 17:03:22.5\n"
        )
        #expect(log.calls.map(\.start) == [61_402.5, 86_390, 86_405])
        #expect(log.calls.map(\.length) == [60, 20, 30])
        #expect(try read("12.5,3\n17:03\n").calls.map(\.start) == [12.5, 61_380])
    }

    /// Calls of 10 s at 0, 5, 9 and 10: three at once from 9, and again at 10, when the first has just gone.
    @Test func thePeakIsTheMostUnderWayAtOnce() throws {
        let log = try read("0,10\n5,10\n9,10\n10,10\n")
        #expect(log.peak.calls == 3)
        #expect(log.burst(5) == 2)
        #expect(log.burst(5.5) == 3)
        #expect(log.minutes == 40.0 / 60)
    }

    @Test(arguments: [
        ("x\ny\n", 2), ("1,2\n2,abc\n", 2), ("\n", 2), ("1,-5\n", 1), ("1\n25:99:00\n", 2),
    ])
    func whatIsNoCallNamesItsLine(text: String, line: Int) {
        do {
            _ = try read(text)
            Issue.record("\(text) was read")
        } catch { #expect(error.line == line) }
    }

    @Test func aShapeOfADayHasItsPeakAndItsCalls() {
        let length = 200.0
        let day = TrafficShape.evening.day(peak: 300, mean: length, seed: Seed(4)) { _ in length }
        #expect(abs(Double(day.peak.calls) - 300) < 60)
        #expect((18..<21.5).contains(day.peak.at / 3600))
        let counted = TrafficShape.office.day(calls: 20_000, seed: Seed(4)) { _ in length }
        #expect(abs(Double(counted.calls.count) - 20_000) < 600)
    }
}
