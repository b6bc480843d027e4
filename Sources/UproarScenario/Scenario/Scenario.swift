import UproarCore

/// A scenario file, read and checked: everything a run needs to know before it dials.
package struct Scenario: Hashable, Sendable {
    package var name: String
    package var summary: String
    /// nil when neither the file nor an override names one: the command line then draws one and says so.
    package var seed: UInt64?
    package var target: Target
    /// Takes the place of the stream's address in the answer of a webhook; nil: that one counts.
    package var streamURL: String?
    /// A name of the catalog's transports: the scenario's own, which carries the channels that it can.
    package var transport: String
    /// Where browsers call an agent that is not ours, when telephones call it elsewhere.
    package var browserURL: String?
    /// Shares that add up to one, in written order.
    package var channels: [ChannelShare]
    package var conversation: ConversationScript
    /// The conversation's file as found, for messages; nil for the built-in one.
    package var conversationFile: String?
    package var audio: AudioSource
    /// Never empty.
    package var load: [LoadLine]
    /// Who the callers are; nil: nobody in particular.
    package var callers: CallerTable?
    /// How long a caller waits for a reply before it calls the turn lost.
    package var patience: Duration
    /// From the end of a closed caller's call to its next dial.
    package var redial: Duration
    /// Waits before each new attempt of a caller whose stream died; empty: it hangs up.
    package var onDrop: [Duration]
    /// What another agent than ours says first when it goes on with a call that dropped; nil: nobody knows.
    package var resumption: String?
    /// From dialling to the answer; a call without one by then is refused.
    package var callSetupLimit: Duration
    /// How long calls may go on once the load has ended.
    package var drain: Duration
    package var providers: ProviderSettings
    package var agent: AgentSettings
    package var prices: PriceBook
    /// As found, for messages.
    package var pricesFile: String
    /// Turn references in audio and text. Off when the providers are real.
    package var isTagging: Bool
    /// The agent records calls and announces it.
    package var isRecording: Bool
    package var links: Links
    package var timeline: [TimelineEvent]
    package var gates: [GateRule]
    package var safety = SafetySettings()
    /// By role, in the order of roles; empty: the reference agent's own settings, and nothing of any other.
    package var breakers: [DeclaredBreaker] = []
    /// Alerts that its faults must set off, in written order; nil: none is looked for.
    package var alerts: [ExpectedAlert]?
    /// How long a call lasts from its answer; nil: as long as its script. The script is then gone through again and again.
    package var callLength: Distribution?
    /// Cores that the agent's processes may use together; nil: as many as there are. Never with a URL.
    package var agentCores: Decimal?
    /// Where things stand in the file, for what is found wrong later.
    package var places: Places

    package struct Places: Hashable, Sendable {
        /// As the person named it.
        package var file: String
        package var audio: YAMLMark
        package var load: YAMLMark
        package var target: YAMLMark
        package var agent: YAMLMark
        /// One for each event and gate, in order; no gates when they are the defaults.
        package var timeline: [YAMLMark]
        package var gates: [YAMLMark]
    }

    package enum Target: Hashable, Sendable {
        /// The reference agent in so many processes, each with its own port. A dead one is started again after `restartDelay`; never
        /// when that is nil.
        case embedded(workers: Int, restartDelay: Duration? = nil)
        /// A program of somebody else's that the run starts.
        case command(TargetCommand)
        /// An agent that is already there.
        case url(String)
    }

    package struct ChannelShare: Hashable, Sendable {
        package var channel: Channel
        package var share: Chance
        /// The transport that carries this channel.
        package var transport: String

        package init(channel: Channel, share: Chance, transport: String) {
            self.channel = channel
            self.share = share
            self.transport = transport
        }
    }

    package enum Channel: String, CaseIterable, Sendable {
        case phone, browser
        case screenShare = "screen_share"
    }

    package enum AudioSource: Hashable, Sendable {
        /// Folders with a manifest each, cut down to one variant; ids are unique in all of them together. Never empty.
        case corpora([Corpus])
        /// One audio file, which is annotated when it is loaded.
        case file(String)
    }

    package struct Corpus: Hashable, Sendable {
        package var name: String
        /// The folder as found.
        package var folder: String
        package var licence: String
        /// nil: no variant was asked for and the corpus has no `clean` one.
        package var variant: String?
        /// The corpus was not recorded in this variant: whoever loads it makes it of the clips.
        package var isVariantMade: Bool
        /// Their files are paths as found, no longer relative to the manifest.
        package var clips: [ClipDescription]
    }

    /// Which connections go through links.
    package enum Links: Hashable, Sendable {
        /// Those that the timeline names.
        case asNeeded
        case all
    }

    /// Names of the transports in use, each once.
    package var transports: [String] {
        var names = OrderedTable<String, Bool>()
        for share in channels { names[share.transport] = true }
        return names.keys
    }

    /// The transport that carries a channel.
    package func transport(of channel: Channel) -> String {
        channels.first { $0.channel == channel }?.transport ?? transport
    }

    /// The channel with the largest share; of equal ones the first.
    package var usualChannel: Channel {
        var usual = channels[0]
        for share in channels.dropFirst()
        where Double(share.share.numerator) / Double(share.share.denominator)
            > Double(usual.share.numerator) / Double(usual.share.denominator)
        { usual = share }
        return usual.channel
    }

    /// Providers are emulated, by the run or by somebody it is attached to.
    package var hasEmulators: Bool {
        if case .url = target, case .own = providers.place { return false }
        return true
    }

    /// Whether the emulated voices know by which words the agent goes on with a call that dropped.
    package var knowsResumption: Bool {
        if case .embedded = target { return isTagging }
        return isTagging && resumption != nil
    }

    /// The channel of a call: its draw is keyed, so no other call moves it.
    package func channel(of call: UInt32, seed: Seed) -> Channel {
        var random = seed.stream("channel", UInt64(call))
        let draw = random.unit()
        var sum = 0.0
        for channel in channels {
            sum += Double(channel.share.numerator) / Double(channel.share.denominator)
            if draw < sum { return channel.channel }
        }
        return channels.last?.channel ?? .phone
    }
}

