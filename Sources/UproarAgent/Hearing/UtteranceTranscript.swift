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

    /// Windows that began before this belong to what is over.
    private var discardedUpTo = Duration.zero
    /// A closed window of what is over is still to come.
    private var awaitsStaleFinal = false

    var text: String {
        let known = finals.joined(separator: " ")
        if interim.isEmpty { return known }
        return known.isEmpty ? interim : known + " " + interim
    }

    var isEmpty: Bool { finals.isEmpty && interim.isEmpty }

    /// Takes a result. False when it belongs to an utterance that is over.
    mutating func heard(_ transcript: Transcript) -> Bool {
        let end = transcript.start + transcript.duration
        if awaitsStaleFinal, transcript.start < discardedUpTo {
            if transcript.isFinal { awaitsStaleFinal = false }
            return false
        }
        if transcript.isFinal { awaitsStaleFinal = false }
        let text = transcript.text
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

    /// The utterance is over, at this position of the stream. `isSettled` says that its last window has been closed.
    mutating func discard(upTo position: Duration, isSettled: Bool) {
        finals.removeAll(keepingCapacity: true)
        interim = ""
        discardedUpTo = position
        awaitsStaleFinal = !isSettled
    }

    /// The recogniser's stream was opened anew. Words known so far stay; what the old stream still owed will not come.
    mutating func restart() {
        if !interim.isEmpty { finals.append(interim) }
        interim = ""
        awaitsStaleFinal = false
    }
}
