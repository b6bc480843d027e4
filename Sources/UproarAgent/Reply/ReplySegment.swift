import UproarCore
import UproarRuntime

/// One stretch of a reply's speech: what precedes a tool call, a filler, what follows. Made by one voice after another where one fails.
struct ReplySegment {
    /// Nil when the audio came from the book of phrases, or no voice is left.
    var utterance: Int?
    var text = ""
    /// Made and held back.
    var audio: [UInt8] = []
    var isFinished = false
    /// Kept in the book when it is whole.
    var isPhrase = false
    var kept: [UInt8] = []
    /// Where the segment begins in the reply's audio, in nanoseconds, once that is known.
    var start: Int64?
    /// Where the audio of the voice that speaks now begins in it.
    var voiceStart: Int64 = 0
    /// Audio made of the segment, in nanoseconds.
    var made: Int64 = 0
    var hasBeenPlayed = false
    /// Words whose times are known, and where each ends in the segment.
    var wordEnds: [Int64] = []
    /// Words of `text` that were said by voices before the one that speaks now.
    var wordsBefore = 0
    /// Members of the chain that have failed it.
    var tried: [Int] = []

    /// What has not been said, by the voice's own word times, else by how much was made: nil when nothing is left.
    func rest(charactersPerSecond: Double = 15) -> (text: String, skipped: Int)? {
        let words = text.split(whereSeparator: \.isBlank)
        var said = wordsBefore
        if wordEnds.isEmpty {
            var seconds = Double(made - voiceStart) / 1e9
            while said < words.count {
                seconds -= Double(words[said].count + 1) / charactersPerSecond
                guard seconds >= 0 else { break }
                said += 1
            }
        } else {
            said += wordEnds.count { $0 <= made }
        }
        guard said < words.count else { return nil }
        return (words[said...].joined(separator: " "), said)
    }
}
