import Testing
import UproarCore

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("20ms", 20_000_000), ("1.5s", 1_500_000_000), ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000), ("1m30s", 90_000_000_000), ("1h02m03s", 3_723_000_000_000),
            ("0s", 0), ("0.1s", 100_000_000), ("250us", 250_000), ("250µs", 250_000), ("7ns", 7),
            (" 5min ", 300_000_000_000), ("1000h", 3_600_000_000_000_000),
        ] as [(String, Int64)])
    func readsWhatPeopleWrite(_ text: String, _ nanoseconds: Int64) throws {
        #expect(try DurationText.parse(text) == .nanoseconds(nanoseconds))
    }

    @Test(
        arguments: [
            ("", 0), ("60", 0), ("ms", 0), ("-5s", 0), ("5 s", 0), ("5sec", 1), ("5s extra", 3),
            ("30s1m", 0), ("1001h", 0), ("1.s", 0), ("9999999999999999s", 0), ("5s5s", 0),
            ("1m30", 0),
        ] as [(String, Int)])
    func refusesTheRest(_ text: String, _ offset: Int) {
        let problem = #expect(throws: TextProblem.self) { try DurationText.parse(text) }
        #expect(problem?.offset == offset)
    }

    @Test func exactTextReadsBackTheSame() throws {
        var random = Seed(7).stream("duration-text")
        for index in 0..<2_000 {
            let scale = [1, 1_000, 1_000_000, 1_000_000_000, 60_000_000_000][index % 5]
            let value = Duration.nanoseconds(random.below(60_000) * scale)
            #expect(try DurationText.parse(DurationText.exact(value)) == value)
        }
        #expect(DurationText.exact(.milliseconds(1500)) == "1500ms")
        #expect(DurationText.exact(.seconds(120)) == "2m")
    }
}
