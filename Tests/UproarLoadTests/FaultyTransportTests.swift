import Testing
import UproarAudio
import UproarCore
import UproarFaults
import UproarLoad
import UproarRuntime
import UproarSimulation

/// Media faults around a transport that writes down what it is given.
@Suite struct FaultyTransportTests {
    private final class Prepared: PreparedAudio {
        let bytes: [UInt8]
        let size: Int
        init(_ bytes: [UInt8], _ size: Int) {
            self.bytes = bytes
            self.size = size
        }
        var frameCount: Int { bytes.count / size }
        func samples(ofFrame frame: Int) -> ArraySlice<UInt8> {
            bytes[frame * size..<(frame + 1) * size]
        }
    }

    private final class Call: CallMedia {
        let loop: EventLoop
        var sent: [(bytes: [UInt8], at: Instant)] = []
        init(_ loop: EventLoop) { self.loop = loop }
        func send(_ audio: any PreparedAudio, frame: Int) {
            sent.append((Array(audio.samples(ofFrame: frame)), loop.now))
        }
        func send(digit: Character) {}
        func show(_ picture: any PreparedPicture) {}
        func hangUp() {}
        var sentByteCount: Int { sent.count }
        var receivedByteCount: Int { 0 }
    }

    private final class Transport: CallTransport {
        let format = AudioFormat.telephone
        let call: Call
        var handler: (any CallMediaHandler)?
        init(_ loop: EventLoop) { call = Call(loop) }
        func prepare(_ frames: [UInt8]) -> any PreparedAudio {
            Prepared(frames, format.bytesPerFrame)
        }
        func prepare(_ picture: Picture) -> (any PreparedPicture)? { nil }
        func dial(_ setup: CallSetup, handler: any CallMediaHandler) -> any CallMedia {
            self.handler = handler
            return call
        }
    }

    private final class Listener: CallMediaHandler {
        var heard: [(bytes: [UInt8], playsAt: Instant)] = []
        var end: CallMediaEnd?
        func answered(at: Instant) {}
        func heard(_ audio: RawSpan, playsAt: Instant, arrivedAt: Instant) {
            heard.append((audio.withUnsafeBytes { Array($0) }, playsAt))
        }
        func cleared(at: Instant) {}
        func shown(_ text: String, at: Instant) {}
        func remarked(_ text: String, at: Instant) {}
        func ended(_ end: CallMediaEnd, at: Instant) { self.end = end }
    }

    private final class Sink: FactSink {
        var facts: [Fact] = []
        func state(_ fact: Fact) { facts.append(fact) }
    }

    private final class Stage {
        let world = SimulatedWorld()
        let inner: Transport
        let transport: FaultyTransport
        let listener = Listener()
        let facts = Sink()
        let media: any CallMedia
        let speech: any PreparedAudio

        init() {
            inner = Transport(world.loop)
            transport = FaultyTransport(inner, loop: world.loop, facts: facts)
            media = transport.dial(CallSetup(call: 4), handler: listener)
            // A tone of 500 Hz, 100 frames.
            let samples = (0..<16_000).map { index in
                Int16(8_000 * (index / 8 % 2 == 0 ? 1 : -1))
            }
            speech = inner.prepare(
                PCM(rate: .telephone, samples: samples).encoded(as: .telephone))
        }

        func arm(
            _ fault: String, on: String, _ attributes: [(String, FaultDescriptor.Value)] = [],
            chance: Chance = .always
        ) {
            var plan = FaultPlan(
                id: fault, number: 3, fault: fault, attributes: FaultAttributes(attributes),
                scope: FaultScope(on: [on]),
                window: .init(from: world.now, until: world.now + .seconds(100)), seed: Seed(2))
            plan.scope.chance = chance
            let isKnown = transport.arm(plan)
            #expect(isKnown)
        }

        func speak(_ frames: Int = 100) {
            for frame in 0..<frames {
                media.send(speech, frame: frame)
                world.run(for: .milliseconds(20))
            }
        }

        func hear(_ audio: [UInt8]) {
            guard let handler = inner.handler else { return }
            handler.heard(audio.span.bytes, playsAt: world.now, arrivedAt: world.now)
        }

        var frames: [[UInt8]] { (0..<100).map { Array(speech.samples(ofFrame: $0)) } }
        let silence = [UInt8](repeating: 0xff, count: 160)
    }

    @Test func withoutAFaultItIsTheTransport() {
        let stage = Stage()
        stage.speak()
        #expect(stage.inner.call.sent.map(\.bytes) == stage.frames)
        #expect(stage.facts.facts.isEmpty)
    }

