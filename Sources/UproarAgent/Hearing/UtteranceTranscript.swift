import UproarCore
import UproarRuntime

/// What the recogniser has said of the utterance in progress: closed windows joined, and the latest interim behind them.
///
/// Positions are of the audio of the call, whatever stream it was sent on.
struct UtteranceTranscript {
    private(set) var finals: [String] = []
    private(set) var interim = ""
    /// Up to here the words are known, be it for now.
    private(set) var heardUpTo = Duration.zero
    /// Up to here they will not change.
    private(set) var finalUpTo = Duration.zero

    /// Windows that began before this belong, at least in part, to what is over.
    private var discardedUpTo = Duration.zero
    /// The words of the window of what is over that was never closed: a later result may hold them again.
    private var stale: [String] = []
    /// A closed window of what is over is still to come.
    private var awaitsStaleFinal = false
    /// The next result is of another stream, and replaces what is known.
    private var isReplaced = false

    var text: String {
        let known = finals.joined(separator: " ")
        if interim.isEmpty { return known }
        return known.isEmpty ? interim : known + " " + interim
    }

    var isEmpty: Bool { finals.isEmpty && interim.isEmpty }

    /// Takes a result. False when it belongs to an utterance that is over.
    ///
    /// - voice: where voice was heard that belongs to no utterance that is over; nil when none was.
    mutating func heard(_ transcript: Transcript, voice: Duration?) -> Bool {
        let end = transcript.start + transcript.duration
        var text = transcript.text
        if awaitsStaleFinal, transcript.start < discardedUpTo {
            if transcript.isFinal { awaitsStaleFinal = false }
            // A window that was never closed goes on with the next utterance: its old words are left out.
            guard let voice, end > voice + .milliseconds(200), let fresh = withoutStale(text) else {
                return false
            }
            text = fresh
        } else if transcript.isFinal {
            awaitsStaleFinal = false
        }
        if isReplaced {
            isReplaced = false
            finals.removeAll(keepingCapacity: true)
            interim = ""
        }
        if transcript.isFinal {
            if !text.isEmpty { finals.append(text) }
            interim = ""
            finalUpTo = max(finalUpTo, end)
        } else {
            interim = text
        }
        heardUpTo = max(heardUpTo, end)
        return true
    }

    /// What follows the words of the utterance that is over; nil when nothing does. A recogniser may have thought better of a
    /// word since: they are told apart by their number.
    private func withoutStale(_ text: String) -> String? {
        let words = text.split(whereSeparator: \.isBlank)
        // A window that does not begin with them holds new words alone.
        if let first = words.first, let stale = stale.first,
            SpokenText.words(String(first)) != [stale]
        {
            return words.count > self.stale.count ? text : nil
        }
        guard words.count > stale.count else { return nil }
        return words[stale.count...].joined(separator: " ")
    }

    /// The utterance is over, at this position of the call. `isSettled` says that its last window has been closed.
    mutating func discard(upTo position: Duration, isSettled: Bool) {
        stale = isSettled ? [] : SpokenText.words(interim)
        finals.removeAll(keepingCapacity: true)
        interim = ""
        discardedUpTo = position
        awaitsStaleFinal = !isSettled
        isReplaced = false
    }

    /// Another stream hears the utterance from its beginning: what it says replaces what is known, which stands until then.
    mutating func restart() {
        isReplaced = true
        awaitsStaleFinal = false
        finalUpTo = min(finalUpTo, discardedUpTo)
        heardUpTo = min(heardUpTo, discardedUpTo)
    }
}
