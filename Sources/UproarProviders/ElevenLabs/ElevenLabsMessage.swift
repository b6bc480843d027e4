import UproarCore
import UproarRuntime

/// What a client says on `multi-stream-input` and `stream-input` (elevenlabs.io/docs, "WebSockets").
package struct ElevenLabsMessage: Hashable, Sendable {
    /// nil: the socket's only one, or a word for the socket as a whole.
    package var contextID: String?
    package var text: String?
    package var flushes: Bool
    /// `close_context`.
    package var closesContext: Bool
    /// `close_socket`.
    package var closesSocket: Bool
    /// `try_trigger_generation`: what waits may be spoken although it is short.
    package var triggers: Bool
    /// Legal in the first message of a context only.
    package var hasVoiceSettings: Bool
    /// `generation_config.chunk_length_schedule`, in characters.
    package var schedule: [Int]?
    /// The key, where no header could be sent.
    package var key: String?

    package init(
        contextID: String? = nil, text: String? = nil, flushes: Bool = false,
        closesContext: Bool = false, closesSocket: Bool = false
    ) {
        self.contextID = contextID
        self.text = text
        self.flushes = flushes
        self.closesContext = closesContext
        self.closesSocket = closesSocket
        triggers = false
        hasVoiceSettings = false
    }

    package init(parsing bytes: [UInt8]) throws(ElevenLabsProblem) {
        let json: JSONValue
        do { json = try JSONParser.parse(bytes) } catch {
            throw .invalid("The message is not JSON: \(error)")
        }
        guard json.members != nil else { throw .invalid("The message is no JSON object.") }
        contextID = json["context_id"]?.text ?? json["contextId"]?.text
        text = json["text"]?.text
        flushes = json["flush"]?.isTrue ?? false
        closesContext = json["close_context"]?.isTrue ?? false
        closesSocket = json["close_socket"]?.isTrue ?? false
        triggers = json["try_trigger_generation"]?.isTrue ?? false
        hasVoiceSettings = json["voice_settings"]?.members.map { !$0.isEmpty } ?? false
        key =
            json["xi_api_key"]?.text
            ?? json["authorization"]?.text.map {
                $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : $0
            }
        let limit = text?.utf8.count ?? 0
        guard limit <= Self.textLimit else { throw .tooLong }
        guard (contextID?.utf8.count ?? 0) <= 256 else {
            throw .invalid("context_id is longer than 256 bytes.")
        }
        if let steps = json["generation_config"]?["chunk_length_schedule"]?.items {
            let lengths = steps.compactMap(\.int)
            guard lengths.count == steps.count, !lengths.isEmpty,
                lengths.allSatisfy({ (5...500).contains($0) })
            else {
                throw .invalid("chunk_length_schedule must hold numbers from 5 to 500.")
            }
            schedule = lengths
        }
    }

    package static let textLimit = 40_000

    /// As our client says it.
    package var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let text { members.append(.init("text", .string(text))) }
        if let contextID { members.append(.init("context_id", .string(contextID))) }
        if flushes { members.append(.init("flush", true)) }
        if closesContext { members.append(.init("close_context", true)) }
        if closesSocket { members.append(.init("close_socket", true)) }
        return .object(members)
    }
}

/// Writes what the server says. Ids and durations in both of the vendor's spellings: each client reads another.
package struct ElevenLabsWriter: Sendable {
    /// `,"contextId":"…","context_id":"…"`; empty on a socket with one context.
    private let tail: [UInt8]

    package init(contextID: String?) {
        var tail: [UInt8] = []
        if let contextID {
            for name in ["contextId", "context_id"] {
                tail.append(contentsOf: ",\"\(name)\":".utf8)
                JSONValue.write(contextID, into: &tail)
            }
        }
        self.tail = tail
    }

    package func audio(
        _ audio: RawSpan, alignment: ElevenLabsAlignment?, into output: inout [UInt8]
    ) {
        output.append(contentsOf: "{\"audio\":\"".utf8)
        Base64.encode(audio, into: &output)
        output.append(contentsOf: "\",\"isFinal\":null,\"alignment\":".utf8)
        let json = alignment?.socketJSON ?? .null
        json.write(into: &output)
        output.append(contentsOf: ",\"normalizedAlignment\":".utf8)
        json.write(into: &output)
        output.append(contentsOf: tail)
        output.append(UInt8(ascii: "}"))
    }

    package func final(into output: inout [UInt8]) {
        output.append(contentsOf: "{\"audio\":null,\"isFinal\":true,\"alignment\":null".utf8)
        output.append(contentsOf: ",\"normalizedAlignment\":null".utf8)
        output.append(contentsOf: tail)
        output.append(UInt8(ascii: "}"))
    }
}

/// When each character of a message's words is spoken, from the beginning of the message's audio.
package struct ElevenLabsAlignment: Hashable, Sendable {
    package var characters: [String]
    package var starts: [Duration]
    package var ends: [Duration]

    /// nil without words. A word's time goes to its letters evenly; the blank after it has no length.
    ///
    /// - start: where the message's audio begins, on the words' own clock.
    package init?(_ words: [SpokenWord], from start: Duration) {
        guard !words.isEmpty else { return nil }
        characters = []
        starts = []
        ends = []
        for word in words {
            let letters = word.text.map { String($0) }
            let length = (word.end - word.start).nanoseconds
            for (index, letter) in letters.enumerated() {
                let count = Int64(letters.count)
                append(
                    letter, word.start - start + .nanoseconds(length * Int64(index) / count),
                    word.start - start + .nanoseconds(length * Int64(index + 1) / count))
            }
            append(" ", word.end - start, word.end - start)
        }
    }

    private mutating func append(_ letter: String, _ start: Duration, _ end: Duration) {
        characters.append(letter)
        starts.append(max(.zero, start))
        ends.append(max(.zero, end))
    }

    package var socketJSON: JSONValue {
        func milliseconds(_ time: Duration) -> JSONValue {
            .integer(time.nanoseconds / 1_000_000)
        }
        let durations = JSONValue.array(zip(starts, ends).map { milliseconds($1 - $0) })
        return [
            "chars": .array(characters.map { .string($0) }),
            "charStartTimesMs": .array(starts.map(milliseconds)),
            "charDurationsMs": durations, "charsDurationsMs": durations,
        ]
    }

    /// As HTTP answers have it, in seconds.
    package var json: JSONValue {
        func seconds(_ time: Duration) -> JSONValue {
            .number(Double(time.nanoseconds / 1_000_000) / 1000)
        }
        return [
            "characters": .array(characters.map { .string($0) }),
            "character_start_times_seconds": .array(starts.map(seconds)),
            "character_end_times_seconds": .array(ends.map(seconds)),
        ]
    }
}
