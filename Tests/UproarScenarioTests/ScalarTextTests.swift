import Testing
import UproarCore
import UproarScenario

@Suite struct ScalarTextTests {
    @Test(arguments: [
        ("10/s", 10), ("0.5/min", 0.5 / 60), ("100/h", 100.0 / 3600), ("2/m", 2.0 / 60),
    ])
    func rates(_ text: String, _ perSecond: Double) throws {
        #expect(abs(try Rate.parse(text).perSecond - perSecond) < 1e-12)
    }

    @Test(arguments: [
        ("10", "no unit"), ("10/d", "unknown unit"), ("x/s", "no rate"), ("1/s x", "after"),
    ])
    func wrongRates(_ text: String, _ reason: String) {
        let problem = #expect(throws: TextProblem.self) { try Rate.parse(text) }
        #expect(problem?.reason.contains(reason) == true)
        #expect(problem?.allowed == Rate.allowed || text == "1/s x")
    }

    @Test(
        arguments: [
            ("900ms", .time, 9e8), ("$0.07", .money, 0.07), ("12", .count, 12),
            ("99.5%", .share, 0.995),
            ("20MB", .bytes, 2e7), ("512MiB", .bytes, 536_870_912), ("64 KB", .bytes, 64e3),
            ("1.5Mbps", .bitrate, 1.5e6), ("0.16cores", .cores, 0.16), ("100Kbps", .bitrate, 1e5),
        ] as [(String, MetricDescriptor.Dimension, Double)])
    func quantities(_ text: String, _ dimension: MetricDescriptor.Dimension, _ value: Double) throws
    {
        #expect(abs(try QuantityText.parse(text, dimension) - value) <= 1e-9 * value)
    }

    @Test(
        arguments: [
            ("900", .time, "no unit"), ("$900ms", .money, "wrong unit"),
            ("0.07", .money, "no money"),
            ("12ms", .count, "wrong unit"), ("12%", .count, "wrong unit"),
            ("99.5", .share, "no unit"),
            ("99.5ms", .share, "wrong unit"), ("20", .bytes, "no unit"),
            ("20Mb", .bytes, "wrong unit"),
            ("20ms", .bytes, "wrong unit"), ("100", .bitrate, "no unit"),
            ("1ms", .cores, "wrong unit"),
            ("900%", .time, "no unit of time"), ("", .time, "no duration"),
        ] as [(String, MetricDescriptor.Dimension, String)])
    func unitsAreMandatory(
        _ text: String, _ dimension: MetricDescriptor.Dimension, _ reason: String
    ) {
        let problem = #expect(throws: TextProblem.self) { try QuantityText.parse(text, dimension) }
        #expect(problem?.reason.contains(reason) == true, "\(problem?.reason ?? "")")
    }

    @Test(arguments: [("30%", 30, 100), ("0.5%", 5, 1000), ("1/200", 1, 200), ("100%", 100, 100)])
    func chancesAreExact(_ text: String, _ numerator: UInt64, _ denominator: UInt64) throws {
        #expect(try ScalarText.chance(text) == Chance(numerator, of: denominator))
    }

    @Test(arguments: ["0.3", "101%", "3/2", "1/0", "x", "", "1.5/2", "30% x", "-1%"])
    func whatIsNoChance(_ text: String) {
        #expect(throws: TextProblem.self) { try ScalarText.chance(text) }
    }

    @Test func smallOnes() throws {
        #expect(try ScalarText.isOn("on") && !ScalarText.isOn("off"))
        #expect(throws: TextProblem.self) { try ScalarText.isOn("1") }
        #expect(try ScalarText.durations("1s, 2s,4s") == [.seconds(1), .seconds(2), .seconds(4)])
        #expect(throws: TextProblem.self) { try ScalarText.durations("1s, ") }
        #expect(try ScalarText.tokensPerSecond("80 tokens/s") == 80)
        #expect(throws: TextProblem.self) { try ScalarText.tokensPerSecond("80") }
        #expect(throws: TextProblem.self) { try ScalarText.tokensPerSecond("0 tokens/s") }
        #expect(try ScalarText.factor("2.5x").value == 2.5)
        #expect(throws: TextProblem.self) { try ScalarText.factor("2.5") }
        #expect(try ScalarText.seed("18446744073709551615") == .max)
        #expect(throws: TextProblem.self) { try ScalarText.seed("-1") }
        #expect(try ScalarText.integer("7", in: 1...9) == 7)
        #expect(throws: TextProblem.self) { try ScalarText.integer("7.0", in: 1...9) }
        #expect(throws: TextProblem.self) { try ScalarText.integer("10", in: 1...9) }
        #expect(throws: TextProblem.self) { try ScalarText.positiveDuration("0s") }
    }

    @Test func wordsNameTheNearest() {
        let problem = #expect(throws: TextProblem.self) {
            try ScalarText.word("twillio", of: [("twilio", 1), ("browser", 2)], what: "transport")
        }
        #expect(problem?.reason == "unknown transport \"twillio\"; did you mean \"twilio\"?")
        #expect(problem?.allowed == "twilio, browser")
    }
}
