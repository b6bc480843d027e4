import UproarCore
import UproarRuntime

/// The recordings of one worker: takes them in, keeps the spool within its bound, hands what is whole to the uploader, and writes the
/// access log.
///
///     call ─► spool: NAME.part ─► NAME.rec ─► uploader ─► store
///                    └ a dead worker's ─────────┘ (read at the start)
///
/// A full spool takes no new recording; those going on are cut where the disk refuses. The calls go on either way.
final class RecordingDesk {
    static let accessLog = "access.log"

    private let parts: RecordingParts
    private let settings: AgentSettings
    private let metrics: AgentMetrics
    private let loop: EventLoop
    private let log: AgentLog
    private let unixTime: () -> Int64
    private var uploader: RecordingUploader?
    private var sweep: RecordingSweep?
    /// Of all recordings on disk.
    private(set) var byteCount = 0
    /// Sizes by name without ending.
    private var sizes: [RecordingName: Int] = [:]

    init(
        _ parts: RecordingParts, settings: AgentSettings, metrics: AgentMetrics, loop: EventLoop,
        log: AgentLog, random: RandomStream, unixTime: @escaping () -> Int64
    ) {
        self.parts = parts
        self.settings = settings
        self.metrics = metrics
        self.loop = loop
        self.log = log
        self.unixTime = unixTime
        for status in [
            "completed", "stopped", "dropped", "cut", "refused", "recovered", "unannounced",
            "uploaded",
        ] {
            metrics.touch(.recordings, [status])
        }
        uploader = RecordingUploader(
            parts.spool, parts.store, settings: settings, metrics: metrics, loop: loop,
            random: random, done: { [weak self] in self?.uploaded($0) },
            gaveUp: { [weak self] in self?.gaveUp(on: $0) })
        if settings.recordingKeepDays > 0 {
            sweep = RecordingSweep(
                parts.store, keepDays: settings.recordingKeepDays, loop: loop, unixTime: unixTime
            ) { [weak self] in self?.expired($0) }
        }
    }

    /// Takes up what an earlier worker left, and begins to sweep.
    func start() {
        parts.spool.list { [weak self] files in self?.takeUp(files) }
        sweep?.start()
    }

    func stop() {
        uploader?.stop()
        sweep?.stop()
    }

    private func takeUp(_ files: [SpoolFile]) {
        for file in files {
            guard let name = RecordingName(file: file.name) else { continue }
            // A call of this worker's own, begun since.
            if sizes[name] != nil { continue }
            sizes[name] = file.byteCount
            byteCount += file.byteCount
            if file.name.hasSuffix(RecordingName.parts) {
                seal(name, as: "recovered")
            } else {
                pendingChanged()
                uploader?.add(name)
            }
        }
    }

    // MARK: Calls

    /// Nil when there is no room, or no consent can be asked for.
    func open(_ introduction: CallIntroduction, _ consent: RecordingConsent, format: AudioFormat)
        -> CallRecorder?
    {
        guard byteCount < settings.recordingSpoolMegabytes << 20 else {
            metrics.count(.recordings, ["refused"])
            log.say(.error, "the spool is full: not recorded", call: introduction)
            return nil
        }
        let now = unixTime()
        let name = RecordingName(
            person: parts.keys.tags(of: introduction.person)[0], unixTime: now,
            call: introduction.call)
        // One call, one recording: a second one under its name would lie on top of it.
        guard sizes[name] == nil else { return nil }
        sizes[name] = 0
        let sealer = RecordingSealer(
            RecordingDescription(
                call: introduction.call, session: introduction.session,
                person: introduction.person, channel: introduction.channel,
                consent: consent.rawValue, began: now * 1000), format: format,
            dataKey: parts.unguessable(RecordingKeys.keyCount), keys: parts.keys)
        return CallRecorder(name, format: format, sealer: sealer, desk: self)
    }

    func append(
        _ bytes: [UInt8], to name: RecordingName, failed: @escaping () -> Void = {}
    ) {
        byteCount += bytes.count
        sizes[name, default: 0] += bytes.count
        let isTaken = parts.spool.append(bytes, to: name.partFile) { [weak self] isWritten in
            guard !isWritten else { return }
            self?.unwritten(bytes.count, name)
            failed()
        }
        guard !isTaken else { return }
        unwritten(bytes.count, name)
        loop.schedule(at: loop.now) { failed() }
    }

    private func unwritten(_ count: Int, _ name: RecordingName) {
        byteCount -= count
        sizes[name, default: count] -= count
        metrics.count(.errors, ["spool_refused", "recording"])
    }

    /// The recording is over: it is whole, or will not get any longer.
    func seal(_ name: RecordingName, as status: String) {
        metrics.count(.recordings, [status])
        pendingChanged()
        note("recorded", name, status)
        parts.spool.rename(name.partFile, to: name.file) { [weak self] isThere in
            guard let self else { return }
            // Nothing of it ever reached the disk.
            guard isThere else { return forget(name) }
            uploader?.add(name)
        }
    }

    /// Nothing was recorded after all.
    func withdrawn(_ name: RecordingName) { forget(name) }

    private func forget(_ name: RecordingName) {
        byteCount -= sizes.removeValue(forKey: name) ?? 0
        pendingChanged()
    }

    private func pendingChanged() { metrics.set(.recordingsPending, to: Double(sizes.count)) }

    // MARK: What becomes of them

    private func uploaded(_ name: RecordingName) {
        metrics.count(.recordings, ["uploaded"])
        note("uploaded", name, "")
        forget(name)
    }

    /// It stays on disk; the next worker offers it again.
    private func gaveUp(on name: RecordingName) {
        metrics.count(.recordings, ["given_up"])
        note("given_up", name, "")
    }

    private func expired(_ name: RecordingName) {
        metrics.count(.recordings, ["expired"])
        note("expired", name, "")
    }

    /// Who touched what, when. Only ever appended to.
    private func note(_ event: String, _ name: RecordingName, _ detail: String) {
        let line: JSONValue = [
            "timestamp": .string(AgentLog.iso(unixTime() * 1000)), "event": .string(event),
            "recording": .string(name.key), "detail": .string(detail),
            "by": .string(settings.worker),
        ]
        parts.spool.append(line.encoded() + [0x0a], to: Self.accessLog) { _ in }
    }
}
