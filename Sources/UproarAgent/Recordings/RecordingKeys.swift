import UproarCore
import UproarCrypto

/// The keys that wrap each recording's own: the first one wraps, all unwrap, so that an old one may stay for as long as its recordings
/// do.
package struct RecordingKeys: Hashable, Sendable {
    package static let keyCount = 32

    private struct Key: Hashable {
        var id: String
        var bytes: [UInt8]
    }

    private let keys: [Key]

    /// Reads keys of 32 bytes, 64 hexadecimal digits or base64 each, with commas between them; nil when that is not what it is.
    package init?(_ text: String) {
        var keys: [Key] = []
        for word in text.split(separator: ",") {
            let word = String(word.filter { !$0.isWhitespace })
            guard
                let bytes = (word.utf8.count == 64 ? Hex.decode(word) : nil)
                    ?? Base64.decode(word), bytes.count == Self.keyCount
            else { return nil }
            keys.append(Key(id: Self.id(bytes), bytes: bytes))
        }
        guard !keys.isEmpty else { return nil }
        self.keys = keys
    }

    /// Says which key it was without saying the key.
    private static func id(_ key: [UInt8]) -> String {
        String(Hex.encode(Digest.sha256.hash(key)).prefix(8))
    }

    func wrap(_ dataKey: [UInt8]) -> (id: String, wrapped: [UInt8]) {
        (keys[0].id, KeyWrap.wrap(dataKey, with: keys[0].bytes))
    }

    func unwrap(_ wrapped: [UInt8], id: String) -> [UInt8]? {
        keys.first { $0.id == id }.flatMap { KeyWrap.unwrap(wrapped, with: $0.bytes) }
    }

    /// What stands for a person in the names of objects: whoever lacks the keys cannot tell who it is. One tag for each key,
    /// the one in use first.
    package func tags(of person: String) -> [String] {
        keys.map {
            String(
                Hex.encode(Digest.sha256.authenticate("person " + person, key: $0.bytes)).prefix(16)
            )
        }
    }
}
