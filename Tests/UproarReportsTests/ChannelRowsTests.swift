import Testing
import UproarCore
import UproarStatistics

@testable import UproarReports

@Suite struct ChannelRowsTests {
    private func result(_ turns: [(channel: String, transport: String, milliseconds: Int64)])
        -> RunResult
    {
        var result = RunResult(
            scenario: .init(name: "x"), seed: 7, world: .live, commit: "", version: "",
            command: "", target: "", priceBook: "")
        for turn in turns {
            let tags: MetricTags = ["channel": turn.channel, "transport": turn.transport]
            result.recorder.record(
                "voice_to_voice", tags, at: .zero, value: turn.milliseconds * 1_000_000)
            result.recorder.record(
                "cost_per_call", tags, at: .zero, value: turn.milliseconds * 1_000)
            result.recorder.recordRatio(
                "cost_per_minute", tags, at: .zero, numerator: turn.milliseconds * 1_000,
                denominator: 60_000_000_000)
        }
        return result
    }

    @Test func latenciesOfSeveralTransportsAreNeverOneRow() {
        let digest = RunDigest(
            result([
                ("phone", "twilio", 500), ("phone", "twilio", 510), ("browser", "browser", 300),
            ]))
        #expect(digest.channels == ["phone", "browser"])
        #expect(digest.latency.map(\.name) == ["turn phone", "turn browser"])
        #expect(digest.latency.map { Int($0.samples.count) } == [2, 1])
        // A single figure is the busiest channel's, and says so.
        #expect(digest.figure("voice_to_voice", 0)?.value ?? 0 >= 490_000_000)
        #expect(digest.mainNote == " (phone)")
    }

    @Test func costIsToldByChannel() {
        let digest = RunDigest(
            result([("phone", "twilio", 20), ("browser", "browser", 10)]))
        let rows = digest.costByChannel
        #expect(rows.map(\.channel) == ["browser", "phone"])
        #expect(rows.map { Int(($0.perMinute ?? 0) * 1e6 + 0.5) } == [10, 20])
    }

    @Test func channelsOfOneTransportAreOneRow() {
        let digest = RunDigest(
            result([("browser", "browser", 300), ("screen_share", "browser", 310)]))
        #expect(digest.channels == [])
        #expect(digest.latency.map(\.name) == ["turn"])
        #expect(digest.mainNote == "")
    }
}
