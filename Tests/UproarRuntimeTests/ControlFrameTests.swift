import Testing
import UproarCore
import UproarRuntime

@Suite struct ControlFrameTests {
    static let facts: [Fact] = (0..<3).map { index in
        Fact(
            .finalSent, at: Instant(nanoseconds: Int64(index) * 7 - 1), call: UInt32(index),
            value: -5, detail: 9, origin: .provider(.deepgram))
    }

    static let frames: [ControlFrame] = [
        ControlFrame(.hello, ["role": "agent", "pid": 12]),
        ControlFrame(.ready, ["ports": ["media": 40_001]]),
        ControlFrame(.facts, body: facts.reduce(into: []) { $1.encode(into: &$0) }),
        ControlFrame(.facts, body: []),
        ControlFrame(.drain),
    ]

    static var wire: [UInt8] { frames.reduce(into: []) { $1.encode(into: &$0) } }

    @Test(arguments: [1, 2, 3, 5, 7, 64, 1 << 20])
    func framesComeOutTheSameInPiecesOfAnySize(piece: Int) throws {
        var decoder = ControlDecoder()
        var seen: [ControlFrame] = []
        var rest = Self.wire[...]
        while !rest.isEmpty {
            let bytes = Array(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            decoder.feed(bytes.span.bytes)
            while let frame = try decoder.next() { seen.append(frame) }
        }
        #expect(seen == Self.frames)
        #expect(decoder.isBetweenFrames)
    }

    @Test func everySplitInTwoGivesTheSameFrames() throws {
        let wire = Self.wire
        for cut in 0...wire.count {
            var decoder = ControlDecoder()
            var seen: [ControlFrame] = []
            for part in [Array(wire[..<cut]), Array(wire[cut...])] {
                decoder.feed(part.span.bytes)
                while let frame = try decoder.next() { seen.append(frame) }
            }
            #expect(seen == Self.frames, "cut at \(cut)")
        }
    }

    @Test func theLayoutIsLengthKindBody() {
        var bytes: [UInt8] = []
        ControlFrame(.clear, body: [0x7b, 0x7d]).encode(into: &bytes)
        #expect(bytes == [2, 0, 0, 0, 4, 0, 0x7b, 0x7d])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 99, 0], ControlError.unknownKind(99)),
            ([1, 0, 64, 0, 1, 0], .tooLong(4 << 20 | 1)),
            ([255, 255, 255, 255, 7, 0], .tooLong(0xffff_ffff)),
            ([33, 0, 0, 0, 7, 0], .brokenFacts(byteCount: 33)),
        ] as [([UInt8], ControlError)])
    func badHeadersAreRefusedBeforeTheirBodyIsWaitedFor(header: [UInt8], error: ControlError) {
        var decoder = ControlDecoder()
        decoder.feed(header.span.bytes)
        #expect(throws: error) { try decoder.next() }
    }

    @Test func aPartOfAFrameIsNoFrame() throws {
        for count in 1..<12 {
            var decoder = ControlDecoder()
            let bytes = Array(Self.wire.prefix(count))
            decoder.feed(bytes.span.bytes)
            #expect(try decoder.next() == nil)
            #expect(!decoder.isBetweenFrames)
        }
    }
}

/// Takes what is written; a queue that the test sets stands for a slow peer.
private final class RecordedStream: ByteStream {
    weak var handler: (any ByteStreamHandler)?
    let remote = Endpoint.unix(path: "test")
    var queuedByteCount = 0
    var written: [UInt8] = []
    var wasReset = false
    func write(_ bytes: RawSpan) { bytes.withUnsafeBytes { written.append(contentsOf: $0) } }
    func pauseReading() {}
    func resumeReading() {}
    func closeWriting() {}
    func close() { handler?.closed(self, reason: .closed) }
    func reset() {
        wasReset = true
        handler?.closed(self, reason: .closed)
    }
}

