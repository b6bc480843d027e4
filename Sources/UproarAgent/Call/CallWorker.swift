import UproarCore
import UproarRuntime

/// What the calls of one loop share.
final class CallWorker {
    let settings: AgentSettings
    let parts: AgentParts
    let metrics: AgentMetrics
    let chains: ProviderChains
    let phrases = PhraseBook()
    let sessions: SessionKeeper
    /// Nil where there is no store: tasks live no longer than their call.
    let tasks: TaskLedger?
    let outage: VoiceOutage
    let workflows: WorkflowBus?
    let recordings: RecordingDesk?
    var rateLimit: RateLimit
    private var random: RandomStream
    /// One for each format that calls are spoken to in.
    private var phraseMakers: [(format: AudioFormat, maker: PhraseMaker)] = []

    init(_ settings: AgentSettings, parts: AgentParts, metrics: AgentMetrics) {
        self.settings = settings
        self.parts = parts
        self.metrics = metrics
        chains = parts.chains(settings, metrics: metrics)
        sessions = SessionKeeper(
            parts.sessions, settings: settings, metrics: metrics, loop: parts.loop)
        outage = VoiceOutage(
            settings, messenger: parts.messenger, pager: parts.pager, metrics: metrics,
            loop: parts.loop)
        var random = parts.random
        workflows = parts.workflows.map {
            WorkflowBus(
                $0, worker: settings.worker, attempts: settings.workflowAttempts, metrics: metrics,
                loop: parts.loop,
                random: RandomStream(state: random.next()), deadLetters: parts.deadLetters)
        }
        let epoch = settings.epoch
        recordings =
            !settings.records
            ? nil
            : parts.recordings.map {
                RecordingDesk(
                    $0, settings: settings, metrics: metrics, loop: parts.loop, log: parts.log,
                    random: RandomStream(state: random.next()),
                    unixTime: { epoch + parts.loop.now.nanoseconds / 1_000_000_000 })
            }
        self.random = random
        rateLimit = RateLimit(limit: settings.rateLimit, window: settings.rateWindow)
        tasks = parts.tasks.map {
            TaskLedger($0, settings: settings, metrics: metrics, loop: parts.loop)
        }
    }

    /// Takes up the recordings of an earlier worker.
    func start() { recordings?.start() }

    /// Has the phrases made that must be there when nothing else is, once for each format of calls; telephones' at the start, others'
    /// with their first call. Nil: voices are converted, and phrases made as they are needed.
    func preparePhrases(in format: AudioFormat? = .telephone) {
        guard let format, !phraseMakers.contains(where: { $0.format == format }),
            settings.preparesPhrases, let voices = chains.voices
        else { return }
        var phrases = [settings.holdPhrase, settings.apology, settings.outagePhrase]
        if recordings != nil { phrases.insert(settings.recordingAnnouncement, at: 0) }
        phrases.removeAll(where: \.isEmpty)
        let maker = PhraseMaker(
            phrases, chain: voices, settings: settings, format: format, loop: parts.loop,
            metrics: metrics, random: drawStream(), book: self.phrases)
        phraseMakers.append((format, maker))
        maker.start()
    }

    func stop() {
        for entry in phraseMakers { entry.maker.stop() }
        phraseMakers = []
        recordings?.stop()
        sessions.close()
        workflows?.close()
        tasks?.close()
    }

    /// The model of a provider, as price files name it.
    func model(of provider: ProviderID) -> String {
        switch provider {
        case .deepgram: settings.recogniserModel
        case .assemblyai: settings.assemblyaiModel
        case .whisper: settings.whisperModel
        case .cartesia: settings.voiceModel
        case .elevenlabs: settings.elevenlabsModel
        default: ""
        }
    }

    /// Calls that were handed off and have not been asked about, the latest ones.
    private var handedOff: [String] = []
    private static let handOffLimit = 1000

    func noteHandOff(_ call: String) {
        handedOff.append(call)
        if handedOff.count > Self.handOffLimit { handedOff.removeFirst() }
    }

    /// Whether the call was handed off. True once.
    func takeHandOff(_ call: String) -> Bool {
        guard let place = handedOff.firstIndex(of: call) else { return false }
        handedOff.remove(at: place)
        return true
    }

    /// A stream of randomness for one part of one call.
    func drawStream() -> RandomStream { RandomStream(state: random.next()) }

    /// Seconds of the Unix epoch.
    var unixTime: Int64 { settings.epoch + parts.loop.now.nanoseconds / 1_000_000_000 }
    var unixMilliseconds: Int64 { settings.epoch * 1000 + parts.loop.now.milliseconds }
}
