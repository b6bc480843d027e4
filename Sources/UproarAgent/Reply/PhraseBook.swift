/// The audio of phrases that every call needs (greeting, filler, apology), kept from the first time one was spoken.
final class PhraseBook {
    private static let phraseLimit = 16
    /// 20 s of telephone audio.
    private static let byteLimit = 160_000

    private var audio: [String: [UInt8]] = [:]

    func audio(of phrase: String) -> [UInt8]? { audio[phrase] }

    func keep(_ bytes: [UInt8], of phrase: String) {
        guard audio.count < Self.phraseLimit, !bytes.isEmpty, bytes.count <= Self.byteLimit else {
            return
        }
        audio[phrase] = bytes
    }
}
