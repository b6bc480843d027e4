import UproarCore
import UproarFaults
import UproarRuntime

/// One direction of a relayed connection. Hears its source and writes to its sink; what faults hold back waits in between, in
/// order, and the source waits when that is too much.
///
///     source ─► received ─┬─ no fault, nothing waiting ─────────► sink
///                         └─► pieces with their times ─► pump ──► sink
final class Lane: ByteStreamHandler, TimerHandler {
    private struct Piece {
        var count: Int
        var release: Instant
    }

    /// What the lane knows of a fault that is in force on it.
    private struct Standing {
        var active: LinkFaultChain.Active
        var metAt: Instant
        /// Bytes taken before it was met.
        var base: Int
        /// The exchange in which it was told last.
        var noted: Int?
    }

    private enum End {
        case fin
        case reset
        case cut(LinkEnd)
    }

    let direction: LinkDirection
    var source: (any ByteStream)?
    var sink: (any ByteStream)?

    private unowned let connection: RelayConnection
    private var relay: LinkRelay { connection.relay }
    private var generation = -1
    private var standing: [Standing] = []
    private var held = ByteQueue()
    private var pieces: [Piece] = []
    private var head = 0
    private var end: (what: End, at: Instant)?
    private var hasEnded = false
    private var isMuted = false
    private var isSwallowing = false
    private var isHolding = false
    private var taken = 0
    private var chunk: UInt64 = 0
    private var lastRelease = Instant(nanoseconds: .min)
    private var busyUntil = Instant(nanoseconds: .min)
    private var isPaused = false
    private var timer = TimerID.none

    /// So many bytes may wait in the sink's own queue.
    private static let sinkLimit = 256 << 10
    /// A bandwidth is kept in steps of this length.
    private static let rateStep = 0.02

    init(_ direction: LinkDirection, of connection: RelayConnection) {
        self.direction = direction
        self.connection = connection
    }

    // MARK: From the source

