import Testing
import UproarCore

@testable import UproarWire

@Suite struct ServerSentEventTests {
    func decode(
        _ text: String, limit: Int = 1 << 20, sourceLocation: SourceLocation = #_sourceLocation
    ) -> [ServerSentEvent] {
        expectSameInPieces(Array(text.utf8), sourceLocation: sourceLocation) { pieces in
            var decoder = ServerSentEventDecoder(limit: limit)
            var events: [ServerSentEvent] = []
            for piece in pieces {
                decoder.receive(piece.span.bytes)
                while let event = decoder.next() { events.append(event) }
            }
            return events
        }
    }

    @Test func readsWhatLanguageModelsSend() {
        #expect(
            decode("data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n") == [
                .init(data: "{\"a\":1}"), .init(data: "{\"b\":2}"), .init(data: "[DONE]"),
            ])
        #expect(
            decode("event: message_start\ndata: {}\n\nevent: ping\ndata: {}\n\n") == [
                .init(event: "message_start", data: "{}"), .init(event: "ping", data: "{}"),
            ])
    }

    /// The examples of the HTML standard, §9.2.6.
    @Test func readsTheExamplesOfTheStandard() {
        #expect(
            decode("data: YHOO\ndata: +2\ndata: 10\n\n") == [.init(data: "YHOO\n+2\n10")])
        #expect(
            decode(
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
            )
                == [
                    .init(data: "first event", id: "1"), .init(data: "second event", id: ""),
                    .init(data: " third event", id: ""),
                ])
        #expect(decode("data\n\ndata\ndata\n\ndata:") == [.init(data: ""), .init(data: "\n")])
        #expect(
            decode("data:test\n\ndata: test\n\n") == [.init(data: "test"), .init(data: "test")])
    }

    @Test func readsEveryLineEndAndAByteOrderMark() {
        let expected = [ServerSentEvent(data: "a\nb"), ServerSentEvent(data: "c")]
        for end in ["\n", "\r\n", "\r"] {
            let text = ["data: a", "data: b", "", "data: c", "", ""].joined(separator: end)
            #expect(decode(text) == expected)
            #expect(decode("\u{feff}" + text) == expected)
        }
        #expect(decode("data: a\r\ndata: b\n\rdata: c\n\n") == expected)
        // Only at the start, and only whole.
        #expect(decode("\n\u{feff}data: a\n\n") == [])
    }

    @Test func dropsWhatDispatchesNothing() {
        #expect(decode("event: x\n\ndata: a\n\n") == [.init(data: "a")])
        #expect(decode("foo: x\n:\ndataa: b\nData: c\n\n") == [])
        #expect(decode("id: a\u{0}b\ndata: x\n\n") == [.init(data: "x")])
        #expect(decode("data: cut off\n") == [])
    }

    @Test func stopsAtItsLimit() {
        var decoder = ServerSentEventDecoder(limit: 10)
        decoder.receive(Array("data: 1\n\ndata: 56789012345678\n\n".utf8).span.bytes)
        let first = decoder.next()
        let second = decoder.next()
        let hasOverflowed = decoder.hasOverflowed
        #expect(first == .init(data: "1") && second == nil && hasOverflowed)
        #expect(
            decode("data: 1\n\ndata: 4\ndata: 5\ndata: 6\ndata:67\ndata:xx\n\n", limit: 8).count
                == 1)
    }

    @Test func readsWhatItWrites() {
        let events = [
            ServerSentEvent(data: "one\ntwo\n"), ServerSentEvent(data: ""),
            ServerSentEvent(event: "delta", data: "{\"x\": \"ü\"}", id: "7"),
        ]
        var output: [UInt8] = []
        for event in events { event.write(into: &output) }
        var read = decode(String(decoding: output, as: UTF8.self))
        #expect(read.count == 3)
        read[0].id = nil
        #expect(read == events)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "data: one\ndata: two\ndata: \n\ndata: \n\nevent: delta\nid: 7\ndata: {\"x\": \"ü\"}\n\n"
        )
        output.removeAll()
        ServerSentEvent(event: "a\nb", data: "x\r\ny").write(into: &output)
        #expect(String(decoding: output, as: UTF8.self) == "event: a b\ndata: x \ndata: y\n\n")
    }
}
