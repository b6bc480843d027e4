import UproarCore
import UproarFaults
import UproarRuntime

/// One call with media faults on it, both legs apart: between a caller and the transport's own call, neither of which knows.
final class FaultyCall: CallMedia, CallMediaHandler, TimerHandler {
    private struct Sent {
        var audio: any PreparedAudio
        var frame: Int
        var at: Instant
    }

    private struct Heard {
        var bytes: [UInt8]
        var at: Instant
        var arrivedAt: Instant
    }

    private enum Leg: UInt64 { case uplink, downlink }

    private let setup: CallSetup
    private let transport: FaultyTransport
    private var handler: (any CallMediaHandler)?
    var inner: (any CallMedia)!
    private var uplink: PacketFlow
    private var downlink: PacketFlow
    private var outgoing: [Sent] = []
    private var incoming: [Heard] = []
    private var lastSent = Instant(nanoseconds: .min)
    private var lastHeard = Instant(nanoseconds: .min)
    /// Where the transport's own playout ends.
    private var lastPlain = Instant(nanoseconds: .min)
    /// Where audio plays once it plays at other times than the transport says.
    private var playsUntil: Instant?
    private var timers = [TimerID.none, TimerID.none]
    private var noted: [(number: UInt32, at: Instant)] = []

    /// So many frames may be held back: 10 s. More are lost, as in any buffer.
    private static let limit = 500
    private static let noteEvery = Duration.seconds(1)

    init(_ setup: CallSetup, over transport: FaultyTransport, handler: any CallMediaHandler) {
        self.setup = setup
        self.transport = transport
        self.handler = handler
        uplink = PacketFlow(
            names: ["uplink"], key: UInt64(setup.call), call: setup.call, index: 0)
        downlink = PacketFlow(
            names: ["downlink"], key: UInt64(setup.call), call: setup.call, index: 1)
    }

    var sentByteCount: Int { inner.sentByteCount }
    var receivedByteCount: Int { inner.receivedByteCount }
    func send(digit: Character) { inner.send(digit: digit) }
    func show(_ picture: any PreparedPicture) { inner.show(picture) }
    var memory: [MemoryPart] { inner.memory }
    var localPort: UInt16 { inner.localPort }

    func hangUp() {
        cancel()
        inner.hangUp()
    }

    private func cancel() {
        for timer in timers { transport.loop.cancel(timer) }
        outgoing = []
        incoming = []
    }

    private func note(_ verdict: PacketVerdict, _ now: Instant) {
        for plan in verdict.plans {
            let last = noted.firstIndex { $0.number == plan.number }
            // What ends by its number of hits counts them all.
            if let last, plan.window.count == nil, now - noted[last].at < Self.noteEvery {
                continue
            }
            if let last { noted[last].at = now } else { noted.append((plan.number, now)) }
            transport.note(plan, call: setup.call, at: now)
        }
    }

    // MARK: Uplink

    func send(_ audio: any PreparedAudio, frame: Int) {
        guard !transport.chain.isEmpty || !outgoing.isEmpty else {
            return inner.send(audio, frame: frame)
        }
        let now = transport.loop.now
        let verdict = transport.chain.verdict(
            on: &uplink, byteCount: transport.format.bytesPerFrame, at: now)
        note(verdict, now)
        if verdict.passesAsIs, outgoing.isEmpty { return inner.send(audio, frame: frame) }
        if verdict.isLost {
            guard verdict.concealment == .silence else { return }
            return queue(transport.silence, 0, verdict, now)
        }
        if let draw = verdict.corruption {
            queue(transport.corrupted(audio, frame: frame, draw: draw), 0, verdict, now)
        } else if verdict.sound.isEmpty {
            queue(audio, frame, verdict, now)
        } else {
            let (changed, factor) = transport.changed(audio, verdict.sound)
            for part in 0..<factor { queue(changed, frame * factor + part, verdict, now) }
        }
    }

    private func queue(
        _ audio: any PreparedAudio, _ frame: Int, _ verdict: PacketVerdict, _ now: Instant
    ) {
        var at = now + (verdict.isLost ? .zero : verdict.delay)
        if !verdict.isOvertaken {
            at = max(at, lastSent)
            lastSent = at
        }
        for _ in 0..<verdict.copies {
            if at <= now, outgoing.isEmpty {
                inner.send(audio, frame: frame)
            } else if outgoing.count < Self.limit {
                let place = outgoing.lastIndex { $0.at <= at }.map { $0 + 1 } ?? 0
                outgoing.insert(Sent(audio: audio, frame: frame, at: at), at: place)
            }
        }
        schedule(.uplink, outgoing.first?.at)
    }

