import UproarCore
import UproarRuntime

/// A call's recording: announced where that is what consent rests on, ended by the caller's word.
extension CallSession {
    /// A worker that has just started has the announcement spoken first; so long a call waits for it, and is not recorded
    /// when it does not come.
    private static let announcementPatience = Duration.milliseconds(1500)
    private static let pollEvery = Duration.milliseconds(50)

    /// Says what has to be said before a recording, and begins it. True: the greeting comes later, of its own accord.
    func isAwaitingAnnouncement(before greeting: String) -> Bool {
        guard let desk = worker.recordings, recorder == nil, !isOver,
            let consent = RecordingConsent.of(
                introduction, phone: settings.recordingConsent == "opt_in" ? .optIn : .implied)
        else { return false }
        guard consent == .implied else {
            recorder = desk.open(introduction, consent, format: format)
            recorder?.begin(from: loop.now)
            return false
        }
        guard let audio = worker.phrases.audio(of: settings.recordingAnnouncement, in: format)
        else {
            guard loop.now - began < Self.announcementPatience else {
                metrics.count(.recordings, ["unannounced"])
                return false
            }
            loop.schedule(at: loop.now + Self.pollEvery) { [self] in greet(greeting) }
            return true
        }
        // What is not recorded need not be announced.
        guard let recorder = desk.open(introduction, consent, format: format) else { return false }
        self.recorder = recorder
        fill(audio)
        announcedUntil = busyUntil
        recorder.begin(from: busyUntil)
        loop.schedule(at: announcedUntil) { [self] in
            guard !isOver else { return }
            reply?.drain()
            channel?.flush()
        }
        return false
    }

    /// The words end the recording, and get their own answer.
    func stopsRecording(_ words: String) -> Bool {
        guard worker.recordings != nil, settings.recordingWithdrawal,
            RecordingConsent.isWithdrawn(by: words)
        else { return false }
        recorder?.finish("stopped", at: loop.now)
        return true
    }
}
