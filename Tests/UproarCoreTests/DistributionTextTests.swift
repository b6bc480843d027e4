import Testing
import UproarCore

@Suite struct DistributionTextTests {
    @Test(
        arguments: [
            ("60ms", .constant(.milliseconds(60))),
            ("uniform(50ms, 80ms)", .uniform(.milliseconds(50), .milliseconds(80))),
            (
                "normal(mean=60ms, sd=10ms)",
                .normal(mean: .milliseconds(60), deviation: .milliseconds(10))
            ),
            (
                "lognormal( p50 = 60ms ,p95=110ms )",
                .lognormal(p50: .milliseconds(60), p95: .milliseconds(110))
            ),
            (
                "lognormal(median=60ms, sigma=0.4)",
                .lognormal(median: .milliseconds(60), sigma: 0.4)
            ),
            ("pareto(min=20ms, alpha=1.5)", .pareto(minimum: .milliseconds(20), alpha: 1.5)),
            (
                "empirical(30ms, 10ms)",
                .empirical([.milliseconds(10), .milliseconds(30)])
            ),
        ] as [(String, Distribution)])
    func readsEachKind(_ text: String, _ value: Distribution) throws {
        #expect(try DistributionText.parse(text) == value)
        #expect(
            try DistributionText.parse(DistributionText.exact(value)).quantile(0.9).inMilliseconds
                .rounded() == value.quantile(0.9).inMilliseconds.rounded())
    }

    @Test(
        arguments: [
            ("lognorml(p50=60ms, p95=110ms)", 0, "did you mean lognormal?"),
            ("lognormal(p50=60ms, p95=110)", 24, "no unit"),
            ("lognormal(p50=110ms, p95=60ms)", 0, "0 < p50 <= p95"),
            ("lognormal(60ms, 110ms)", 0, "is written lognormal(p50"),
            ("uniform(80ms, 50ms)", 0, "above its second"),
            ("uniform(50ms", 12, "not closed"),
            ("uniform 50ms", 8, "in brackets"),
            ("pareto(min=20ms, alpha=x)", 23, "no plain number"),
            ("60ms 70ms", 5, "after a duration"),
            ("uniform(1ms, 2ms) x", 18, "after a distribution"),
            ("empirical()", 10, "no duration"),
            ("60", 0, "no unit"), ("", 0, "no distribution"),
        ] as [(String, Int, String)])
    func refusesTheRestWithItsPlace(_ text: String, _ offset: Int, _ reason: String) {
        let problem = #expect(throws: TextProblem.self) { try DistributionText.parse(text) }
        #expect(problem?.offset == offset)
        #expect(problem?.reason.contains(reason) == true)
    }

    @Test func anEmpiricalFileComesThroughTheReader() throws {
        let value = try DistributionText.parse("empirical(stt.csv)") { file throws(TextProblem) in
            #expect(file == "stt.csv")
            return [.milliseconds(3), .milliseconds(1)]
        }
        #expect(value == .empirical([.milliseconds(1), .milliseconds(3)]))
    }

    @Test func paretoHasItsTail() {
        let value = Distribution.pareto(minimum: .milliseconds(20), alpha: 2)
        #expect(value.quantile(0.75) == .milliseconds(40))
        #expect(value.quantile(0) == .milliseconds(20))
        #expect(value.quantile(1) == .seconds(3600))
        var random = Seed(1).stream("pareto")
        let draws = (0..<4_000).map { _ in value.draw(&random) }
        #expect(draws.allSatisfy { $0 >= .milliseconds(20) })
        let above = draws.count { $0 > .milliseconds(40) }
        #expect((900...1_100).contains(above))
    }
}
