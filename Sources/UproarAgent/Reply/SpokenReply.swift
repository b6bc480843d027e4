import UproarCore
import UproarRuntime

/// How much of a reply has been sent and heard: what the history may keep when the caller cuts it.
///
/// The far end plays what it gets in real time, and echoes a mark when it gets there. Between two marks our own clock
/// fills in: what was sent, less what cannot have been played yet.
///
///     sent     ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
///     marks         ▲ echoed    ▲ waiting
///     heard    ├────┴───┤ now, never past a mark that waits
struct SpokenReply {
    let number: Int
    /// The text handed to the voice so far.
    private(set) var text = ""
    private(set) var words: [SpokenWord] = []
    /// Audio sent, in nanoseconds.
    private(set) var sent: Int64 = 0
    /// When the far end will have played all that was sent.
    private(set) var playedAt = Instant(nanoseconds: .min)
    private(set) var isComplete = false

    /// Positions of the marks sent, and how many of them were echoed.
    private var marks: [Int64] = []
    private var echoed = 0

    init(number: Int) { self.number = number }

    mutating func spoke(_ piece: String) { text += piece }
    mutating func timed(_ words: [SpokenWord]) { self.words += words }

    /// Audio from here on was dropped before anybody heard it: what is said of it is void.
    mutating func forgetWords(from nanoseconds: Int64) {
        words.removeAll { $0.start.nanoseconds >= nanoseconds }
    }

    /// These last words of the text were dropped before they were heard.
    mutating func forget(text last: String) {
        if text.hasSuffix(last) { text.removeLast(last.count) }
    }

    /// Audio of this length was sent at `now`, behind whatever the far end still plays until `busyUntil`.
    mutating func sentAudio(nanoseconds: Int64, at now: Instant, busyUntil: Instant) {
        let start = max(now, max(playedAt, busyUntil))
        playedAt = Instant(nanoseconds: start.nanoseconds + nanoseconds)
        sent += nanoseconds
    }

    /// The name for a mark behind what was sent so far.
    mutating func addMark() -> String {
        marks.append(sent)
        return "\(number).\(marks.count)"
    }

    /// Sent since the last mark, in nanoseconds.
    var unmarked: Int64 { sent - (marks.last ?? 0) }

    /// All audio has been sent; the next mark echoed last means that all has been heard.
    mutating func complete() { isComplete = true }

    /// A mark came back. False when it is none of this reply's.
    mutating func heardMark(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        guard parts.count == 2, Int(parts[0]) == number, let index = Int(parts[1]),
            index > 0, index <= marks.count
        else { return false }
        echoed = max(echoed, index)
        return true
    }

    /// Whether the far end has said that it played everything.
    var isHeard: Bool { isComplete && echoed == marks.count && unmarked == 0 }

    /// How much had been heard at `now`, in nanoseconds of the reply's audio.
    func heard(at now: Instant) -> Int64 {
        let waiting = playedAt > now ? playedAt.nanoseconds - now.nanoseconds : 0
        let least = echoed > 0 ? marks[echoed - 1] : 0
        let most = echoed < marks.count ? marks[echoed] : sent
        return min(max(sent - waiting, least), most)
    }

    /// The words that had been heard at `now`: by the voice's own word times where it gave them, else in proportion.
    func heardText(at now: Instant) -> String {
        let heard = heard(at: now)
        guard heard > 0 else { return "" }
        if isComplete, heard >= sent { return text }
        if !words.isEmpty {
            let known = words.prefix { $0.end.nanoseconds <= heard }
            return known.map(\.text).joined(separator: " ")
        }
        let share = Double(heard) / Double(max(sent, 1))
        let count = Int(share * Double(text.count))
        guard count < text.count else { return text }
        // Only whole words were heard.
        let cut = text.prefix(count)
        guard let space = cut.lastIndex(where: \.isWhitespace) else { return "" }
        return String(cut[..<space])
    }
}
