import Testing

@testable import UproarCore

@Suite struct GateTextTests {
    @Test(arguments: [
        (900e6, MetricDescriptor.Dimension.time, "900ms"), (1.5e9, .time, "1.5s"),
        (10e9, .time, "10s"), (120e9, .time, "2m00s"), (0.07, .money, "$0.07"),
        (0.0167, .money, "$0.0167"), (1.2, .money, "$1.20"), (0.995, .share, "99.5%"),
        (4812, .count, "4812"), (0.25, .count, "0.25"), (20e6, .bytes, "20MB"),
        (100e3, .bitrate, "100Kbps"), (0.16, .cores, "0.16cores"),
    ])
    func quantitiesReadAsTheyAreWritten(
        _ value: Double, _ dimension: MetricDescriptor.Dimension, _ text: String
    ) {
        #expect(GateRule.Quantity(value, dimension).text == text)
    }

    @Test func aRuleSaysWhatItMeasuresAndDemands() {
        let rule = GateRule(
            metric: "voice_to_voice", selector: [.init("channel", .equals, "phone")],
            window: .fault("stt-down", from: .seconds(2), to: .seconds(15)),
            aggregate: .quantile(0.999), comparison: .lessOrEqual,
            bound: .baseline(factor: 1.1, plus: .init(30e6, .time)), text: "")
        #expect(rule.subject == "voice_to_voice{channel=phone}@fault(stt-down, 2s..15s) p99.9")
        #expect(rule.demand == "<= baseline*1.1 + 30ms")
    }

    @Test func selectorsTellTagsApart() {
        #expect(GateRule.Condition("a", .contains, "on").holds(of: "phone"))
        #expect(!GateRule.Condition("a", .contains, "ono").holds(of: "phone"))
        #expect(GateRule.Condition("a", .contains, "").holds(of: "phone"))
        #expect(!GateRule.Condition("a", .equals, "x").holds(of: nil))
        #expect(GateRule.Condition("a", .differs, "x").holds(of: nil))
    }
}
