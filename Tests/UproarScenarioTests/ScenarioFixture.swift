import UproarCore
import UproarScenario

/// A scenario with everything in it, and the files it names, in memory.
enum ScenarioFixture {
    static let catalog = ScenarioCatalog(
        transports: [
            .init(
                name: "twilio", summary: "Twilio Media Streams", descriptorsPerCall: 1,
                portsPerCall: 1, schemes: ["ws", "wss", "http", "https"]),
            .init(
                name: "browser", summary: "Browser stream", descriptorsPerCall: 1, portsPerCall: 1,
                schemes: ["ws", "wss"]),
        ],
        faults: [
            .init(
                name: "http_error", summary: "The provider answers with an error status.",
                effect: "a request answered with the status",
                attributes: [
                    .init("status", .integer(400...599), isRequired: true, "the status"),
                    .init("delay", .distribution, "before the answer"),
                    .init("body", .text, "of the answer"),
                ], targets: ["deepgram", "openai", "stt", "llm"], recovery: .seconds(10)),
            .init(
                name: "stall_at", summary: "The stream stops.", effect: "a stream stopped",
                attributes: [.init("position", .chance, "of the stream")]),
        ], places: ["redis", "agent"], variants: ["clean", "street", "low"])

    static let full = """
        name: deepgram-outage
        summary: Deepgram answers 503 for 15 s.
        seed: 42
        target:
          embedded: {workers: 1}
        transport: twilio
        channels: {phone: 70%, browser: 20%, screen_share: 10%}
        conversation: conversations/tasks.yaml
        audio: {path: fixtures/tasks, variant: clean}
        load:
          - ramp: 0 -> 20 callers over 10s
            name: up
          - hold: 20 callers for 60s
          - arrive: 2/s poisson for 10s
          - steps: 5 -> 10 callers by 5 every 5s
          - spike: 3 callers at once
          - replay: calls.csv x2
        patience: 10s
        redial: 1s
        on_drop: redial 1s, 2s, 4s
        call_setup_limit: 5s
        drain: 20s
        providers:
          preset: guide-budget
          deepgram: {latency: "lognormal(p50=60ms, p95=110ms)"}
          openai: {first_token: empirical(llm.csv), pace: 60 tokens/s}
          cartesia: {first_byte: 90ms, pace: 4x}
        agent:
          endpointing: 300ms
          stable_interim: 100ms
          finish_after: 200ms
          barge_in: 300ms
          greeting: Hello there!
        prices: prices/own.yaml
        tagging: on
        recording: off
        links: as_needed
        timeline:
          - id: stt-down
            at: 25s
            for: 15s
            inject: http_error
            status: 503
            delay: uniform(1ms, 2ms)
            on: deepgram
            where: {path: /v1/listen}
            cohort: 50%
            per: request
            p: 1/2
            max_active: 5
            ramp: 1s
          - {after: stt-down + 5s, mark: over}
          - {when: "voice_to_voice: p95 > 2s", within: 1m, expect: "turns_lost: count <= 0"}
          - {every: 10s jitter 1s from 5s to 40s, inject: stall_at, pulse: 2s/1s, for: 6s}
          - {at: 50s, inject: stall_at, until: stt-down, max: 3s}
          - {at: 52s, inject: stall_at, count: 4, max: 3s}
          - {at: 70s, clear: stt-down}
          - {at: 71s, probe: health}
        gates:
          - "voice_to_voice@steady: p95 < 800ms"
          - "voice_to_voice@fault(stt-down, 2s..15s): p95 < 1500ms"
          - "voice_to_voice@stage(up): p95 < 900ms"
          - "cost_per_minute: mean <= $0.07"

        """