private final class RecordedControl: ControlHandler {
    var values: [(ControlKind, JSONValue)] = []
    var facts: [Fact] = []
    var ends: [ControlError?] = []
    func controlReceived(_ kind: ControlKind, _ value: JSONValue, on _: ControlConnection) {
        values.append((kind, value))
    }
    func controlReceived(facts records: RawSpan, on _: ControlConnection) {
        forEachFact(in: records) { facts.append($0) }
    }
    func controlClosed(_: ControlConnection, error: ControlError?) { ends.append(error) }
}

@Suite struct ControlConnectionTests {
    @Test func whatOneSideSendsTheOtherHears() {
        let wire = RecordedStream()
        let deaf = RecordedControl()
        let sender = ControlConnection(stream: wire, handler: deaf)
        sender.send(.hello, ["role": "providers"])
        let sink = ControlFactSink(connection: sender)
        for fact in ControlFrameTests.facts { sink.state(fact) }
        sink.flush()

        let heard = RecordedControl()
        let peer = RecordedStream()
        let receiver = ControlConnection(stream: peer, handler: heard)
        for byte in wire.written {
            let one = [byte]
            receiver.received(one.span.bytes, at: .zero, on: peer)
        }
        #expect(heard.values.map(\.0) == [.hello])
        #expect(heard.values.first?.1 == ["role": "providers"])
        #expect(heard.facts == ControlFrameTests.facts)
        receiver.ended(peer)
        #expect(heard.ends == [nil])
    }

    @Test func factsThatThePeerDoesNotTakeAreCountedAndOtherFramesStillGo() {
        let wire = RecordedStream()
        let handler = RecordedControl()
        let connection = ControlConnection(stream: wire, handler: handler)
        let sink = ControlFactSink(connection: connection)
        wire.queuedByteCount = ControlConnection.factQueueLimit
        for fact in ControlFrameTests.facts { sink.state(fact) }
        sink.flush()
        #expect(wire.written.isEmpty)
        #expect(connection.factsDropped == 3)
        connection.send(.evidence)
        #expect(!wire.written.isEmpty)
        wire.queuedByteCount = 0
        sink.state(ControlFrameTests.facts[0])
        sink.flush()
        #expect(connection.factsDropped == 3)
    }

    @Test func aFullBatchGoesWithoutBeingFlushed() {
        let wire = RecordedStream()
        let handler = RecordedControl()
        let connection = ControlConnection(stream: wire, handler: handler)
        let sink = ControlFactSink(connection: connection)
        for _ in 0..<1023 { sink.state(ControlFrameTests.facts[0]) }
        #expect(wire.written.isEmpty)
        sink.state(ControlFrameTests.facts[0])
        #expect(wire.written.count == ControlFrame.headerByteCount + 1024 * 32)
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 77, 0], "control frame of unknown kind 77"),
            ([3, 0, 0, 0, 2, 0, 0x7b, 0x7b, 0x7b], "ready frame: not JSON"),
        ] as [([UInt8], String)])
    func aBrokenPeerIsResetAndNamedOnce(bytes: [UInt8], words: String) {
        let peer = RecordedStream()
        let handler = RecordedControl()
        let connection = ControlConnection(stream: peer, handler: handler)
        connection.received(bytes.span.bytes, at: .zero, on: peer)
        connection.received(bytes.span.bytes, at: .zero, on: peer)
        #expect(peer.wasReset)
        #expect(handler.ends.count == 1)
        #expect(handler.ends.first??.description.hasPrefix(words) == true)
    }

    @Test func anEndWithinAFrameIsACut() {
        let peer = RecordedStream()
        let handler = RecordedControl()
        let connection = ControlConnection(stream: peer, handler: handler)
        let bytes: [UInt8] = [9, 0, 0]
        connection.received(bytes.span.bytes, at: .zero, on: peer)
        connection.ended(peer)
        #expect(handler.ends == [.cut])
    }
}
