/// One recorded utterance as its manifest tells it. Times are from the start of the file.
package struct ClipDescription: Hashable, Sendable {
    /// Unique within the corpus: the file's name without folder and ending.
    package var id: String
    /// Path relative to the manifest.
    package var file: String
    package var transcript: String
    package var speaker: String
    package var kind: Kind
    package var licence: String
    /// First voiced sample to after the last voiced one.
    package var speech: Range<Duration>
    /// Silences inside `speech` of 100 ms or more, in order.
    package var innerPauses: [Range<Duration>]
    /// `clean`, `cafe`, `street`, `low`, or the user's own word.
    package var variant: String
    /// True when the times come from our annotation and not from a person.
    package var isAnnotatedByUs: Bool

    package enum Kind: String, CaseIterable, Sendable {
        case utterance
        /// A word that asks the agent to stop.
        case interruption
        /// `mm-hm`: the agent should go on.
        case backchannel
        /// Cough, door, traffic: no speech at all.
        case noise
    }

    package init(
        id: String, file: String, transcript: String, speaker: String = "", kind: Kind = .utterance,
        licence: String = "", speech: Range<Duration>, innerPauses: [Range<Duration>] = [],
        variant: String = "clean", isAnnotatedByUs: Bool = true
    ) {
        self.id = id
        self.file = file
        self.transcript = transcript
        self.speaker = speaker
        self.kind = kind
        self.licence = licence
        self.speech = speech
        self.innerPauses = innerPauses
        self.variant = variant
        self.isAnnotatedByUs = isAnnotatedByUs
    }
}
