import Testing
import UproarCore
import UproarScenario

@Suite struct ScenarioReaderTests {
    @Test func everythingInAFileArrives() throws {
        let scenario = try ScenarioFixture.read()
        #expect(scenario.name == "deepgram-outage" && scenario.seed == 42)
        #expect(scenario.target == .embedded(workers: 1))
        #expect(scenario.channels.map(\.channel) == [.phone, .browser, .screenShare])
        #expect(scenario.conversation.name == "tasks")
        #expect(scenario.conversation.steps.count == 6)
        #expect(scenario.conversation.greeting == .expected(within: .seconds(5)))
        #expect(
            scenario.load.map(\.name) == [
                "up", "hold-1", "arrive-1", "steps-1", "spike-1", "replay-1",
            ])
        #expect(scenario.onDrop == [.seconds(1), .seconds(2), .seconds(4)])
        #expect(scenario.callSetupLimit == .seconds(5) && scenario.drain == .seconds(20))
        #expect(
            scenario.providers[.openai]
                == .languageModel(
                    firstToken: .empirical([.milliseconds(250), .milliseconds(300)]),
                    tokensPerSecond: 60))
        #expect(scenario.providers.label == "guide-budget, changed: openai, cartesia")
        #expect(scenario.agent.endpointing == .milliseconds(300))
        #expect(scenario.prices.name == "own" && scenario.prices.prices.count == 2)
        #expect(scenario.timeline.count == 8)
        #expect(scenario.timeline[0].scope.chance == Chance(1, of: 2))
        #expect(scenario.timeline[0].life == .lasting(.seconds(15)))
        #expect(
            scenario.timeline.map(\.id).prefix(4) == [
                "stt-down", "mark-1", "expect-1", "stall_at-1",
            ])
        #expect(scenario.gates.count == 4)
        guard case .corpora(let corpora) = scenario.audio else {
            Issue.record("the audio is no corpus")
            return
        }
        #expect(corpora[0].clips.count == 6 && corpora[0].variant == "clean")
        #expect(scenario.audio.label == "tasks (clean, 6 clips)")
    }

    @Test func aSmallFileHasDefaults() throws {
        let scenario = try ScenarioFixture.read(ScenarioFixture.small)
        #expect(scenario.seed == nil && scenario.transport == "twilio")
        #expect(scenario.target == .embedded(workers: 1))
        #expect(scenario.patience == .seconds(10) && scenario.redial == .seconds(1))
        #expect(scenario.conversation.name == "built-in" && scenario.isTagging)
        #expect(!scenario.isRecording)
        #expect(
            scenario.gates.map(\.text) == [
                "turns_lost: count <= 0", "calls_dropped: count <= 0", "turns_answered: count >= 1",
                "talk_over: rate <= 75% why='it speaks before its callers have ended, as an echo does'",
            ])
        #expect(scenario.providers.label == "guide-budget")
        #expect(scenario.pricesFile == "share/prices/guides-2025.yaml")
        let latency = Distribution.lognormal(p50: .milliseconds(60), p95: .milliseconds(110))
        #expect(scenario.providers[.deepgram] == .speechToText(latency: latency))
    }

    @Test func targetsAndSources() throws {
        func target(_ text: String) throws -> Scenario.Target {
            try ScenarioFixture.read(ScenarioFixture.small + "target: \(text)\n").target
        }
        #expect(try target("embedded") == .embedded(workers: 1))
        #expect(try target("{embedded: {workers: 3}}") == .embedded(workers: 3))
        #expect(try target("{embedded: }") == .embedded(workers: 1))
        #expect(try target("{url: 'ws://127.0.0.1:9/x'}") == .url("ws://127.0.0.1:9/x"))
        let file = ScenarioFixture.small.replacing("fixtures/tasks", with: "one.wav")
        #expect(try ScenarioFixture.read(file).audio == .file("one.wav"))
    }

    @Test func corporaJoinAndVariantsAreMade() throws {
        var files = ScenarioFixture.files
        files["share/fixtures/more"] = ""
        files["share/fixtures/more/manifest.yaml"] = ScenarioFixture.manifest.replacing(
            "corpus: tasks", with: "corpus: more"
        ).replacing("id: ", with: "id: x-")
        let text = ScenarioFixture.small.replacing(
            "audio: fixtures/tasks",
            with: "audio: {path: [fixtures/tasks, fixtures/more], variant: street}")
        let scenario = try ScenarioFixture.read(text, files: files)
        #expect(scenario.audio.clips.count == 12)
        #expect(scenario.audio.label == "tasks (street, 6 clips), more (street, 6 clips)")
        guard case .corpora(let corpora) = scenario.audio else { return }
        #expect(corpora.map(\.isVariantMade) == [true, true])
        // The same ids in two corpora would make names ambiguous.
        files["share/fixtures/more/manifest.yaml"] = ScenarioFixture.manifest.replacing(
            "corpus: tasks", with: "corpus: more")
        let problems = ScenarioFixture.problems(text, files: files)
        #expect(problems.count == 6 && problems[0].reason.contains("is in tasks and in more"))
    }

    @Test(arguments: [
        ("name: small", "name: a b", "s/a.yaml:1:7", "no name"),
        ("name: small\n", "", "s/a.yaml:1:1", "has no \"name\""),
        (
            "audio: fixtures/tasks", "audio: fixtures/none", "s/a.yaml:2:8",
            "there is no \"fixtures/none\""
        ),
        (
            "audio: fixtures/tasks", "audio: {path: fixtures/tasks, variant: cafe}",
            "s/a.yaml:2:40", "unknown variant"
        ),
        (
            "audio: fixtures/tasks", "audio: {path: one.wav, variant: cafe}", "s/a.yaml:2:33",
            "no variants"
        ),
        ("hold: 2 callers for 30s", "hold: 2 callers for 30", "s/a.yaml:4:25", "no unit"),
        (
            "hold: 2 callers for 30s", "hold: 2 callers for 30s\n    ramp: 1 -> 2 callers over 3s",
            "s/a.yaml:4:5", "ramp and hold"
        ),
        ("- hold: 2 callers for 30s", "- {name: x}", "s/a.yaml:4:5", "holds no load"),
        ("  - hold: 2 callers for 30s", "  []", "s/a.yaml:4:3", "no line"),
        ("audio:", "transport: twillio\naudio:", "s/a.yaml:2:12", "did you mean \"twilio\"?"),
        ("audio:", "target: {url: 'ftp://x/'}\naudio:", "s/a.yaml:2:16", "no address"),
        ("audio:", "target: {url: 'ws:///x'}\naudio:", "s/a.yaml:2:21", "no host"),
        ("audio:", "target: {url: 'ws://x:99999/'}\naudio:", "s/a.yaml:2:23", "\"99999\""),
        ("audio:", "target: {url: 'ws://x:0'}\naudio:", "s/a.yaml:2:23", "the port is"),
        ("audio:", "target: {url: 'ws://a:b@x/'}\naudio:", "s/a.yaml:2:21", "a user name"),
        ("audio: fixtures/tasks", "audio: []", "s/a.yaml:2:8", "names nothing"),
        (
            "audio:", "target: {url: 'ws://x', embedded: {}}\naudio:", "s/a.yaml:2:25",
            "beside target.url"
        ),
        ("audio:", "target: {command: [a]}\naudio:", "s/a.yaml:2:9", "has no \"url\""),
        ("audio:", "target: 5\naudio:", "s/a.yaml:2:9", "unknown target"),
        (
            "audio:", "target: {url: 'ws://x', env: {A: b}}\naudio:", "s/a.yaml:2:25",
            "with a command"
        ),
        (
            "audio:", "channels: {phone: 50%, browser: 20%}\naudio:", "s/a.yaml:2:11",
            "add up to 70.00%"
        ),
        ("audio:", "seed: -1\naudio:", "s/a.yaml:2:7", "no seed"),
        ("audio:", "patience: 10\naudio:", "s/a.yaml:2:11", "no unit"),
        ("audio:", "on_drop: give up\naudio:", "s/a.yaml:2:10", "nothing a caller does"),
        ("audio:", "resumption: hello\naudio:", "s/a.yaml:2:13", "may begin any answer"),
        (
            "audio:", "resumption: hello again\naudio:", "s/a.yaml:2:1",
            "the reference agent's words are its own setting"
        ),
        ("audio:", "tagging: maybe\naudio:", "s/a.yaml:2:10", "neither on nor off"),
        ("audio:", "prices: none.yaml\naudio:", "s/a.yaml:2:9", "no file"),
        ("audio:", "conversation: none.yaml\naudio:", "s/a.yaml:2:15", "no file"),
        ("audio:", "providers: {deepgram: {latency: 60}}\naudio:", "s/a.yaml:2:33", "no unit"),
        (
            "audio:", "providers: {openai: {latency: 60ms}}\naudio:", "s/a.yaml:2:22",
            "unknown key \"latency\" in providers.openai"
        ),
        ("audio:", "providers: {openai: {pace: 80}}\naudio:", "s/a.yaml:2:28", "no unit of tokens"),
        (
            "audio:", "providers: {openai: {first_token: empirical(no.csv)}}\naudio:",
            "s/a.yaml:2:45", "no file"
        ),
        (
            "audio:", "providers: {openai: {concurrency: 0}}\naudio:", "s/a.yaml:2:35",
            "no such number"
        ),
        ("audio:", "providers: {preset: guide}\naudio:", "s/a.yaml:2:21", "unknown preset"),
        ("audio:", "gates: ['voice_to_voice: p95 < 9']\naudio:", "s/a.yaml:2:32", "no unit"),
        (
            "audio:", "gates: ['turns_lost@stage(hold-2): count < 9']\naudio:", "s/a.yaml:2:27",
            "did you mean \"hold-1\"?"
        ),
        ("audio:", "gates: [voice_to_voice: p95 < 9]\naudio:", "s/a.yaml:2:9", "reads as a map"),
        ("audio:", "gates: []\naudio:", "s/a.yaml:2:8", "no gate"),
        (
            "audio:", "gates:\n  - 'turns_lost: count <= 0'\n  - 'turns_lost:  count <= 0'\naudio:",
            "s/a.yaml:4:6", "the same gate stands on line 3"
        ),
        ("name: small", "name: null", "s/a.yaml:1:7", "name holds nothing"),
        ("audio:", "call_length: 0s\naudio:", "s/a.yaml:2:14", "is no length"),
        ("audio:", "agent: {endpointing: 0s}\naudio:", "s/a.yaml:2:22", "not above zero"),
        ("audio:", "load: []\naudio:", "s/a.yaml:4:1", "stands twice"),
        ("30s", "30s\n  - spike: 262142 callers at once", "s/a.yaml:4:3", "262144 calls"),
        ("hold: 2 callers for 30s", "replay: none.csv", "s/a.yaml:4:13", "no file"),
        ("hold: 2 callers for 30s", "replay: empty.csv", "s/a.yaml:4:13", "cannot be read"),
    ])
    func mistakesHaveTheirPlace(_ from: String, _ to: String, _ place: String, _ reason: String)
        throws
    {
        let text = ScenarioFixture.small.replacing(from, with: to, maxReplacements: 1)
        let problems = ScenarioFixture.problems(text)
        let problem = try #require(
            problems.first { $0.mark.text == place && $0.reason.contains(reason) },
            "\(problems.map(\.text))")
        #expect(problem.page.hasPrefix("docs/") && !problem.allowed.isEmpty)
    }

    @Test func allMistakesAreReportedInOrder() {
        let text = ScenarioFixture.small + "patience: 5\nsede: 3\nredial: x\n"
        let problems = ScenarioFixture.problems(text)
        #expect(problems.map(\.mark.line) == [5, 6, 7])
        #expect(
            problems[1].text
                == """
                s/a.yaml:6:1: unknown key "sede"; did you mean "seed"?
                    allowed: \(problems[1].allowed)
                    more: docs/scenario.md#keys
                """)
    }

    @Test func overridesMeetTheSameChecks() throws {
        let scenario = try ScenarioFixture.read(overrides: [
            "seed=7", "providers.deepgram.latency=100ms", "agent.endpointing=350ms",
            "load=[{hold: 3 callers for 5s, name: up}]", "audio=one.wav",
            "target.embedded.workers=2", "gates.0='turns_lost: count <= 2'",
            "timeline=[]", "gates=['turns_lost: count <= 1']",
        ])
        #expect(scenario.seed == 7 && scenario.load.count == 1)
        #expect(
            scenario.providers[.deepgram] == .speechToText(latency: .constant(.milliseconds(100))))
        #expect(scenario.agent.endpointing == .milliseconds(350))
        #expect(scenario.audio == .file("one.wav"))
        #expect(scenario.target == .embedded(workers: 2))
        #expect(scenario.gates.map(\.text) == ["turns_lost: count <= 1"])
        // A plain value makes room for a map below it.
        let small = ScenarioFixture.small + "target: embedded\n"
        #expect(
            try ScenarioFixture.read(small, overrides: ["target.embedded.workers=4"]).target
                == .embedded(workers: 4))
    }

    @Test(arguments: [
        ("seed", "no = in it"), ("=3", "no path"), ("a..b=3", "no path"),
        ("agent.endpointng=3s", "did you mean \"endpointing\"?"),
        ("agent.endpointing=3", "no unit"),
        ("load.9.hold=2 callers for 3s", "no place in a list"), ("seed=[", "no YAML"),
        ("seed=", "no seed"), ("patience=&a 3s", "anchors"),
    ])
    func wrongOverridesNameTheOption(_ option: String, _ reason: String) throws {
        let problem = try #require(ScenarioFixture.problems(overrides: [option]).first)
        #expect(problem.mark.text == "--set \(option)")
        #expect(problem.reason.contains(reason), "\(problem.text)")
    }

    @Test func theHashLeavesOutSeedFolderAndPorts() throws {
        func hash(_ text: String, _ overrides: [String] = []) throws -> String {
            try ScenarioFixture.read(text, overrides: overrides).hash { bytes in
                var value: UInt64 = 0xcbf2_9ce4_8422_2325
                for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
                return String(value, radix: 16)
            }
        }
        let full = ScenarioFixture.full
        let first = try hash(full)
        #expect(try hash(full, ["seed=43"]) == first)
        #expect(try hash(full, ["patience=11s"]) != first)
        #expect(try hash(full, ["providers.openai.pace=61 tokens/s"]) != first)
        // The same corpus elsewhere is the same corpus.
        var moved = ScenarioFixture.files
        moved["s/fixtures/tasks"] = ""
        moved["s/fixtures/tasks/manifest.yaml"] = ScenarioFixture.manifest
        let here = try ScenarioFixture.read(files: moved)
        let there = try ScenarioFixture.read()
        #expect(here.audio.clips[0].file == "s/fixtures/tasks/a.flac")
        #expect(there.audio.clips[0].file == "share/fixtures/tasks/a.flac")
        #expect(here.canonicalBytes == there.canonicalBytes)
        let url = "target: {url: 'ws://127.0.0.1:PORT/x'}\n"
        let one = try hash(ScenarioFixture.small + url.replacing("PORT", with: "8000"))
        let two = try hash(ScenarioFixture.small + url.replacing("PORT", with: "8001"))
        let other = try hash(ScenarioFixture.small + url.replacing("127.0.0.1:PORT", with: "b"))
        #expect(one == two && one != other)
    }

    @Test func resolvedHoldsEveryDefault() throws {
        let scenario = try ScenarioFixture.read(ScenarioFixture.small)
        let json = try JSONParser.parse(scenario.resolved(seed: .max).encoded())
        #expect(json["seed"]?.text == "18446744073709551615")
        #expect(json["patience"]?.text == "10s")
        #expect(json["load"]?[0]?["hold"]?.text == "2 callers for 30s")
        #expect(json["providers"]?["openai"]?["pace"]?.text == "80 tokens/s")
        #expect(json["conversation"]?["language_model"]?["fallback"]?.items?.count == 1)
        let full = try ScenarioFixture.read()
        let timeline = try #require(full.resolved(seed: 1)["timeline"]?.items)
        #expect(
            timeline[0]["scope"]?.text
                == "on deepgram, where path=/v1/listen, cohort 50%, per request, p 50%, max_active 5, ramp 1s"
        )
        #expect(
            timeline[0]["action"]?.text == "inject http_error status=503 delay=uniform(1ms, 2ms)")
    }

    @Test func channelsFollowTheirShares() throws {
        let scenario = try ScenarioFixture.read()
        let phones = (UInt32(0)..<2_000).count {
            scenario.channel(of: $0, seed: Seed(1)) == .phone
        }
        #expect((1_330...1_470).contains(phones))
    }

    @Test func defaultPricesMustBeSomewhere() {
        var files = ScenarioFixture.files
        files["share/prices/guides-2025.yaml"] = nil
        let problems = ScenarioFixture.problems(ScenarioFixture.small, files: files)
        #expect(problems.map(\.reason).first?.contains("price file") == true)
    }
}
