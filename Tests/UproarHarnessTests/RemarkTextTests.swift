import Testing
import UproarLoad
import UproarRuntime
import UproarStatistics

@testable import UproarHarness

@Suite struct RemarkTextTests {
    @Test func mostCallsStandFirstWhateverLoopSawThem() {
        var one = CallRemarks()
        one.add(.dropped(.closedByAgent(code: 1011)))
        one.add(.said("b"))
        var other = CallRemarks()
        other.add(.dropped(.broken("31924 stream protocol error: a binary message")), calls: 2)
        other.add(.refused(.refused(status: 503, reason: "full")))
        other.add(.said("b"), calls: 2)
        for (first, second) in [(one, other), (other, one)] {
            var sum = first
            sum += second
            #expect(
                RemarkText.records(of: sum).map { "\($0.calls) \($0.text)" } == [
                    "3 b", "2 dropped: 31924 stream protocol error: a binary message",
                    "1 dropped: the agent closed the stream (code 1011)",
                    "1 refused: the target answered HTTP 503 instead of accepting a WebSocket: full",
                ])
        }
    }

    @Test func whatIsBeyondTheLimitIsCountedTogether() {
        var remarks = CallRemarks()
        for number in 0..<100 { remarks.add(.said("\(number)")) }
        remarks.add(.said("3"))
        let records = RemarkText.records(of: remarks)
        #expect(records.count == CallRemarks.limit + 1)
        #expect(records.first == .init(text: "other reasons", calls: 100 - CallRemarks.limit))
        #expect(records[1] == .init(text: "3", calls: 2))
    }
}
