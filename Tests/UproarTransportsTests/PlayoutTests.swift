import Testing
import UproarCore

@testable import UproarTransports

@Suite struct PlayoutTests {
    private func ms(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }
    private let frame: Int64 = 20_000_000

    /// `#expect` cannot call what mutates.
    private func check<Value: Equatable>(
        _ found: Value, _ due: Value, at place: SourceLocation = #_sourceLocation
    ) {
        #expect(found == due, sourceLocation: place)
    }

    @Test func audioPlaysWhenItArrivesOrBehindWhatIsQueued() {
        var playout = Playout()
        check(playout.queue(nanoseconds: 10 * frame, at: ms(100)), ms(100))
        check(playout.queue(nanoseconds: 5 * frame, at: ms(150)), ms(300))
        #expect(playout.end == ms(400))
        // The queue ran dry at 400: what arrives at 450 plays at 450.
        #expect(!playout.isPlaying(at: ms(400)))
        check(playout.queue(nanoseconds: frame, at: ms(450)), ms(450))
    }

    @Test func aMarkIsDueWhenWhatWasQueuedBeforeItHasPlayed() {
        var playout = Playout()
        _ = playout.queue(nanoseconds: 10 * frame, at: ms(0))
        check(playout.mark("a", at: ms(10)), true)
        _ = playout.queue(nanoseconds: 10 * frame, at: ms(10))
        check(playout.mark("b", at: ms(10)), true)
        #expect(playout.nextMark == ms(200))
        check(playout.takeMark(at: ms(199)), nil)
        check(playout.takeMark(at: ms(200)), "a")
        check(playout.takeMark(at: ms(200)), nil)
        #expect(playout.nextMark == ms(400))
        check(playout.takeMark(at: ms(500)), "b")
        #expect(playout.nextMark == nil)
    }

    @Test func aMarkBehindNothingIsDueAtOnce() {
        var playout = Playout()
        check(playout.mark("a", at: ms(30)), true)
        check(playout.takeMark(at: ms(30)), "a")
    }

    @Test func clearDropsTheRestAndMakesEveryMarkDue() {
        var playout = Playout()
        _ = playout.queue(nanoseconds: 10 * frame, at: ms(0))
        check(playout.mark("a", at: ms(0)), true)
        _ = playout.queue(nanoseconds: 5 * frame, at: ms(50))
        check(playout.mark("b", at: ms(50)), true)
        check(playout.clear(at: ms(120)), 180_000_000)
        check(playout.takeMark(at: ms(120)), "a")
        check(playout.takeMark(at: ms(120)), "b")
        check(playout.queue(nanoseconds: frame, at: ms(130)), ms(130))
    }

    @Test func clearingAnEmptyQueueDropsNothing() {
        var playout = Playout()
        check(playout.clear(at: ms(5)), 0)
        _ = playout.queue(nanoseconds: frame, at: ms(10))
        check(playout.clear(at: ms(90)), 0)
    }

    @Test func tooManyMarksAreRefusedUntilSomeAreTaken() {
        var playout = Playout()
        _ = playout.queue(nanoseconds: frame, at: ms(0))
        for index in 0..<Playout.markLimit { check(playout.mark("\(index)", at: ms(0)), true) }
        check(playout.mark("one more", at: ms(0)), false)
        check(playout.takeMark(at: ms(20)), "0")
        check(playout.mark("one more", at: ms(20)), true)
        var taken = 0
        while playout.takeMark(at: ms(20)) != nil { taken += 1 }
        #expect(taken == Playout.markLimit)
    }
}
