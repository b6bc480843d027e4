import Testing
import UproarCore
import UproarLoad

/// What a call sounded like, handed over as it goes.
@Suite struct CallTapeTests {
    private final class Sink: TapeSink {
        var pieces: [TapePiece] = []
        var limit = Int.max
        var caller: [UInt8] { pieces.flatMap(\.caller) }
        var agent: [UInt8] { pieces.flatMap(\.agent) }

        func append(_ piece: TapePiece) -> Bool {
            guard pieces.count < limit else { return false }
            pieces.append(piece)
            return true
        }
    }

    private let frame = Duration.milliseconds(20)
    private let silence = AudioFormat.telephone.encoding.silence

    private func frameBytes(_ index: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(index % 200), count: 160)
    }

    /// A call of `count` frames on the beat of its first; the agent answers frame n with n + 1, heard 7 ms after it was due.
    private func play(_ count: Int, into sink: Sink, firstDue: Duration = .milliseconds(5)) {
        let tape = CallTape(call: 4, format: .telephone, start: .zero, sink: sink)
        for index in 0..<count {
            let due = Instant.zero + firstDue + frame * index
            tape.sent(frameBytes(index)[...], due: due)
            tape.heard(frameBytes(index + 1).span.bytes, playsAt: due + .milliseconds(7))
        }
        tape.finish()
    }

    @Test(arguments: [1, 50, 199, 200, 201, 1_000])
    func thePiecesTogetherAreTheCall(_ count: Int) {
        let sink = Sink()
        play(count, into: sink)
        #expect(sink.caller.count == sink.agent.count)
        // The beat begins up to a frame before the answer: the first frame is due 5 ms after it, so sample 0 is 15 ms before.
        let sent = (0..<count).flatMap(frameBytes)
        #expect(Array(sink.caller.dropFirst(160).prefix(sent.count)) == sent)
        #expect(sink.caller.prefix(160).allSatisfy { $0 == silence })
        let heard = (0..<count).flatMap { frameBytes($0 + 1) }
        #expect(Array(sink.agent.dropFirst(160 + 56).prefix(heard.count)) == heard)
        #expect(
            sink.pieces.map(\.isLast) == sink.pieces.indices.map { $0 == sink.pieces.count - 1 })
    }

    /// A frame whose time came just before the answer is the caller's first.
    @Test func theBeatMayBeginBeforeTheAnswer() {
        let sink = Sink()
        play(10, into: sink, firstDue: .milliseconds(-8))
        let sent = (0..<10).flatMap(frameBytes)
        #expect(Array(sink.caller.prefix(sent.count)) == sent)
        let heard = (0..<10).flatMap { frameBytes($0 + 1) }
        #expect(Array(sink.agent.dropFirst(56).prefix(heard.count)) == heard)
    }

    @Test func aLongCallIsNotHeldInMemory() {
        let sink = Sink()
        play(50 * 60, into: sink)
        #expect(sink.pieces.count >= 29)
        #expect(sink.pieces.dropLast().allSatisfy { $0.caller.count == 16_000 })
    }

    @Test func whatIsClearedBeforeItWasPlayedIsSilence() {
        let sink = Sink()
        let tape = CallTape(call: 1, format: .telephone, start: .zero, sink: sink)
        // The agent is five seconds ahead of what is played.
        tape.heard([UInt8](repeating: 7, count: 40_000).span.bytes, playsAt: .zero)
        for index in 0..<220 {
            tape.sent(frameBytes(0)[...], due: .zero + frame * index)
        }
        tape.cleared(at: .zero + .milliseconds(4_500))
        tape.finish()
        #expect(sink.pieces.count == 2)
        #expect(sink.agent.prefix(35_200).allSatisfy { $0 == 7 })
        #expect(sink.agent.count == 36_000 && sink.agent.allSatisfy { $0 == 7 })
    }

    @Test func whatComesAfterItsPartWasHandedOverIsLostAndMovesNothing() {
        let sink = Sink()
        let tape = CallTape(call: 1, format: .telephone, start: .zero, sink: sink)
        for index in 0..<300 { tape.sent(frameBytes(1)[...], due: .zero + frame * index) }
        // Half of it lies in the part that has gone.
        let given = sink.agent.count
        #expect(given == 32_000)
        tape.heard(
            [UInt8](repeating: 9, count: 320).span.bytes,
            playsAt: .zero + .nanoseconds(Int64(given - 160) * 125_000))
        tape.finish()
        #expect(sink.agent[..<given].allSatisfy { $0 == silence })
        #expect(sink.agent[given..<given + 160].allSatisfy { $0 == 9 })
        #expect(sink.agent[(given + 160)...].allSatisfy { $0 == silence })
    }

    @Test func aTapeThatIsNotWantedEndsAndHoldsNothing() {
        let sink = Sink()
        sink.limit = 1
        play(1_000, into: sink)
        #expect(sink.pieces.count == 1)
    }
}