    private func schedule(_ leg: Leg, _ at: Instant?) {
        let place = Int(leg.rawValue)
        transport.loop.cancel(timers[place])
        guard let at else { return }
        timers[place] = transport.loop.schedule(self, token: leg.rawValue, at: at)
    }

    func timerFired(token: UInt64, now: Instant) {
        if Leg(rawValue: token) == .uplink {
            while let first = outgoing.first, first.at <= now {
                outgoing.removeFirst()
                inner.send(first.audio, frame: first.frame)
            }
            schedule(.uplink, outgoing.first?.at)
        } else {
            while let first = incoming.first, first.at <= now {
                incoming.removeFirst()
                play(first.bytes, at: max(first.at, now), arrivedAt: first.arrivedAt)
            }
            schedule(.downlink, incoming.first?.at)
        }
    }

    // MARK: Downlink

    func answered(at: Instant) { handler?.answered(at: at) }
    func shown(_ text: String, at: Instant) { handler?.shown(text, at: at) }

    func remarked(_ text: String, at: Instant) { handler?.remarked(text, at: at) }

    func heard(_ audio: RawSpan, playsAt: Instant, arrivedAt: Instant) {
        guard !transport.chain.isEmpty || playsUntil != nil || !incoming.isEmpty else {
            handler?.heard(audio, playsAt: playsAt, arrivedAt: arrivedAt)
            return
        }
        let now = transport.loop.now
        var plain: [UInt8] = []
        let step = transport.format.bytesPerFrame
        var offset = 0
        while offset < audio.byteCount {
            let count = min(step, audio.byteCount - offset)
            let frame = audio.extracting(offset..<offset + count).withUnsafeBytes { Array($0) }
            offset += count
            let verdict = transport.chain.verdict(on: &downlink, byteCount: count, at: now)
            note(verdict, now)
            var bytes = frame
            if verdict.isLost {
                bytes = [UInt8](
                    repeating: transport.format.encoding.silence, count: frame.count)
            } else {
                if let draw = verdict.corruption { bytes = SoundDefects.corrupt(bytes, draw) }
                if !verdict.sound.isEmpty {
                    bytes = SoundDefects.apply(verdict.sound, to: bytes, transport.format)
                }
            }
            let isShifted =
                bytes.count != frame.count || verdict.copies > 1
                || (verdict.delay > .zero && !verdict.isLost)
            if isShifted || playsUntil != nil {
                if !plain.isEmpty { play(plain: plain, playsAt, arrivedAt) }
                plain = []
                playsUntil = playsUntil ?? playsAt
                hold(bytes, verdict, now, arrivedAt)
            } else {
                plain += bytes
            }
        }
        if !plain.isEmpty { play(plain: plain, playsAt, arrivedAt) }
    }

    private func play(plain bytes: [UInt8], _ playsAt: Instant, _ arrivedAt: Instant) {
        handler?.heard(bytes.span.bytes, playsAt: playsAt, arrivedAt: arrivedAt)
        // Where the transport's own playout will be when something is held back later.
        lastPlain = playsAt + transport.format.duration(bytes: bytes.count)
    }

    private func hold(
        _ bytes: [UInt8], _ verdict: PacketVerdict, _ now: Instant, _ arrivedAt: Instant
    ) {
        var at = now + (verdict.isLost ? .zero : verdict.delay)
        if !verdict.isOvertaken {
            at = max(at, lastHeard)
            lastHeard = at
        }
        for _ in 0..<verdict.copies {
            if at <= now, incoming.isEmpty {
                play(bytes, at: now, arrivedAt: arrivedAt)
            } else if incoming.count < Self.limit {
                let place = incoming.lastIndex { $0.at <= at }.map { $0 + 1 } ?? 0
                incoming.insert(Heard(bytes: bytes, at: at, arrivedAt: arrivedAt), at: place)
            }
        }
        schedule(.downlink, incoming.first?.at)
    }

    private func play(_ bytes: [UInt8], at now: Instant, arrivedAt: Instant) {
        let start = max(now, playsUntil ?? now, lastPlain)
        playsUntil = start + transport.format.duration(bytes: bytes.count)
        handler?.heard(bytes.span.bytes, playsAt: start, arrivedAt: max(now, arrivedAt))
    }

    func cleared(at: Instant) {
        incoming = []
        if playsUntil != nil { playsUntil = at }
        lastPlain = min(lastPlain, at)
        handler?.cleared(at: at)
    }

    func ended(_ end: CallMediaEnd, at: Instant) {
        cancel()
        let last = handler
        handler = nil
        last?.ended(end, at: at)
    }
}