    func opened(_ stream: any ByteStream) { connection.opened(stream) }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.passes(direction)
        relay.passed(bytes.byteCount, direction)
        if let gate = connection.gate {
            gate.received(bytes, direction, at: now)
        } else {
            pass(bytes, at: now)
        }
    }

    /// Takes bytes that are to go on.
    func pass(_ bytes: RawSpan, at now: Instant) {
        if generation != relay.chain.generation || now < relay.growsUntil { refresh(now) }
        guard isPlain else { return hold(bytes, at: now) }
        sink?.write(bytes)
        taken &+= bytes.byteCount
        if let sink, sink.queuedByteCount > Self.sinkLimit { pauseSource() }
    }

    private var isPlain: Bool {
        standing.isEmpty && head == pieces.count && end == nil && !isMuted
    }

    func ended(_ stream: any ByteStream) { finishes(.fin) }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        switch reason {
        case .ended, .closed: break
        case .failed, .queueOverflow, .unreachable, .unknownHost, .tls, .untrusted: finishes(.reset)
        }
        source = nil
        connection.other(than: self).sink = nil
        connection.streamClosed()
    }

    private func finishes(_ what: End) {
        let now = relay.loop.now
        guard !hasEnded, end == nil else {
            // A reset overtakes an end in order that nobody has been told.
            if case .reset = what, !hasEnded, case .fin? = end?.what { end?.what = .reset }
            return
        }
        if isMuted {
            // Whoever has gone needs the other side no more.
            return connection.reset()
        }
        if generation != relay.chain.generation { refresh(now) }
        var at = now
        for index in standing.indices {
            if case .lateEnd(let delay) = standing[index].active.effect {
                at = max(at, now + delay)
                note(index, now)
            }
            if standing[index].active.effect == .hold { note(index, now) }
        }
        end = (what, at)
        pump(now)
    }

    // MARK: Faults

    func refresh(_ now: Instant) {
        generation = relay.chain.generation
        let active =
            relay.chain.isEmpty ? [] : relay.active(on: &connection.fate, direction, at: now)
        guard !active.isEmpty || !standing.isEmpty else { return }
        standing = active.map { active in
            let known = standing.first {
                $0.active.plan.number == active.plan.number && $0.active.plan.id == active.plan.id
            }
            return Standing(
                active: active, metAt: known?.metAt ?? now, base: known?.base ?? taken,
                noted: known?.noted)
        }
        isHolding = standing.contains { $0.active.effect == .hold }
        let wasSwallowing = isSwallowing
        isSwallowing = standing.contains {
            if case .swallow = $0.active.effect { true } else { false }
        }
        // What was lost leaves a stream that makes no sense any more.
        if wasSwallowing, !isSwallowing { return connection.close() }
        act(now)
        pump(now)
    }

    func mute() {
        isMuted = true
        held.removeAll()
        pieces.removeAll()
        head = 0
        end = nil
        resumeSource()
    }

    /// What comes by time alone. The next such time is `nextAct`.
    private func act(_ now: Instant) {
        for index in standing.indices {
            let metAt = standing[index].metAt
            switch standing[index].active.effect {
            case .reset(let delay) where direction == .down && now >= metAt + delay:
                note(index, now)
                connection.reset()
            case .mute(.time(let delay)) where now >= metAt + delay && !isMuted:
                note(index, now)
                connection.mute()
            case .mute(.bytes(0)) where direction == .down && !isMuted:
                note(index, now)
                connection.mute()
            case .swallow(let delay?) where now >= metAt + delay:
                note(index, now)
                connection.close()
            case .cut(0, let how) where end == nil && !hasEnded:
                note(index, now)
                end = (.cut(how), now)
            default: break
            }
        }
    }

    private var nextAct: Instant? {
        var next: Instant?
        for standing in standing {
            let at: Instant? =
                switch standing.active.effect {
                case .reset(let delay): standing.metAt + delay
                case .mute(.time(let delay)) where !isMuted: standing.metAt + delay
                case .swallow(let delay?): standing.metAt + delay
                default: nil
                }
            if let at { next = min(next ?? at, at) }
        }
        return next
    }

    private func note(_ index: Int, _ now: Instant) {
        let plan = standing[index].active.plan
        let exchange =
            relay.settings.tellsExchanges && plan.window.count == nil ? connection.exchange : 0
        relay.note(
            plan, isFirst: standing[index].noted != exchange || standing[index].active.isPerChunk,
            port: connection.port, isOfBoth(standing[index].active.effect) ? nil : direction,
            at: now)
        standing[index].noted = exchange
    }

    private func isOfBoth(_ effect: LinkEffect) -> Bool {
        switch effect {
        case .reset, .mute: true
        default: false
        }
    }

    // MARK: Holding back

    private func hold(_ bytes: RawSpan, at now: Instant) {
        guard !isMuted, !hasEnded else { return }
        if case .cut? = end?.what { return }
        chunk += 1
        var release = now
        var rate = Double.infinity
        var slice: (index: Int, size: Int, variation: Int, gap: Duration)?
        var count = bytes.byteCount
        var cut: LinkEnd?
        for index in standing.indices where isMet(index, now) {
            switch standing[index].active.effect {
            case .delay(let delay, let jitter):
                var random = stream(of: index)
                var extra = delay.draw(&random)
                if jitter > .zero {
                    extra += .nanoseconds(
                        Int64(Double(jitter.nanoseconds) * (2 * random.unit() - 1)))
                }
                release += max(.zero, extra)
            case .rate(let bytesPerSecond): rate = min(rate, bytesPerSecond)
            case .slice(let size, let variation, let gap): slice = (index, size, variation, gap)
            case .hold: break
            case .swallow:
                note(index, now)
                return
            case .cut(let limit, let how):
                let left = max(0, standing[index].base + limit - taken)
                guard count >= left else { continue }
                count = left
                cut = how
            case .mute(.bytes(let limit)):
                guard direction == .down else { continue }
                let left = max(0, standing[index].base + limit - taken)
                guard count >= left else { continue }
                append(bytes.extracting(first: left), release, rate, nil)
                pump(now)
                note(index, now)
                return connection.mute()
            // What has not to do with a chunk is no effect yet.
            case .mute, .reset, .lateEnd, .redis, .none: continue
            }
            note(index, now)
        }
        append(bytes.extracting(first: count), release, rate, slice)
        if let cut { end = (.cut(cut), lastRelease) }
        pump(now)
    }

    private func isMet(_ index: Int, _ now: Instant) -> Bool {
        guard standing[index].active.isPerChunk else { return true }
        var passage = connection.fate.passage
        passage.index = direction == .up ? 0 : 1
        passage.chunk = chunk
        return relay.meets(standing[index].active.plan, chunk: passage, at: now)
    }

    private func stream(of index: Int) -> RandomStream {
        var random = standing[index].active.plan.stream(
            connection.fate.passage.key, chunk &* 2 &+ (direction == .up ? 0 : 1))
        // Another draw than the one that chose the chunk.
        _ = random.next()
        return random
    }

    private func append(
        _ bytes: RawSpan, _ release: Instant, _ rate: Double,
        _ slice: (index: Int, size: Int, variation: Int, gap: Duration)?
    ) {
        guard bytes.byteCount > 0 else { return }
        held.append(bytes)
        taken &+= bytes.byteCount
        var left = bytes.byteCount
        var at = max(release, lastRelease)
        var random = slice.map { stream(of: $0.index) }
        var isFirst = true
        let step = rate.isFinite ? max(1, Int(rate * Self.rateStep)) : Int.max
        while left > 0 {
            var size = min(left, step)
            if let slice, random != nil {
                let spread = slice.variation > 0 ? random!.below(2 * slice.variation + 1) : 0
                size = min(size, max(1, slice.size + spread - slice.variation))
                if !isFirst { at += slice.gap }
            }
            if rate.isFinite {
                at = max(at, busyUntil) + .nanoseconds(Int64(Double(size) / rate * 1e9))
                busyUntil = at
            }
            pieces.append(Piece(count: size, release: at))
            left -= size
            isFirst = false
        }
        lastRelease = at
    }

    // MARK: To the sink

    /// Lets go what is due.
    private func pump(_ now: Instant) {
        relay.loop.cancel(timer)
        timer = .none
        while !isHolding, head < pieces.count, pieces[head].release <= now, let sink {
            if sink.queuedByteCount > Self.sinkLimit { return watchSource() }
            let count = pieces[head].count
            sink.write(UnsafeRawBufferPointer(rebasing: held.unsafeBytes[..<count]).bytes)
            held.removeFirst(count)
            head += 1
        }
        if head == pieces.count {
            pieces.removeAll(keepingCapacity: true)
            head = 0
            if !isHolding, let end, end.at <= now { perform(end.what) }
        }
        watchSource()
        schedule()
    }

    private func schedule() {
        var next = nextAct
        if !isHolding {
            if head < pieces.count {
                next = min(next ?? .distantFuture, pieces[head].release)
            } else if let end, !hasEnded {
                next = min(next ?? .distantFuture, end.at)
            }
        }
        if let next, timer == .none {
            timer = relay.loop.schedule(self, at: next)
        }
    }

    func timerFired(token: UInt64, now: Instant) {
        timer = .none
        act(now)
        pump(now)
    }

    private func perform(_ what: End) {
        switch what {
        case .fin:
            sink?.closeWriting()
        case .reset: sink?.reset()
        case .cut(.fin): connection.close()
        case .cut(.reset):
            // What passed before must not be lost with the reset.
            if let sink, sink.queuedByteCount > 0 { return }
            connection.reset()
        }
        hasEnded = true
        end = nil
    }

    /// The sink of this lane has room again.
    func sinkDrained() {
        let now = relay.loop.now
        if head < pieces.count || end != nil { pump(now) }
        watchSource()
    }

    func drained(_ stream: any ByteStream) { connection.other(than: self).sinkDrained() }

    // MARK: Back-pressure

    private func watchSource() {
        let limit = relay.settings.heldLimit
        let queued = sink?.queuedByteCount ?? 0
        if held.count > limit || queued > Self.sinkLimit {
            pauseSource()
        } else if held.count <= limit / 2 {
            resumeSource()
        }
    }

    private func pauseSource() {
        guard !isPaused else { return }
        isPaused = true
        source?.pauseReading()
    }

    private func resumeSource() {
        guard isPaused else { return }
        isPaused = false
        source?.resumeReading()
    }

    /// Nothing comes any more.
    func finish() {
        relay.loop.cancel(timer)
        timer = .none
        source = nil
        sink = nil
        standing = []
        held.removeAll()
    }
}
