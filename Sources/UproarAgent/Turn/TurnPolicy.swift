import UproarCore

/// When the agent takes its turn, and when it gives it up.
struct TurnPolicy: Hashable, Sendable {
    /// Silence after which an interim that covers all that was said is worth thinking about.
    var stableInterim = Duration.milliseconds(100)
    /// Silence after which the recogniser is asked for its final result.
    var finishAfter = Duration.milliseconds(200)
    /// Silence after which the caller's turn is over. Nothing is spoken before.
    var endpointing = Duration.milliseconds(260)
    /// From the end of the turn, how long a final result is waited for before the interim is taken for it.
    var finalWait = Duration.milliseconds(500)
    /// The same where there is no word at all: a recogniser that failed is being replaced, or hears only whole utterances.
    var wordsWait = Duration.seconds(8)
    /// Voice after which a caller who speaks over the agent is taken seriously; three tenths of it when there are words.
    var bargeIn = Duration.milliseconds(500)
    /// From there, how long words that may show a mere backchannel are waited for.
    var backchannelWindow = Duration.milliseconds(200)
    /// A backchannel longer than this is an interruption.
    var longestBackchannel = Duration.milliseconds(1200)
    /// Voice after a pause by which the caller is known to have gone on.
    var resumption = Duration.milliseconds(200)
    /// An answer that was given up because the caller seemed to go on is made anew when he has said no word.
    var answersAgain = true
    var backchannels = Backchannels.english
}
