import UproarCore
import UproarRuntime

/// What the telephony side tells an agent, as JSON text (Twilio, "Media Streams – WebSocket Messages"). All numbers but
/// those of the media format are strings. Media has a faster writer of its own: `TwilioMediaWriter`.
enum TwilioCallerMessages {
    static func connected(into output: inout [UInt8]) {
        output.append(
            contentsOf: #"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.utf8)
    }

    /// Message number 1 of every stream.
    static func start(
        _ identity: TwilioIdentity, parameters: [HTTPField], into output: inout [UInt8]
    ) {
        let custom = parameters.map { JSONValue.Member($0.name, .string($0.value)) }
        let message: JSONValue = [
            "event": "start", "sequenceNumber": "1",
            "start": [
                "accountSid": .string(identity.account), "streamSid": .string(identity.stream),
                "callSid": .string(identity.call), "tracks": ["inbound"],
                "mediaFormat": [
                    "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1,
                ],
                "customParameters": .object(custom),
            ],
            "streamSid": .string(identity.stream),
        ]
        message.write(into: &output)
    }

    static func digit(
        _ digit: Character, sequence: UInt64, stream: String, into output: inout [UInt8]
    ) {
        let message: JSONValue = [
            "event": "dtmf", "streamSid": .string(stream), "sequenceNumber": number(sequence),
            "dtmf": ["track": "inbound_track", "digit": .string(String(digit))],
        ]
        message.write(into: &output)
    }

    static func mark(_ name: String, sequence: UInt64, stream: String, into output: inout [UInt8]) {
        let message: JSONValue = [
            "event": "mark", "sequenceNumber": number(sequence), "streamSid": .string(stream),
            "mark": ["name": .string(name)],
        ]
        message.write(into: &output)
    }

    static func stop(_ identity: TwilioIdentity, sequence: UInt64, into output: inout [UInt8]) {
        let message: JSONValue = [
            "event": "stop", "sequenceNumber": number(sequence),
            "streamSid": .string(identity.stream),
            "stop": ["accountSid": .string(identity.account), "callSid": .string(identity.call)],
        ]
        message.write(into: &output)
    }

    private static func number(_ value: UInt64) -> JSONValue { .string(String(value)) }
}
