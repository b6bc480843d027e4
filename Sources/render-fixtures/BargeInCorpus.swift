import Glibc
import UproarAudio
import UproarCore
import UproarScenario

/// What makes an agent stop, what must not, and utterances with a pause in their middle.
enum BargeInCorpus {
    static func render(into folder: String) throws -> CorpusManifest {
        var clips: [ClipDescription] = []
        for (kind, spoken) in [
            (ClipDescription.Kind.interruption, interruptions), (.backchannel, backchannels),
        ] {
            for (id, text, voice) in spoken {
                // Flite would spell it.
                let said = text == "Mm-hm." ? "Um hum." : text
                clips.append(
                    try makeClip(
                        voice.render(said), id: "\(id)-\(voice)", transcript: text,
                        speaker: voice.rawValue, kind: kind, shaper: ClipShaper(), folder: folder))
            }
        }
        for (id, before, after, voice) in paused {
            clips.append(try pausedClip(id, before, after, voice, folder))
        }
        for (id, sound) in noises {
            clips.append(
                try makeClip(
                    sound, id: id, transcript: "", speaker: "", kind: .noise,
                    shaper: ClipShaper(longestPause: nil), folder: folder))
        }
        return CorpusManifest(
            corpus: "barge-in",
            licence:
                "Apache-2.0 (speech synthesised with Flite, voices slt, rms, awb; noises computed)",
            clips: clips)
    }

    static let interruptions: [(id: String, text: String, voice: Voice)] = [
        ("stop", "Stop.", .slt), ("stop", "Stop.", .rms), ("stop", "Stop.", .awb),
        ("wait", "Wait.", .slt), ("wait", "Wait.", .rms), ("hold-on", "Hold on.", .slt),
        ("hold-on", "Hold on.", .awb), ("no-wait", "No, wait.", .rms),
        ("excuse-me", "Excuse me.", .awb),
    ]

    static let backchannels: [(id: String, text: String, voice: Voice)] = [
        ("mm-hm", "Mm-hm.", .slt), ("mm-hm", "Mm-hm.", .rms), ("uh-huh", "Uh huh.", .slt),
        ("uh-huh", "Uh huh.", .awb), ("okay", "Okay.", .rms), ("okay", "Okay.", .awb),
        ("right", "Right.", .slt), ("i-see", "I see.", .rms),
    ]

    static let paused: [(id: String, before: String, after: String, voice: Voice)] = [
        ("pause-milk", "Add buy", "milk to my list.", .slt),
        ("pause-dentist", "Remind me to", "call the dentist.", .rms),
        ("pause-rent", "Create a task to", "pay the rent on Friday.", .awb),
        ("pause-done", "Mark buy milk", "as done.", .slt),
    ]

    /// The silence that makes an impatient agent answer too soon.
    static let pause = Duration.milliseconds(700)

    private static func pausedClip(
        _ id: String, _ before: String, _ after: String, _ voice: Voice, _ folder: String
    ) throws -> ClipDescription {
        let bare = ClipShaper(margin: .zero)
        guard let first = bare.shape(voice.render(before)),
            let second = bare.shape(voice.render(after))
        else { throw FixtureError(clip: id, reason: "one half of it is silent") }
        var sound = first.sound
        sound.samples += PCM.silence(pause, rate: sound.rate).samples
        sound.samples += second.sound.samples
        return try makeClip(
            sound, id: "\(id)-\(voice)", transcript: before + " " + after, speaker: voice.rawValue,
            kind: .utterance, shaper: ClipShaper(longestPause: nil), folder: folder)
    }

    // MARK: Noises

    private static var noises: [(String, PCM)] {
        [
            ("cough-1", cough([(0, 0.22), (0.34, 0.26)], label: 1)),
            ("cough-2", cough([(0, 0.3)], label: 2)), ("door-1", door(label: 1)),
            ("dishes-1", dishes(label: 1)),
        ]
    }

    /// Bursts of breath: a hard onset, then noise through the throat's resonances, dying away.
    private static func cough(_ bursts: [(start: Double, length: Double)], label: UInt64) -> PCM {
        var random = Seed(1).stream("cough", label)
        return synthesise(seconds: 1) { time in
            var value = 0.0
            let breath = random.unit() * 2 - 1
            for burst in bursts where time >= burst.start && time < burst.start + burst.length {
                let age = time - burst.start
                let attack = min(1, age / 0.008)
                let decay = exp(-age / (burst.length / 3))
                let throat =
                    sin(2 * Double.pi * 480 * time) * 0.4 + sin(2 * Double.pi * 1_350 * time) * 0.25
                value += attack * decay * breath * (0.5 + throat)
            }
            return value
        }
    }

    /// A latch and a dull blow that rings at 70 and 160 Hz.
    private static func door(label: UInt64) -> PCM {
        var random = Seed(1).stream("door", label)
        var dull = 0.0
        return synthesise(seconds: 1) { time in
            let noise = random.unit() * 2 - 1
            dull += 0.15 * (noise - dull)
            let latch = time < 0.03 ? noise * exp(-time / 0.006) * 0.4 : 0
            let age = time - 0.07
            guard age > 0 else { return latch }
            let ring =
                sin(2 * Double.pi * 70 * age) * 0.7 + sin(2 * Double.pi * 160 * age) * 0.4
            return latch + exp(-age / 0.09) * (ring + dull * 1.5)
        }
    }

    /// Four clinks of crockery.
    private static func dishes(label: UInt64) -> PCM {
        var random = Seed(1).stream("dishes", label)
        let clinks = (0..<4).map { index in
            (
                start: 0.12 * Double(index) + 0.05 * random.unit(),
                pitch: 2_200 + 1_500 * random.unit()
            )
        }
        return synthesise(seconds: 1) { time in
            var value = 0.0
            for clink in clinks where time > clink.start {
                let age = time - clink.start
                value +=
                    exp(-age / 0.05)
                    * (sin(2 * Double.pi * clink.pitch * age)
                        + 0.6 * sin(2 * Double.pi * clink.pitch * 1.53 * age))
            }
            return value * 0.4 + (random.unit() - 0.5) * 0.001
        }
    }

    private static func synthesise(seconds: Double, _ value: (Double) -> Double) -> PCM {
        let rate = Voice.rate
        let margin = rate.value / 5
        var samples = [Int16](repeating: 0, count: margin)
        for index in 0..<Int(seconds * Double(rate.value)) {
            let sample = value(Double(index) / Double(rate.value)) * 12_000
            samples.append(Int16(max(-32_000, min(32_000, sample.rounded()))))
        }
        samples += [Int16](repeating: 0, count: margin)
        return PCM(rate: rate, samples: samples)
    }
}
