import UproarCore
import UproarCrypto
import UproarRuntime

/// How a recording lies on disk and in the store: encrypted as it is made, never in the clear.
///
/// ```
/// "UREC"  u32 n  n bytes of JSON: version, key_id, wrapped_key, encoding, rate, channels
/// then chunks:  u8 kind  u32 n  n bytes, AES-256-GCM with the recording's own key
///               0 description (JSON) · 1 audio, channels interleaved · 2 end (JSON)
/// ```
/// Numbers are big-endian. A chunk's nonce is its kind and its number, so that chunks cannot change places; the head is every
/// chunk's context. A recording whose end chunk is missing was cut off: what there is of it can be read.
package enum RecordingEnvelope {
    static let magic = Array("UREC".utf8)
    static let chunkLimit = 1 << 20
    static let headLimit = 4096

    enum Kind: UInt8 {
        case description, audio, end
    }

    static func nonce(_ kind: Kind, _ number: UInt64) -> [UInt8] {
        [kind.rawValue, 0, 0, 0] + bigEndian(number)
    }

    static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

/// What a recording is of.
package struct RecordingDescription: Hashable, Sendable {
    package var call: String
    package var session: String
    package var person: String
    package var channel: String
    /// `implied` or `opt_in`.
    package var consent: String
    /// Milliseconds of the Unix epoch.
    package var began: Int64

    package init(
        call: String, session: String, person: String, channel: String, consent: String,
        began: Int64
    ) {
        self.call = call
        self.session = session
        self.person = person
        self.channel = channel
        self.consent = consent
        self.began = began
    }

    var json: JSONValue {
        [
            "call_id": .string(call), "session_id": .string(session), "user_id": .string(person),
            "channel": .string(channel), "consent": .string(consent), "began_ms": .integer(began),
        ]
    }

    init?(_ json: JSONValue) {
        guard let call = json["call_id"]?.text, let session = json["session_id"]?.text,
            let person = json["user_id"]?.text, let channel = json["channel"]?.text,
            let consent = json["consent"]?.text, let began = json["began_ms"]?.int
        else { return nil }
        self.init(
            call: call, session: session, person: person, channel: channel, consent: consent,
            began: Int64(began))
    }
}

/// Encrypts one recording piece by piece.
struct RecordingSealer {
    private let key: [UInt8]
    private let head: [UInt8]
    private let description: RecordingDescription
    private var number: UInt64 = 0

    /// - dataKey: 32 bytes that nobody can guess, for this recording alone.
    init(
        _ description: RecordingDescription, format: AudioFormat, dataKey: [UInt8],
        keys: RecordingKeys
    ) {
        key = dataKey
        self.description = description
        let (id, wrapped) = keys.wrap(dataKey)
        let json: JSONValue = [
            "version": 1, "key_id": .string(id), "wrapped_key": .string(Base64.encode(wrapped)),
            "encoding": .string(format.encoding.rawValue), "rate": JSONValue(format.rate.value),
            "channels": 2,
        ]
        head = json.encoded()
    }

    /// The file's beginning. Call it once, first.
    mutating func open() -> [UInt8] {
        RecordingEnvelope.magic + RecordingEnvelope.bigEndian(UInt32(head.count)) + head
            + seal(.description, description.json.encoded())
    }

    mutating func audio(_ bytes: [UInt8]) -> [UInt8] { seal(.audio, bytes) }

    /// The file's end.
    mutating func close(_ reason: String, samples: Int) -> [UInt8] {
        let json: JSONValue = ["reason": .string(reason), "samples": JSONValue(samples)]
        return seal(.end, json.encoded())
    }

    private mutating func seal(_ kind: RecordingEnvelope.Kind, _ bytes: [UInt8]) -> [UInt8] {
        let sealed = AuthenticatedEncryption.seal(
            bytes.span.bytes, key: key, nonce: RecordingEnvelope.nonce(kind, number), context: head)
        number += 1
        return [kind.rawValue] + RecordingEnvelope.bigEndian(UInt32(sealed.count)) + sealed
    }
}

/// A recording, decrypted.
package struct RecordingContent: Hashable, Sendable {
    package var description: RecordingDescription
    package var format: AudioFormat
    package var channels: Int
    /// Interleaved: caller, agent, caller, …
    package var audio: [UInt8]
    /// Why it ended: `completed`, `stopped`, …; nil: it was cut off.
    package var end: String?

    package var length: Duration { format.duration(bytes: audio.count / max(1, channels)) }

    package enum Damage: Error, Hashable, Sendable, CustomStringConvertible {
        case notOne
        case unknownKey(String)
        /// Changed, reordered, or of another recording; the place of the chunk.
        case forged(Int)

        package var description: String {
            switch self {
            case .notOne: "it is no recording of ours"
            case .unknownKey(let id): "it needs key \(id), which is not among those given"
            case .forged(let chunk): "chunk \(chunk) is not what was recorded"
            }
        }
    }

    /// Reads a whole file. Bytes behind its last whole chunk are what was being written when it was cut off.
    package init(_ bytes: [UInt8], keys: RecordingKeys) throws(Damage) {
        var reader = Reader(bytes: bytes)
        guard reader.take(4) == RecordingEnvelope.magic[...], let count = reader.number(),
            count <= RecordingEnvelope.headLimit, let head = reader.take(count),
            let json = try? JSONParser.parse(Array(head)), json["version"]?.int == 1,
            let id = json["key_id"]?.text,
            let wrapped = json["wrapped_key"]?.text.flatMap({ Base64.decode($0) }),
            let encoding = json["encoding"]?.text.flatMap({ AudioEncoding(rawValue: $0) }),
            let rate = json["rate"]?.int, rate > 0, rate <= 192_000,
            let channels = json["channels"]?.int, (1...2).contains(channels)
        else { throw .notOne }
        guard let key = keys.unwrap(wrapped, id: id) else { throw .unknownKey(id) }
        format = AudioFormat(encoding, Hertz(rate))
        self.channels = channels
        audio = []
        var described: RecordingDescription?
        var number: UInt64 = 0
        while let chunk = reader.chunk() {
            guard let kind = RecordingEnvelope.Kind(rawValue: chunk.kind), end == nil,
                let plain = AuthenticatedEncryption.open(
                    Array(chunk.sealed).span.bytes, key: key,
                    nonce: RecordingEnvelope.nonce(kind, number), context: Array(head))
            else { throw .forged(Int(number)) }
            switch kind {
            case .description:
                described = (try? JSONParser.parse(plain)).flatMap { RecordingDescription($0) }
            case .audio: audio += plain
            case .end: end = (try? JSONParser.parse(plain))?["reason"]?.text ?? "completed"
            }
            number += 1
        }
        guard let described else { throw .notOne }
        description = described
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count >= 0, count <= bytes.count - place else { return nil }
            defer { place += count }
            return bytes[place..<place + count]
        }

        mutating func number() -> Int? {
            take(4).map { $0.reduce(0) { $0 << 8 | Int($1) } }
        }

        mutating func chunk() -> (kind: UInt8, sealed: ArraySlice<UInt8>)? {
            guard let kind = take(1)?.first, let count = number(),
                count <= RecordingEnvelope.chunkLimit + AuthenticatedEncryption.tagCount,
                let sealed = take(count)
            else { return nil }
            return (kind, sealed)
        }
    }
}
