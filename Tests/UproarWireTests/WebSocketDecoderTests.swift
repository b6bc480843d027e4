import Testing
import UproarCore

@testable import UproarWire

@Suite struct WebSocketDecoderTests {
    struct Seen: Equatable {
        var event: WebSocketEvent
        var payload: [UInt8]
        init(_ event: WebSocketEvent, _ payload: [UInt8]) {
            self.event = event
            self.payload = payload
        }
        init(_ event: WebSocketEvent, _ text: String = "") { self.init(event, Array(text.utf8)) }
    }

    func decode(
        _ bytes: [UInt8], as role: WebSocketRole, limit: Int = 1 << 20,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> [Seen] {
        let seen = expectSameInPieces(bytes, sourceLocation: sourceLocation) { pieces in
            var decoder = WebSocketDecoder(role: role, messageLimit: limit)
            var seen: [Seen] = []
            for piece in pieces {
                decoder.receive(piece.span.bytes)
                while let event = decoder.next() { seen.append(Seen(event, decoder.payloadBytes)) }
            }
            return seen
        }
        let inPlace = expectSameInPieces(bytes, sourceLocation: sourceLocation) { pieces in
            var decoder = WebSocketDecoder(role: role, messageLimit: limit)
            return pieces.flatMap { decodeInPlace($0, with: &decoder) }
        }
        #expect(inPlace == seen, "whole messages in place", sourceLocation: sourceLocation)
        return seen
    }

    /// As a media stream reads: whole messages where they are, the rest through the decoder.
    private func decodeInPlace(_ bytes: [UInt8], with decoder: inout WebSocketDecoder) -> [Seen] {
        var seen: [Seen] = []
        var start = 0
        while let range = decoder.wholeText(bytes.span.bytes.extracting(start..<bytes.count)) {
            seen.append(
                Seen(.text, Array(bytes[(start + range.lowerBound)..<(start + range.upperBound)])))
            start += range.upperBound
        }
        var buffer = [UInt8](repeating: 0, count: 300)
        while let message = decoder.wholeMessage(
            bytes.span.bytes.extracting(start..<bytes.count), into: &buffer)
        {
            seen.append(Seen(message.isText ? .text : .binary, Array(buffer[..<message.count])))
            start += message.taken
        }
        decoder.receive(bytes.span.bytes.extracting(start..<bytes.count))
        while let event = decoder.next() { seen.append(Seen(event, decoder.payloadBytes)) }
        return seen
    }

    @Test(arguments: [0, 1, 125, 126, 160, 0xffff, 0x10000])
    func textOfAnyLengthIsFoundInPlaceUpToSixteenBitsOfLength(length: Int) {
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: length)
        let message = frame(.text, text)
        let decoder = WebSocketDecoder(role: .client)
        let found = decoder.wholeText(message.span.bytes)
        #expect(found.map { Array(message[$0]) } == (length > 0xffff ? nil : text))
        #expect(decoder.wholeText(message.span.bytes.extracting(0..<message.count - 1)) == nil)
    }

    @Test(arguments: [0, 1, 7, 8, 31, 32, 33, 125, 126, 160, 400, 401])
    func maskedMessagesAreUnmaskedInOneCopyIntoABufferThatHoldsThem(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
        let message = frame(.binary, bytes, mask: 0x1234_5678) + [0x81]
        let decoder = WebSocketDecoder(role: .server)
        var buffer = [UInt8](repeating: 0, count: 400)
        let found = decoder.wholeMessage(message.span.bytes, into: &buffer)
        #expect(found.map { Array(buffer[..<$0.count]) } == (length > 400 ? nil : bytes))
        #expect(found.map { $0.taken } == (length > 400 ? nil : message.count - 1))
        let short = decoder.wholeMessage(
            message.span.bytes.extracting(0..<message.count - 2), into: &buffer)
        #expect(short.map { $0.count } == nil)
    }

    @Test func aMaskedTextThatIsNoUTF8IsLeftToTheDecoder() {
        let decoder = WebSocketDecoder(role: .server)
        var buffer = [UInt8](repeating: 0, count: 400)
        for (text, isGood) in [(Array("Füße".utf8), true), ([0x66, 0xc3], false)] {
            let message = frame(.text, text, mask: 0xa0b0_c0d0)
            let found = decoder.wholeMessage(message.span.bytes, into: &buffer)
            #expect(found.map { $0.isText } == (isGood ? true : nil))
        }
    }