    @Test func lostFramesAreSilentAndKeepTheirTime() {
        let stage = Stage()
        stage.arm("loss", on: "uplink", chance: Chance(1, of: 4))
        stage.speak()
        let sent = stage.inner.call.sent
        #expect(sent.count == 100)
        let lost = sent.indices.filter { sent[$0].bytes == stage.silence }
        #expect((9...43).contains(lost.count), "99.9 % of binomial draws")
        #expect(sent.indices.allSatisfy { lost.contains($0) || sent[$0].bytes == stage.frames[$0] })
        let first = stage.facts.facts.first
        #expect(first?.call == 4 && first?.detail == 3)
        #expect(first?.at == Int64(lost[0]) * 20_000_000)
    }

    @Test func lostWithoutConcealmentIsGone() {
        let stage = Stage()
        stage.arm("loss", on: "uplink", [("conceal", .text("none"))], chance: Chance(1, of: 4))
        stage.speak()
        #expect(stage.inner.call.sent.count < 100)
        #expect(stage.inner.call.sent.allSatisfy { $0.bytes != stage.silence })
    }

    @Test func jitterKeepsTheOrderAndReorderDoesNot() {
        let stage = Stage()
        stage.arm(
            "jitter", on: "uplink",
            [("delay", .distribution(.uniform(.zero, .milliseconds(60))))])
        stage.speak()
        stage.world.run(for: .seconds(1))
        #expect(stage.inner.call.sent.map(\.bytes) == stage.frames)
        let late = stage.inner.call.sent.enumerated().map {
            $1.at.milliseconds - Int64($0) * 20
        }
        #expect(late.allSatisfy { (0...60).contains($0) } && late.contains { $0 > 30 })
        let other = Stage()
        other.arm("reorder", on: "uplink", chance: Chance(1, of: 5))
        other.speak()
        other.world.run(for: .seconds(1))
        #expect(other.inner.call.sent.count == 100)
        #expect(other.facts.facts.count > 0)
    }

    @Test func aWrongEncodingIsAsLongAsItReallyIs() {
        let stage = Stage()
        stage.arm("encoding_mismatch", on: "uplink")
        stage.speak(10)
        // 16-bit samples taken for mu-law: twice the frames.
        #expect(stage.inner.call.sent.count == 20)
        let bytes = stage.inner.call.sent.flatMap(\.bytes)
        let frame = stage.frames[0]
        let real = PCM(frame.span, as: .telephone).encoded(
            as: AudioFormat(.linear16, .telephone))
        #expect(Array(bytes.prefix(320)) == real)
    }

    @Test func oneWayAudioLeavesTheOtherWay() {
        let stage = Stage()
        stage.arm("one_way_audio", on: "downlink")
        stage.speak(3)
        #expect(stage.inner.call.sent.map(\.bytes) == Array(stage.frames.prefix(3)))
        stage.hear(stage.frames[0])
        #expect(stage.listener.heard.map(\.bytes) == [stage.silence])
    }

    @Test func whatIsHeardLatePlaysLateAndInOrder() {
        let stage = Stage()
        stage.arm(
            "jitter", on: "downlink", [("delay", .distribution(.constant(.milliseconds(70))))])
        let audio = stage.frames[0] + stage.frames[1]
        stage.hear(audio)
        #expect(stage.listener.heard.isEmpty)
        stage.world.run(for: .milliseconds(200))
        #expect(stage.listener.heard.map { $0.playsAt.milliseconds } == [70, 90])
        #expect(stage.listener.heard.flatMap(\.bytes) == audio)
    }

    @Test func aCorruptFrameDiffersInOneByte() {
        let stage = Stage()
        stage.arm("corrupt", on: "uplink")
        stage.speak(20)
        for (sent, frame) in zip(stage.inner.call.sent, stage.frames) {
            #expect(zip(sent.bytes, frame).count { $0 != $1 } == 1)
        }
    }

    @Test func gainAndClippingChangeTheLevel() {
        func peak(_ fault: String, _ factor: Double) -> Int16 {
            let stage = Stage()
            stage.arm(fault, on: "uplink", [("factor", .number(factor))])
            stage.speak(5)
            let bytes = stage.inner.call.sent.flatMap(\.bytes)
            return PCM(bytes.span, as: .telephone).samples.max() ?? 0
        }
        #expect((700...900).contains(peak("gain", 0.1)))
        #expect(peak("clipping", 16) > 32_000)
    }
}
