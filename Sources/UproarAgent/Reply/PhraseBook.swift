import UproarCore

/// The audio of phrases that every call needs (greeting, filler, apology), kept from the first time one was spoken.
final class PhraseBook {
    private struct Entry: Hashable {
        var phrase: String
        var format: AudioFormat
    }

    private static let phraseLimit = 48
    private static let longest = Duration.seconds(20)

    private var audio: [Entry: [UInt8]] = [:]

    func audio(of phrase: String, in format: AudioFormat) -> [UInt8]? {
        audio[Entry(phrase: phrase, format: format)]
    }

    func keep(_ bytes: [UInt8], of phrase: String, in format: AudioFormat) {
        guard audio.count < Self.phraseLimit, !bytes.isEmpty,
            format.duration(bytes: bytes.count) <= Self.longest
        else { return }
        audio[Entry(phrase: phrase, format: format)] = bytes
    }
}
