import UproarAudio
import UproarCore
import UproarRuntime
import UproarScenario

/// How the calls of one channel are made: what they carry, and what is said in them. The same in both worlds.
package struct RunLine: Sendable {
    package var channel: Scenario.Channel
    /// A name of the catalog.
    package var transport: String
    package var format: AudioFormat
    package var conversation: ConversationPlan
    /// The plan's clips, annotated as this transport carries them.
    package var clips: [ClipDescription]
    /// Each clip's whole 20 ms frames in the format.
    package var frames: [[UInt8]]
    /// By the conversation's numbers.
    package var pictures: [Picture]

    /// Custom parameters of these calls: a telephone says nothing of its channel.
    package var parameters: [HTTPField] {
        channel == .phone ? [] : [HTTPField("channel", channel.rawValue)]
    }
}

extension RunLine {
    /// One line for telephones: for runs that make their own audio.
    package static func phone(
        _ conversation: ConversationPlan, clips: [ClipDescription], frames: [[UInt8]]
    ) -> RunLine {
        RunLine(
            channel: .phone, transport: "twilio", format: .telephone, conversation: conversation,
            clips: clips, frames: frames, pictures: [])
    }

    /// The lines of a scenario, in the order of its channels.
    ///
    /// - corpus: as the format's rate carries it; asked for once for each format.
    static func lines(
        of scenario: Scenario, seed: Seed, corpus: (AudioFormat) throws -> CorpusAudio
    ) throws -> [RunLine] {
        var known: [AudioFormat: (clips: [ClipDescription], frames: [[UInt8]])] = [:]
        return try scenario.channels.map { share in
            let format = TransportCatalog.format(of: share.transport)
            let audio =
                try known[format]
                ?? {
                    let corpus = try corpus(format)
                    return (corpus.clips, corpus.sounds.map { FrameBytes.frames($0, format) })
                }()
            known[format] = audio
            let conversation = try conversation(of: share.channel, scenario, audio.clips, seed)
            return RunLine(
                channel: share.channel, transport: share.transport, format: format,
                conversation: conversation, clips: audio.clips, frames: audio.frames,
                pictures: try conversation.pictures.map(picture))
        }
    }

    private static func conversation(
        of channel: Scenario.Channel, _ scenario: Scenario, _ clips: [ClipDescription], _ seed: Seed
    ) throws -> ConversationPlan {
        let script = scenario.conversation
        let steps = script.steps(of: channel.rawValue)
        let isSpoken = steps.contains { if case .show = $0 { false } else { true } }
        guard isSpoken else {
            throw ScenarioLoading.Problem(
                "the conversation \(script.name) says nothing in calls of the channel \(channel.rawValue)"
            )
        }
        do {
            return try ConversationPlan(
                script, clips: clips, seed: seed, channel: channel.rawValue)
        } catch {
            throw ScenarioLoading.Problem(
                "the conversation \(script.name) says \"\(error.name)\", which the corpus has not"
                    + (error.nearest.map { "; the nearest clip is \"\($0)\"" } ?? ""))
        }
    }

    private static func picture(_ path: String) throws -> Picture {
        let bytes: [UInt8]
        do { bytes = try TextFile.read(path) } catch { throw ScenarioLoading.Problem("\(error)") }
        guard let picture = Picture(bytes) else {
            throw ScenarioLoading.Problem("\(path) is no picture")
        }
        return picture
    }
}
