import Testing

@testable import UproarCapacity

/// The guides' autoscalers, worked through by hand.
///
/// A sync comes every 15 s. A window of 60 s looks at recommendations younger than 60 s: after the last low one, at t = −15, the
/// first sync that no longer sees it is t = 45. A period counts changes younger than itself, so a change at t = 45 no longer
/// counts at t = 105.
@Suite struct HorizontalAutoscalerTests {
    /// Replicas after each sync at which they changed, when the metrics want `low` until t = 0 and `high` from then on.
    private func run(
        _ policy: AutoscalePolicy, from low: Int, to high: Int, until end: Int
    ) -> [Change] {
        var autoscaler = HorizontalAutoscaler(policy)
        var replicas = low
        var changes: [Change] = []
        for now in stride(from: -600, through: end, by: 15) {
            let next = autoscaler.apply(
                now: now, current: replicas, desired: now < 0 ? low : high)
            if next != replicas { changes.append(Change(now, next)) }
            replicas = next
        }
        return changes
    }

    private struct Change: Equatable, CustomStringConvertible {
        var at: Int
        var replicas: Int
        init(_ at: Int, _ replicas: Int) {
            self.at = at
            self.replicas = replicas
        }
        var description: String { "\(at) s: \(replicas)" }
    }

    /// 000 up: 60 s stabilisation, 4 pods/60 s. 2 pods, 20 wanted: at 45 s 2 + 4 = 6; the next four when the first four are a minute
    /// old: 105 s 10, 165 s 14, 225 s 18, 285 s min(22, 20) = 20.
    @Test func guide000GoesUpByFourAMinute() {
        #expect(
            run(.guide000, from: 2, to: 20, until: 600)
                == [
                    Change(45, 6), Change(105, 10), Change(165, 14), Change(225, 18),
                    Change(285, 20),
                ])
    }

    /// 000 down: 300 s stabilisation, −25 %/120 s. The last high recommendation, at −15 s, is out of the window at 285 s. Then what is
    /// left is cut off: ⌊20 · ¾⌋ = 15, ⌊15 · ¾⌋ = 11, 8, 6, 4, 3, 2 (3 · ¾ = 2.25), two minutes apart.
    @Test func guide000GoesDownByAQuarterInTwoMinutes() {
        #expect(
            run(.guide000, from: 20, to: 2, until: 1200)
                == [
                    Change(285, 15), Change(405, 11), Change(525, 8), Change(645, 6),
                    Change(765, 4), Change(885, 3), Change(1005, 2),
                ])
    }

    /// 002 has no behaviour of its own: up without a window by the greater of doubling and four pods in 15 s. 2 pods, 10 wanted:
    /// at once max(4, 6) = 6, 15 s later max(12, 10) capped at 10.
    @Test func guide002GoesUpAtOnce() {
        #expect(
            run(.guide002, from: 2, to: 10, until: 600) == [Change(0, 6), Change(15, 10)])
    }

    /// 002 down: 300 s, then everything that is too much at once.
    @Test func guide002GoesDownAtOnceAfterFiveMinutes() {
        #expect(run(.guide002, from: 10, to: 2, until: 600) == [Change(285, 2)])
    }

    /// 004 up: 60 s, max(+50 %, +2)/60 s. 3: max(⌈4.5⌉, 5) = 5; max(⌈7.5⌉, 7) = 8; 12; 18; min(27, 20) = 20.
    @Test func guide004GoesUpByHalfOrTwo() {
        #expect(
            run(.guide004, from: 3, to: 20, until: 600)
                == [
                    Change(45, 5), Change(105, 8), Change(165, 12), Change(225, 18),
                    Change(285, 20),
                ])
    }

    /// 004 down: 300 s, −10 %/60 s: 18, 16 (16.2), 14 (14.4), 12 (12.6), 10 (10.8), 9, 8 (8.1), 7 (7.2), 6 (6.3), 5 (5.4), 4 (4.5), 3 (3.6).
    @Test func guide004GoesDownByATenthAMinute() {
        let replicas = [18, 16, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3]
        #expect(
            run(.guide004, from: 20, to: 3, until: 1200)
                == replicas.enumerated().map { Change(285 + 60 * $0.offset, $0.element) })
    }

    /// A peak shorter than the window moves nothing; a dip shorter than five minutes neither.
    @Test func whatIsShorterThanTheWindowMovesNothing() {
        var autoscaler = HorizontalAutoscaler(.guide000)
        var replicas = 4
        for now in stride(from: 0, through: 900, by: 15) {
            let wanted = (300..<345).contains(now) ? 12 : (600..<885).contains(now) ? 2 : 4
            replicas = autoscaler.apply(now: now, current: replicas, desired: wanted)
            #expect(replicas == 4, "at \(now) s")
        }
    }

    /// CPU 70 % of a request of 500m: 4 pods that use 0.5 cores each are at 100 %, so ⌈4 · 1/0.7⌉ = 6 are wanted; at 0.37 cores (74 %,
    /// within 10 % of 70) none.
    @Test func theMetricsProposalIsRoundedUpAndTolerant() {
        func wanted(_ cores: Double) -> Int {
            var policy = AutoscalePolicy.guide000
            policy.up = .init(stabilisation: 0, changes: [.pods(100, seconds: 15)])
            var autoscaler = HorizontalAutoscaler(policy)
            return autoscaler.sync(
                now: 0, .init(replicas: 4, ready: 4, cores: cores, bytes: 0, calls: 0))
        }
        #expect(wanted(2.0) == 6)
        #expect(wanted(4 * 0.37) == 4)
        #expect(wanted(4 * 0.386) == 5)
    }

    /// Pods that are not ready count as idle: 2 of 4 ready at 200 % of the target are 100 % of it over all four.
    @Test func podsThatAreNotReadyCountAsIdle() {
        var policy = AutoscalePolicy.guide000
        policy.metrics = [.calls(10)]
        policy.up = .init(stabilisation: 0, changes: [.pods(100, seconds: 15)])
        var autoscaler = HorizontalAutoscaler(policy)
        #expect(
            autoscaler.sync(
                now: 0, .init(replicas: 4, ready: 2, cores: 0, bytes: 0, calls: 40)) == 4)
        #expect(
            autoscaler.sync(
                now: 15, .init(replicas: 4, ready: 2, cores: 0, bytes: 0, calls: 80)) == 8)
    }

    /// Of several metrics the one that wants most pods counts: 004 with 3 pods, 45 workflows and idle processors wants ⌈45/10⌉ = 5.
    @Test func theGreatestProposalCounts() {
        var autoscaler = HorizontalAutoscaler(.guide004)
        var replicas = 3
        for now in stride(from: 0, through: 60, by: 15) {
            replicas = autoscaler.sync(
                now: now,
                .init(replicas: 3, ready: 3, cores: 0.3, bytes: 3e8, calls: 45))
        }
        #expect(replicas == 5)
    }
}
