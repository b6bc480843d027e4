import Testing
import UproarCore
import UproarScenario

@Suite struct LoadTextTests {
    private func parse(_ key: String, _ text: String) throws(TextProblem) -> LoadShape {
        try LoadText.parse(text, key: key) { file throws(TextProblem) in
            guard file == "calls.csv" else {
                throw TextProblem(offset: 0, reason: "no such file", allowed: "a file")
            }
            return [.zero, .seconds(4), .seconds(6)]
        }
    }

    @Test(arguments: [
        ("ramp", "0 -> 200 callers over 10s"), ("hold", "200 callers for 1m"),
        ("arrive", "10/s poisson for 1m"), ("arrive", "0.5/min poisson-free for 1h"),
        ("arrive", "100/h constant for 2m"), ("arrive", "1/s gamma(0.25) for 30s"),
        ("ramp", "1/s -> 10/s over 30s"), ("steps", "50 -> 200 callers by 50 every 30s"),
        ("spike", "100 callers at once"), ("replay", "calls.csv x2"), ("replay", "calls.csv x1"),
    ])
    func readsEachLineAndWritesItBack(_ key: String, _ text: String) throws {
        let shape = try parse(key, text)
        #expect(shape.key == key)
        #expect(shape.text == text)
    }

    @Test func oneCallerIsNoCallers() throws {
        #expect(try parse("spike", "1 caller at once") == .spike(SpikeShape(calls: 1)))
        #expect(try parse("hold", "1 caller for 5s").text == "1 callers for 5s")
    }

    @Test(arguments: [
        ("ramp", "0 -> 200 over 10s", 9, "\"callers\" is due"),
        ("ramp", "0 200 callers over 10s", 2, "-> is due"),
        ("ramp", "0 -> 200 callers over 10", 22, "no unit"),
        ("ramp", "5 -> 5 callers over 10s", 0, "goes nowhere"),
        ("ramp", "1/s -> 10 over 10s", 7, "no unit of a rate"),
        ("ramp", "0/s -> 0/s over 10s", 0, "both rates are 0"),
        ("hold", "0 callers for 60s", 0, "0 callers"),
        ("hold", "300000 callers for 60s", 0, "300000 callers"),
        ("hold", "20 calers for 60s", 3, "\"callers\" is due"),
        ("hold", "20 callers for 0s", 15, "no time"),
        ("hold", "20 callers for 60s now", 19, "after the end"),
        ("hold", "1.5 callers for 60s", 3, "no number of callers"),
        ("arrive", "10/s possion for 60s", 5, "did you mean \"poisson\"?"),
        ("arrive", "10/s gamma for 60s", 5, "shape in brackets"),
        ("arrive", "10 poisson for 60s", 0, "no unit of a rate"),
        ("arrive", "0/s poisson for 60s", 0, "the rate is 0"),
        ("steps", "0 -> 10 callers by 0 every 5s", 19, "0 callers"),
        ("spike", "10 callers", 10, "\"at\" is due"),
        ("replay", "", 0, "no file"), ("replay", "calls.csv xq", 0, "no speed"),
        ("replay", "none.csv", 0, "no such file"),
    ])
    func refusesTheRestWithItsPlace(
        _ key: String, _ text: String, _ offset: Int, _ reason: String
    ) {
        let problem = #expect(throws: TextProblem.self) { try parse(key, text) }
        #expect(problem?.offset == offset)
        #expect(problem?.reason.contains(reason) == true, "\(problem?.reason ?? "")")
    }

    @Test(
        arguments: [
            ("start,caller\n10\n12.5,b\n\n# x\n60,c\n", [0, 2_500, 50_000]),
            ("1700000000.25\n1700000001\n", [0, 750]),
            ("\"09:30:05.250\";x\n10:00:00\n", [0, 1_794_750]),
            ("1m30s\n2m\r\n", [0, 30_000]),
        ] as [(String, [Int])])
    func callLogs(_ csv: String, _ milliseconds: [Int]) throws {
        #expect(
            try ReplayShape.offsets(csv: Array(csv.utf8)) == milliseconds.map { .milliseconds($0) })
    }

    @Test(arguments: [
        ("5\n4\n", 2, "earlier"), ("5\nx\n", 2, "no time"), ("", 1, "no call"),
        ("start\n", 2, "no call"), ("1:99\n2\n1\n", 3, "earlier"),
    ])
    func wrongCallLogs(_ csv: String, _ line: Int, _ reason: String) {
        let problem = #expect(throws: TextProblem.self) {
            try ReplayShape.offsets(csv: Array(csv.utf8))
        }
        #expect(problem?.offset == line)
        #expect(problem?.reason.contains(reason) == true)
    }
}