    func frame(
        _ opcode: WebSocketOpcode, _ payload: [UInt8], mask: UInt32? = nil, isFinal: Bool = true
    ) -> [UInt8] {
        var output: [UInt8] = []
        WebSocketFrame.encode(
            opcode, payload.span.bytes, mask: mask, isFinal: isFinal, into: &output)
        return output
    }

    func frame(_ opcode: WebSocketOpcode, _ text: String, isFinal: Bool = true) -> [UInt8] {
        frame(opcode, Array(text.utf8), isFinal: isFinal)
    }

    /// RFC 6455 §5.7, all of its examples.
    @Test func readsTheExamplesOfTheRFC() {
        #expect(
            decode([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], as: .client) == [
                Seen(.text, "Hello")
            ])
        #expect(
            decode(
                [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], as: .server)
                == [Seen(.text, "Hello")])
        #expect(
            decode([0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f], as: .client) == [
                Seen(.text, "Hello")
            ])
        #expect(
            decode([0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], as: .client) == [
                Seen(.ping, "Hello")
            ])
        #expect(
            decode(
                [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], as: .server)
                == [Seen(.pong, "Hello")])
        let binary = [UInt8](repeating: 7, count: 256)
        #expect(decode([0x82, 0x7e, 0x01, 0x00] + binary, as: .client) == [Seen(.binary, binary)])
        let long = [UInt8](repeating: 9, count: 65536)
        #expect(
            decode([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0] + long, as: .client) == [
                Seen(.binary, long)
            ])
    }

    @Test(arguments: [0, 1, 7, 8, 9, 125, 126, 127, 345, 65535, 65536, 70000], [true, false])
    func readsWhatWeWrite(count: Int, masked: Bool) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let bytes = frame(.binary, payload, mask: masked ? 0xdead_beef : nil)
        let header = (count <= 125 ? 2 : count <= 0xffff ? 4 : 10) + (masked ? 4 : 0)
        #expect(bytes.count == header + count)
        #expect(decode(bytes, as: masked ? .server : .client) == [Seen(.binary, payload)])
    }

    @Test func joinsFragmentsAroundControlFrames() {
        let bytes =
            frame(.text, "one ", isFinal: false) + frame(.ping, "a")
            + frame(.continuation, "", isFinal: false)
            + frame(.continuation, "two ", isFinal: false) + frame(.pong, "")
            + frame(.continuation, "three") + frame(.binary, [0xff])
        #expect(
            decode(bytes, as: .client) == [
                Seen(.ping, "a"), Seen(.pong), Seen(.text, "one two three"), Seen(.binary, [0xff]),
            ])
    }

    @Test func startsAMessageWithAnEmptyFragment() {
        let bytes =
            frame(.binary, "", isFinal: false) + frame(.continuation, "x", isFinal: false)
            + frame(.continuation, "") + frame(.text, "")
        #expect(decode(bytes, as: .client) == [Seen(.binary, "x"), Seen(.text)])
    }

    @Test func acceptsCharactersCutBetweenFragments() {
        let text = Array("größe 語 🎧".utf8)
        var bytes: [UInt8] = []
        for (index, byte) in text.enumerated() {
            bytes += frame(
                index == 0 ? .text : .continuation, [byte], isFinal: index == text.count - 1)
        }
        #expect(decode(bytes, as: .client) == [Seen(.text, text)])
    }

    @Test func refusesBadTextAtTheFragmentThatHoldsIt() {
        #expect(
            decode(frame(.text, [0x68, 0xff], isFinal: false), as: .client) == [
                Seen(.failed(.notUTF8))
            ])
        #expect(decode(frame(.text, [0xe8, 0xaa]), as: .client) == [Seen(.failed(.notUTF8))])
        // An unfinished character does not leak into the next message.
        let bytes = frame(.text, [0xe8], isFinal: false) + frame(.continuation, [0xaa, 0x9e])
        #expect(decode(bytes + frame(.text, "a"), as: .client).last == Seen(.text, "a"))
    }

    @Test(arguments: [
        ([0xc1, 0x00], WebSocketError.reservedBit),
        ([0xa1, 0x00], .reservedBit),
        ([0x91, 0x00], .reservedBit),
        ([0x83, 0x00], .unknownOpcode(3)),
        ([0x8b, 0x00], .unknownOpcode(11)),
        ([0x81, 0x80], .maskPresent),
        ([0x89, 0x7e], .controlTooLong),
        ([0x09, 0x00], .controlFragmented),
        ([0x80, 0x00], .nothingToContinue),
        ([0x01, 0x00, 0x81, 0x00], .messageUnfinished),
        ([0x82, 0x7e, 0x00, 0x7d], .lengthMalformed),
        ([0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff], .lengthMalformed),
        ([0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], .lengthMalformed),
        ([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 1], .messageTooLong(limit: 65536)),
        ([0x88, 0x01, 0x03], .closeTruncated),
        ([0x88, 0x02, 0x03, 0xed], .closeCodeForbidden(1005)),
        ([0x88, 0x02, 0x03, 0xe7], .closeCodeForbidden(999)),
        ([0x88, 0x02, 0x0b, 0xb7], .closeCodeForbidden(2999)),
        ([0x88, 0x03, 0x03, 0xe8, 0xff], .notUTF8),
    ])
    func refusesWhatTheRFCForbids(bytes: [UInt8], error: WebSocketError) {
        // What follows a failure is not read.
        #expect(
            decode(bytes + frame(.text, "late"), as: .client, limit: 65536) == [
                Seen(.failed(error))
            ])
    }

    @Test func aServerDemandsMasks() {
        #expect(decode([0x81, 0x00], as: .server) == [Seen(.failed(.maskMissing))])
    }

    @Test func countsAllFragmentsAgainstTheLimit() {
        let half = [UInt8](repeating: 1, count: 50)
        let good = frame(.binary, half, isFinal: false) + frame(.continuation, half)
        #expect(decode(good, as: .client, limit: 100) == [Seen(.binary, half + half)])
        let bad =
            frame(.binary, half, isFinal: false) + frame(.continuation, half, isFinal: false)
            + frame(.continuation, [1])
        #expect(
            decode(bad, as: .client, limit: 100) == [Seen(.failed(.messageTooLong(limit: 100)))])
    }

    @Test func endsWithAClose() {
        let bytes = frame(.close, [0x0f, 0xa3] + Array("bye".utf8)) + frame(.text, "late")
        #expect(decode(bytes, as: .client) == [Seen(.close(.init(4003)), "bye")])
        #expect(decode(frame(.close, ""), as: .client) == [Seen(.close(.absent))])
    }

    @Test func waitsForHugeClaimsWithoutTrustingThem() {
        var decoder = WebSocketDecoder(role: .client, messageLimit: .max)
        let header: [UInt8] = [0x82, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
        decoder.receive(header.span.bytes)
        #expect(decoder.next() == nil)
        let payload: [UInt8] = [1, 2, 3]
        decoder.receive(payload.span.bytes)
        #expect(decoder.next() == nil)
    }

    /// Random frames in random pieces: messages come out as they went in.
    @Test func survivesAnyStreamOfMessages() {
        var random = Seed(11).stream("websocket")
        var bytes: [UInt8] = []
        var expected: [Seen] = []
        for _ in 0..<300 {
            var message: [UInt8] = []
            let count = 1 + random.below(4)
            for index in 0..<count {
                let part = (0..<random.below(400)).map { _ in UInt8(random.below(256)) }
                message += part
                bytes += frame(
                    index == 0 ? .binary : .continuation, part,
                    mask: UInt32(truncatingIfNeeded: random.next()), isFinal: index == count - 1)
                if index == count - 1 { expected.append(Seen(.binary, message)) }
                if random.chance(1, 4) {
                    bytes += frame(.ping, Array(part.prefix(9)), mask: 5)
                    expected.append(Seen(.ping, Array(part.prefix(9))))
                }
            }
        }
        var decoder = WebSocketDecoder(role: .server)
        var seen: [Seen] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + random.below(3000))
            decoder.receive(bytes.span.bytes.extracting(start..<end))
            while let event = decoder.next() { seen.append(Seen(event, decoder.payloadBytes)) }
            start = end
        }
        #expect(seen.count == expected.count)
        #expect(zip(seen, expected).allSatisfy { $0 == $1 })
    }
}
