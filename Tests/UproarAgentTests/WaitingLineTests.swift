import Testing
import UproarCore

@testable import UproarAgent

@Suite struct WaitingLineTests {
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func whoHasWaitedLongestGoesFirst() {
        var line = WaitingLine()
        let late = line.join(since: at(3))
        let early = line.join(since: at(1))
        let middle = line.join(since: at(2))
        #expect([early, middle, late].map { line.place(of: $0) } == [0, 1, 2])
    }

    @Test func whoCameAtTheSameTimeGoesInTheOrderOfComing() {
        var line = WaitingLine()
        let tickets = (0..<3).map { _ in line.join(since: at(1)) }
        #expect(tickets.map { line.place(of: $0) } == [0, 1, 2])
    }

    @Test func whoLeavesLetsTheOthersMoveUp() {
        var line = WaitingLine()
        let first = line.join(since: at(1))
        let second = line.join(since: at(2))
        line.leave(first)
        #expect(line.place(of: second) == 0)
        #expect(line.count == 1)
        line.leave(second)
        #expect(line.isEmpty)
        // He has left already: nobody else goes.
        line.leave(second)
        #expect(line.isEmpty)
    }
}
