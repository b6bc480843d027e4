import Testing
import UproarCore

@testable import UproarWire

/// Messages are read by their likeness to those before; whatever comes, the answer is the one that a look at the whole message
/// gives.
@Suite struct JSONShapesTests {
    private static var shapes: JSONShapes {
        JSONShapes(where: "event", is: "media", at: "media", "payload")
    }

    private func message(_ sequence: Int, payload: String) -> String {
        #"{"event":"media","sequenceNumber":"\#(sequence)","media":{"track":"inbound","chunk":"\#(sequence - 1)","timestamp":"\#(sequence * 20)","payload":"\#(payload)"},"streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}"#
    }

    private func expected(_ message: [UInt8]) -> Range<Int>? {
        let span = message.span.bytes
        guard JSONScanner.holds(span, at: "event", "media"),
            let payload = JSONScanner.string(span, at: "media", "payload"), !payload.hasEscapes
        else { return nil }
        return payload.range
    }

    private func check(_ text: String, _ shapes: inout JSONShapes) {
        let bytes = Array(text.utf8)
        let found = shapes.string(in: bytes.span.bytes)
        #expect(found == expected(bytes), "\(text)")
    }

    @Test func messagesOfOneKindAreReadAlikeWithAndWithoutAMemory() {
        var shapes = Self.shapes
        var random = Seed(11).stream("media")
        for sequence in 2..<1_200 {
            let isSilent = random.below(3) > 0
            let audio = (0..<160).map { _ in isSilent ? 0xff : UInt8(random.below(256)) }
            check(message(sequence, payload: Base64.encode(audio)), &shapes)
            // The other direction, where the name of the stream stands in front.
            let name = random.next()
            check(
                #"{"event":"media","streamSid":"\#(name)","media":{"payload":"\#(sequence)"}}"#,
                &shapes)
        }
    }

    /// Each of these has the length of a message that has just been remembered.
    @Test func whatIsOnlyNearlyTheSameIsNotTakenForIt() {
        let good = message(104, payload: Base64.encode([UInt8](repeating: 0xff, count: 60)))
        let letters = Array(good.utf8)
        for place in letters.indices {
            for byte in "x7\"\\{},: /=".utf8 {
                var shapes = Self.shapes
                check(good, &shapes)
                var changed = letters
                changed[place] = byte
                check(String(decoding: changed, as: UTF8.self), &shapes)
                // And what was remembered of it does no harm to the next.
                check(good, &shapes)
            }
        }
    }

    @Test(arguments: [
        #"{"media":{"payload":"abcd"},"event":"media"}"#,
        #"{"media":{"payload":"abcd"},"event":"mediA"}"#,
        #"{"event":"media","a\"b":"c","media":{"payload":"abcd"}}"#,
        #"{"event":"media","a":"\\","media":{"payload":"abcd"}}"#,
        #"{"event":"media","a":["x","y"],"n":-1.5e3,"media":{"payload":"abcd"}}"#,
        #"{"event":"media","media":{"payload":"ab\/d"}}"#, #"{"event":"media","media":{}}"#,
        #"{"event":"start","media":{"payload":"abcd"}}"#, "", "{", "[]", #"{"event":"media""#,
    ])
    func anyTextIsReadTwiceAlike(text: String) {
        var shapes = Self.shapes
        for _ in 0..<3 { check(text, &shapes) }
        for (old, new) in [("c", "d"), ("x", "]"), ("a", "\""), ("5", "}")] {
            check(text.replacing(old, with: new), &shapes)
        }
    }
}
