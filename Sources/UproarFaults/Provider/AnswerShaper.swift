import UproarCore

/// Carries the shapes of one answer: a chunk in, what to do with it out. Sees no socket.
///
/// ```
///  chunk ──► [shape] ──► [shape] ──► send · hold · change · error · keep-alive · end · mute
/// ```
package struct AnswerShaper: Sendable {
    package enum Step: Hashable, Sendable {
        case send
        /// It goes out then, and what follows after it.
        case hold(until: Instant)
        case sendTwice
        case sendMalformed(AnswerShape.Malformation)
        case sendDefective(AnswerShape.AudioDefect)
        /// The chunk without its content.
        case sendEmptied
        /// The vendor's error message in place of the chunk; then the answer's end when it ends.
        case sendError(ends: Bool)
        case cut(AnswerShape.Cut)
        /// Nothing goes out or is read any more.
        case freeze
        /// Nothing goes out any more, input is still read.
        case silence
        /// As `silence`, with a keep-alive each interval from here on.
        case keepAlive(every: Duration)
    }

    private let shapes: [(number: UInt32, shape: AnswerShape)]
    private let began: Instant
    private var chunks = 0
    private var bytes = 0
    private var lastSent: Instant?
    private var random: RandomStream
    private var isSpent = false
    private var hasHeld = false

    /// The faults that have acted on this answer, each once, since `takeActed`.
    private var acted: [UInt32] = []
    private var hasActed: Set<UInt32> = []

    /// - shapes: with the numbers of their faults, in the order in which they compose.
    package init(
        _ shapes: [(number: UInt32, shape: AnswerShape)], at began: Instant, random: RandomStream
    ) {
        self.shapes = shapes
        self.began = began
        self.random = random
    }

    /// Whether the answer is dead before its first chunk: half-open from the beginning.
    package mutating func freezesAtOnce() -> Bool {
        for (number, shape) in shapes {
            if case .halfOpen(.chunks(0)) = shape {
                note(number)
                return true
            }
        }
        return false
    }

    /// The numbers of the faults that acted for the first time since the last call.
    package mutating func takeActed() -> [UInt32] {
        defer { acted.removeAll() }
        return acted
    }

    /// What was last decided changed nothing of its chunk (there was no base64 in it to break, say): no fault has acted by it.
    package mutating func leftUnchanged() {
        for number in acted { hasActed.remove(number) }
        acted.removeAll()
    }

    private mutating func note(_ number: UInt32) {
        if hasActed.insert(number).inserted { acted.append(number) }
    }

    /// A chunk is about to go out. `content` is how many bytes of it are content; 0 for heads, ends and keep-alives.
    package mutating func passing(content: Int, at now: Instant) -> Step {
        let (step, number) = decide(content: content, at: now)
        if let number { note(number) }
        if content > 0 {
            chunks += 1
            bytes += content
            lastSent = if case .hold(let until) = step { until } else { max(now, lastSent ?? now) }
        }
        return step
    }

    private mutating func decide(content: Int, at now: Instant) -> (Step, UInt32?) {
        for (number, shape) in shapes {
            if let step = step(of: shape, content: content, at: now) { return (step, number) }
        }
        return (.send, nil)
    }

    private mutating func step(of shape: AnswerShape, content: Int, at now: Instant) -> Step? {
        switch shape {
        case .stall(let after, let time):
            guard !isSpent, isReached(after, content, now) else { return nil }
            guard let time else { return .silence }
            isSpent = true
            return .hold(until: now + time)
        case .cut(let after, let how): return isReached(after, content, now) ? .cut(how) : nil
        case .halfOpen(let after): return isReached(after, content, now) ? .freeze : nil
        case .error(let after, let ends):
            guard !isSpent, isReached(after, content, now) else { return nil }
            isSpent = true
            return .sendError(ends: ends)
        case _ where content == 0: return nil
        case .keepAliveOnly(let interval): return .keepAlive(every: interval)
        case .empty: return .sendEmptied
        case .truncated(let after): return isReached(after, content, now) ? .sendEmptied : nil
        case .malformed(let kind): return .sendMalformed(kind)
        case .audio(let defect): return .sendDefective(defect)
        case .duplicate(let chance): return chance.draw(&random) ? .sendTwice : nil
        case .pace(let gap):
            guard let lastSent else { return nil }
            let due = lastSent + gap.draw(&random)
            return due > now ? .hold(until: due) : nil
        case .hold(let time):
            guard !hasHeld else { return nil }
            hasHeld = true
            return .hold(until: now + time)
        }
    }

    /// Positions are judged where content comes, so that a head or an end is never what is cut.
    private func isReached(_ position: AnswerShape.Position, _ content: Int, _ now: Instant) -> Bool
    {
        content > 0 && position.isReached(chunks: chunks, bytes: bytes, time: now - began)
    }
}