/// What `agent:` may set of the reference agent; nil leaves the agent's own default.
package struct AgentSettings: Hashable, Sendable {
    /// Silence after which the caller's turn is over.
    package var endpointing: Duration?
    /// Silence after which an interim that covers all that was said is answered ahead.
    package var stableInterim: Duration?
    /// Silence after which the recogniser is asked for its final result.
    package var finishAfter: Duration?
    /// Voice after which a caller who speaks over the agent is taken seriously.
    package var bargeIn: Duration?
    package var greeting: String?
    /// Further settings in the agent's own words, checked, in the order of the catalog.
    package var others: [Other] = []

    package struct Other: Hashable, Sendable {
        package var key: String
        package var text: String
    }

    package init() {}
}

/// How fast the emulated providers answer.
package struct ProviderSettings: Hashable, Sendable {
    package var preset: ProviderPreset
    package var place = ProviderPlace.own
    /// Providers that are the vendors themselves, behind the run's own addresses; in the order of `ProviderID`.
    package var upstreams: [ProviderUpstream] = []
    /// In the order of the preset; overrides are already in it.
    package var timings: [Timing]
    /// Everything else that is said of providers and their operations.
    package var terms: [ProviderTerms] = []

    package struct Timing: Hashable, Sendable {
        package var provider: ProviderID
        package var pace: ProviderPace
        /// It differs from the preset.
        package var isChanged: Bool
    }

    package init(preset: ProviderPreset) {
        self.preset = preset
        timings = preset.paces.map { Timing(provider: $0.0, pace: $0.1, isChanged: false) }
    }

    package subscript(_ provider: ProviderID) -> ProviderPace? {
        timings.first { $0.provider == provider }?.pace
    }

    /// The name beside every latency of a report: `guide-budget`, or `guide-budget, changed: openai`.
    package var label: String {
        let changed = ScenarioReader.emulated.filter { provider in
            timings.contains { $0.provider == provider && $0.isChanged }
                || terms.contains { $0.provider == provider }
        }.map(\.name)
        let real = upstreams.map(\.provider.name)
        return preset.rawValue
            + (changed.isEmpty ? "" : ", changed: " + changed.joined(separator: ", "))
            + (real.isEmpty ? "" : ", real: " + real.joined(separator: ", "))
    }
}

/// The speed of one provider, by its role.
package enum ProviderPace: Hashable, Sendable {
    /// From the last voiced sample at the provider to the final result.
    case speechToText(latency: Distribution)
    /// From the request to the first content, and the pace from there.
    case languageModel(firstToken: Distribution, tokensPerSecond: Double)
    /// From the first text to the first audio, and how many times as fast as speech the rest is made.
    case textToSpeech(firstByte: Distribution, factor: Decimal)
}

package enum ProviderPreset: String, CaseIterable, Sendable {
    /// What the production guides plan with: the budget behind "voice to voice below 800 ms".
    case guideBudget = "guide-budget"
    /// What vendors and measurements of their clients publish; each figure with source and date in docs/providers.md. No agent
    /// answers within 800 ms on these.
    case published
    /// The same with the network between them and an agent that runs there: derived, not measured, as docs/providers.md says.
    case publishedUS = "published-us"
    case publishedEU = "published-eu"
    case publishedAsia = "published-asia"
    /// No provider takes any time of its own: what is left is the agent, and the harness.
    case instant

    /// Where the agent runs; nil: beside the providers.
    package var region: PublishedFigures.Region? {
        switch self {
        case .publishedUS: .us
        case .publishedEU: .eu
        case .publishedAsia: .asia
        case .guideBudget, .published, .instant: nil
        }
    }

    package var paces: [(ProviderID, ProviderPace)] {
        let eight = Decimal(digits: 8)
        switch self {
        case .guideBudget:
            return [
                (
                    .deepgram,
                    .speechToText(
                        latency: .lognormal(p50: .milliseconds(60), p95: .milliseconds(110)))
                ),
                (
                    .openai,
                    .languageModel(
                        firstToken: .lognormal(p50: .milliseconds(250), p95: .milliseconds(350)),
                        tokensPerSecond: 80)
                ),
                (
                    .cartesia,
                    .textToSpeech(
                        firstByte: .lognormal(p50: .milliseconds(80), p95: .milliseconds(120)),
                        factor: eight)
                ),
            ]
        case .published, .publishedUS, .publishedEU, .publishedAsia:
            func first(_ provider: ProviderID) -> Distribution {
                PublishedFigures.firstContent(provider, from: region) ?? .constant(.zero)
            }
            return [
                (.deepgram, .speechToText(latency: first(.deepgram))),
                (.openai, .languageModel(firstToken: first(.openai), tokensPerSecond: 80)),
                (.cartesia, .textToSpeech(firstByte: first(.cartesia), factor: eight)),
            ]
        case .instant:
            return [
                (.deepgram, .speechToText(latency: .constant(.zero))),
                (
                    .openai,
                    .languageModel(firstToken: .constant(.zero), tokensPerSecond: 100_000)
                ),
                (
                    .cartesia,
                    .textToSpeech(firstByte: .constant(.zero), factor: Decimal(digits: 1000))
                ),
            ]
        }
    }
}