    static let conversation = """
        name: tasks
        summary: Adds and lists.
        greeting: {within: 5s}
        pause: uniform(300ms, 600ms)
        patience: 8s
        on_silence: say_again
        repeat: 2
        turns:
          - say: add-milk
            expect: {intent: add_task}
            pause: 500ms
            patience: 5s
            on_silence: go_on
            barge_in: {kind: interruption, after: 600ms, say: stop, then: list, p: 50%}
          - turns: 2
            pool: [add-milk, {say: {any_of: [list-rms, list]}, expect: silence}]
          - say: {any: utterance}
            expect: {text: [done]}
          - wait: 2s
          - dtmf: "12#"
          - hang_up: on
        check: {tools: [create_task], every_turn_answered: on}
        language_model:
          greeting: Hello! How can I help?
          intents:
            - name: add_task
              match: ["add {title} to my list", "remind me to {title}"]
              tool: {name: create_task, arguments: {title: "{title}"}}
              reply_after_tool: ["Okay, {title} is on your list.", "Done, I added {title}."]
            - name: list
              match: list
              reply: Sure, you have two tasks.
          fallback: Sorry, I did not get that.

        """

    static let manifest = """
        corpus: tasks
        licence: Apache-2.0
        clips:
          - {id: add-milk-slt, file: a.flac, transcript: Add buy milk to my list., speaker: slt, kind: utterance, variant: clean, speech: {start: 120ms, end: 1840ms}, inner_pauses: [{start: 620ms, end: 760ms}], annotated_by: hand}
          - {id: add-milk-rms, file: b.flac, transcript: Add buy milk to my list., speaker: rms, speech: {start: 120ms, end: 1840ms}}
          - {id: list-slt, file: c.flac, transcript: What is on my list?, speaker: slt, speech: {start: 120ms, end: 1840ms}}
          - {id: list-rms, file: d.flac, transcript: What is on my list?, speaker: rms, speech: {start: 120ms, end: 1840ms}}
          - {id: stop-slt, file: e.flac, transcript: Stop., speaker: slt, kind: interruption, speech: {start: 20ms, end: 400ms}}
          - {id: cough, file: f.flac, kind: noise, speech: {start: 20ms, end: 400ms}}

        """

    static let prices = """
        name: own
        prices:
          - {provider: deepgram, model: nova-3, unit: audio_minute, dollars: $0.0077, as_of: 2025-11, source: guide}
          - {provider: openai, model: gpt-4o-mini, unit: thousand_prompt_tokens, dollars: $0.00015, as_of: 2025-11-01, source: guide}

        """

    static let files: [String: String] = [
        "s/conversations/tasks.yaml": conversation, "share/fixtures/tasks/manifest.yaml": manifest,
        "share/fixtures/tasks": "", "s/prices/own.yaml": prices,
        "share/prices/guides-2025.yaml": prices, "s/calls.csv": "start\n0\n1\n4\n",
        "s/llm.csv": "ms\n250\n300\n", "one.wav": "RIFF", "share/empty.csv": "",
    ]

    /// The working directory is the root; scenarios lie in `s`, the share folder is `share`.
    static func access(_ files: [String: String] = files) -> ScenarioFiles {
        ScenarioFiles(
            find: { path, from in
                let folder = from.contains("/") ? from[...from.lastIndex(of: "/")!] : ""
                return [folder + path, "share/" + path, path].first { files[$0] != nil }
            },
            read: { path in
                switch files[path] {
                case "": .failure(.init("it is a folder"))
                case let text?: .success(Array(text.utf8))
                case nil: .failure(.init("no such file"))
                }
            }, variable: { environment[$0] })
    }

    static let environment = ["CALLERS": "7", "EMPTY": "", "BOT": "bot.py"]

    static func read(
        _ text: String = full, overrides: [String] = [], files: [String: String] = files
    ) throws(FileProblems) -> Scenario {
        try ScenarioReader.read(
            Array(text.utf8), file: "s/a.yaml", overrides: overrides, files: access(files),
            catalog: catalog)
    }

    static func problems(
        _ text: String = full, overrides: [String] = [], files: [String: String] = files
    ) -> [FileProblem] {
        do {
            _ = try read(text, overrides: overrides, files: files)
            return []
        } catch { return error.problems }
    }

    static let small = """
        name: small
        audio: fixtures/tasks
        load:
          - hold: 2 callers for 30s

        """
}
