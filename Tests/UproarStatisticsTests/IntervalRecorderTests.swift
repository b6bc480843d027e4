import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct IntervalRecorderTests {
    private static let phone: MetricTags = ["channel": "phone"]
    private static let browser: MetricTags = ["channel": "browser"]

    private func seconds(_ value: Double) -> Instant { .init(nanoseconds: Int64(value * 1e9)) }

    private func recorder() -> IntervalRecorder {
        var recorder = IntervalRecorder()
        for second in 0..<60 {
            let value: Int64 = second < 30 ? 500_000_000 : 1_500_000_000
            let tags = second % 2 == 0 ? Self.phone : Self.browser
            recorder.record(
                "voice_to_voice", tags, at: seconds(Double(second) + 0.5), value: value,
                call: UInt32(second))
        }
        return recorder
    }

    @Test func aWindowIsAMergeOfItsIntervals() {
        let recorder = recorder()
        let late = recorder.merged("voice_to_voice", in: [seconds(30)..<seconds(60)])
        #expect(late.samples.count == 30)
        #expect(late.samples.minimum?.value == 1.5e9)
        let pieces = recorder.merged(
            "voice_to_voice", in: [seconds(0)..<seconds(10), seconds(50)..<seconds(60)])
        #expect(pieces.samples.count == 20)
        #expect(recorder.merged("voice_to_voice") == recorder.merged("voice_to_voice", in: [.all]))
    }

    @Test func edgesRoundToTheNearestIntervalAndNothingCountsTwice() {
        let recorder = recorder()
        let joined = recorder.merged(
            "voice_to_voice",
            in: [
                seconds(10.2)..<seconds(10.3), seconds(10.6)..<seconds(11.4),
                seconds(0)..<seconds(10.7),
            ])
        #expect(joined.samples.count == 12)
        #expect(recorder.intervals(of: seconds(59.2)..<seconds(59.3)) == 59..<60)
        #expect(recorder.intervals(of: seconds(70)..<seconds(80)).isEmpty)
    }

    @Test func selectorsChooseByTag() {
        let recorder = recorder()
        let phone = GateRule.Condition("channel", .equals, "phone")
        #expect(recorder.merged("voice_to_voice", [phone]).samples.count == 30)
        #expect(
            recorder.merged("voice_to_voice", [.init("channel", .differs, "phone")]).samples.count
                == 30)
        #expect(
            recorder.merged("voice_to_voice", [.init("channel", .contains, "row")]).samples.count
                == 30)
        #expect(recorder.merged("voice_to_voice", [.init("provider", .equals, "x")]).isEmpty)
    }

    @Test func emptyIntervalsAreGaps() {
        var recorder = IntervalRecorder()
        recorder.record("greeting", .init(), at: seconds(0.1), value: 1)
        recorder.record("greeting", .init(), at: seconds(3.1), value: 1)
        #expect(recorder.timeline("greeting").map(\.isEmpty) == [false, true, true, false])
    }

    @Test func longRunsWidenInsteadOfGrowing() {
        var recorder = IntervalRecorder()
        for second in 0..<86_400 where second % 7 == 0 {
            recorder.record("greeting", .init(), at: seconds(Double(second)), value: Int64(second))
        }
        #expect(recorder.width == .seconds(128))
        #expect(recorder.intervalCount <= IntervalRecorder.intervalLimit)
        #expect(recorder.merged("greeting").samples.count == 12_343)
    }

    @Test(arguments: 1...6)
    func shardsAddUpToTheWholeInAnyOrder(_ seed: Int) {
        var random = Seed(UInt64(seed)).stream("recorder")
        var whole = IntervalRecorder()
        var shards = [IntervalRecorder](repeating: IntervalRecorder(), count: 3)
        for call in 0..<400 as Range<UInt32> {
            let at = seconds(Double(random.below(seed % 2 == 0 ? 800 : 3000)))
            let value = Int64(random.below(2_000_000_000)) - 300_000_000
            let tags = random.below(2) == 0 ? Self.phone : Self.browser
            let shard = random.below(3)
            whole.record("voice_to_voice", tags, at: at, value: value, call: call)
            shards[shard].record("voice_to_voice", tags, at: at, value: value, call: call)
        }
        var forward = shards[0]
        forward.add(shards[1])
        forward.add(shards[2])
        var backward = shards[2]
        backward.add(shards[1])
        backward.add(shards[0])
        #expect(forward == whole)
        #expect(backward == whole)
    }

    @Test func theWorstCallIsNamedWhateverTheOrder() {
        let recorder = recorder()
        #expect(recorder.merged("voice_to_voice").worst == Exemplar(call: 30, value: 1_500_000_000))
        var censored = recorder
        censored.recordCensored("voice_to_voice", .init(), at: .zero, limit: 10, call: 99)
        #expect(censored.merged("voice_to_voice").worst?.call == 99)
    }

    @Test func steadyStateLeavesFaultsOut() {
        let pieces = RunWindow.steady(
            from: seconds(10), to: seconds(100),
            minus: [
                seconds(50)..<seconds(60), seconds(20)..<seconds(30), seconds(95)..<seconds(200),
            ])
        #expect(pieces.map { $0.from.seconds } == [10, 30, 60])
        #expect(pieces.map { $0.to.seconds } == [20, 50, 95])
        #expect(RunWindow.steady(from: seconds(10), to: seconds(10), minus: []).isEmpty)
    }

    @Test func faultWindowsCountFromTheFirstEffect() throws {
        let windows = [RunWindow(id: "stt-down", kind: .fault, from: seconds(25), to: seconds(40))]
        let whole = try #require(windows.ranges(of: .fault("stt-down", from: nil, to: nil)))
        #expect(whole == [seconds(25)..<seconds(40)])
        let after = try #require(
            windows.ranges(of: .fault("stt-down", from: .seconds(2), to: .seconds(30))))
        #expect(after == [seconds(27)..<seconds(55)])
        #expect(windows.ranges(of: .fault("other", from: nil, to: nil)) == nil)
        #expect(windows.ranges(of: .steady) == nil)
    }
}

extension Range<Instant> {
    static var all: Range<Instant> { Instant(nanoseconds: .min)..<Instant.distantFuture }
}
