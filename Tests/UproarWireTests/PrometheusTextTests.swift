import Testing

@testable import UproarWire

@Suite struct PrometheusTextTests {
    static let text = """
        # HELP uproar_turn_latency_seconds End of speech to first audio, \\\\ and \\n.
        # TYPE uproar_turn_latency_seconds histogram
        uproar_turn_latency_seconds_bucket{scenario="book",le="0.5"} 12
        uproar_turn_latency_seconds_bucket{scenario="book",le="+Inf"} 33
        uproar_turn_latency_seconds_sum{scenario="book"} 24.1
        uproar_turn_latency_seconds_count{scenario="book"} 33
        # TYPE calls_total counter
        calls_total{path="C:\\\\x \\"q\\"\\n"} 5 1760000000000
        # TYPE up gauge
        up +Inf

        """

    static let families = [
        PrometheusFamily(
            name: "uproar_turn_latency_seconds", kind: .histogram,
            help: "End of speech to first audio, \\ and \n.",
            samples: [
                .init("uproar_turn_latency_seconds_bucket", ["scenario": "book", "le": "0.5"], 12),
                .init(
                    "uproar_turn_latency_seconds_bucket", ["scenario": "book", "le": "+Inf"], 33),
                .init("uproar_turn_latency_seconds_sum", ["scenario": "book"], 24.1),
                .init("uproar_turn_latency_seconds_count", ["scenario": "book"], 33),
            ]),
        PrometheusFamily(
            name: "calls_total", kind: .counter,
            samples: [
                .init("calls_total", ["path": "C:\\x \"q\"\n"], 5, timestamp: 1_760_000_000_000)
            ]),
        PrometheusFamily(name: "up", kind: .gauge, samples: [.init("up", [:], .infinity)]),
    ]

    @Test func writes() {
        let written = String(decoding: PrometheusText.write(Self.families), as: UTF8.self)
        #expect(written == Self.text)
    }

    @Test func readsWhatItWrites() throws {
        #expect(try PrometheusText.parse(Array(Self.text.utf8)) == Self.families)
    }

    @Test func readsWhatOthersWrite() throws {
        let text =
            "# a comment\n\n#TYPE a gauge\r\n  a { x = \"1\" , y=\"2\", }\t-1.5e-3  -7\r\nb NaN\n# TYPE a_count gauge\na_count 0x10\n# EOF"
        let families = try PrometheusText.parse(Array(text.utf8))
        #expect(families.map(\.name) == ["a", "b", "a_count"])
        #expect(families.map(\.kind) == [.gauge, .untyped, .gauge])
        #expect(families[0].samples == [.init("a", ["x": "1", "y": "2"], -0.0015, timestamp: -7)])
        #expect(families[0].samples[0]["y"] == "2")
        #expect(families[1].samples[0].value.isNaN)
        #expect(families[2].samples[0].value == 16)
    }

    @Test(arguments: [
        ("a", 1), ("\na{", 2), ("a{b} 1", 1), ("a{b=c} 1", 1), ("a{b=\"c} 1", 1),
        ("a{b=\"\\q\"} 1", 1), ("a{b=\"c\" d=\"e\"} 1", 1), ("a one", 1), ("a 1 x", 1),
        ("a 1 1 1", 1), ("1a 1", 1), ("a 1\na 1.\n-", 3), ("# TYPE a thing", 1), ("# HELP", 1),
        ("{\"a\"} 1", 1),
    ])
    func refusesAndSaysWhere(text: String, line: Int) {
        #expect {
            try PrometheusText.parse(Array(text.utf8))
        } throws: { error in
            (error as? PrometheusError)?.line == line
        }
    }

    @Test func spellsNumbersAsPrometheusDoes() {
        #expect(PrometheusText.number(33) == "33")
        #expect(PrometheusText.number(-0.25) == "-0.25")
        #expect(PrometheusText.number(.nan) == "NaN")
        #expect(PrometheusText.number(-.infinity) == "-Inf")
        #expect(PrometheusText.number(1e300) == "1e+300")
        #expect(PrometheusText.bound(1) == "1.0")
        #expect(PrometheusText.bound(.infinity) == "+Inf")
    }
}
