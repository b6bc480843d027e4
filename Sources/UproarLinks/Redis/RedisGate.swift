import UproarCore
import UproarFaults
import UproarRuntime
import UproarWire

/// Reads the commands and replies of one relayed connection, and does to them what Redis faults decide. Commands stay in order, and
/// so do replies: one that the gate makes itself waits for those of the commands before it.
///
/// ```
///  client ─► commands ─┬─ no fault ────────────────► up
///                      ├─ held (hang, slow) ─ time ─► up
///                      └─ refused ─► its place among the replies ─► down
/// ```
final class RedisGate: TimerHandler {
    private struct Command {
        var bytes: [UInt8]
        /// nil: until the fault is over.
        var release: Instant?
        /// What is answered in the server's place.
        var answer: [UInt8]?
        var isWrite: Bool
        var ordinal: UInt64
        var name: String
    }

    private unowned let connection: RelayConnection
    private var commands = RESPScanner(.commands)
    private var replies = RESPScanner(.replies)
    /// Of a command that is not whole yet, while faults look at commands.
    private var partial: [UInt8] = []
    private var partialReply: [UInt8] = []
    /// The beginning of the command that is being read went on already.
    private var isMidCommand = false
    private var isMidReply = false
    private var waiting: [Command] = []
    private var waitingBytes = 0
    private var ordinal: UInt64 = 0
    private var message: UInt64 = 0
    private var lastRelease = Instant(nanoseconds: .min)
    /// Replies of the server that are due before the next of ours, then ours with those due behind it.
    private var due = 0
    private var answers: [(bytes: [UInt8], dueAfter: Int)] = []
    private(set) var hasSubscribed = false
    private var openedAt: Instant
    private var generation = -1
    private var standing: [(plan: FaultPlan, effect: RedisEffect)] = []
    private var notedStanding: [UInt32] = []
    private var timer = TimerID.none

    private static let waitingLimit = 1 << 20

    init(_ connection: RelayConnection) {
        self.connection = connection
        openedAt = connection.relay.loop.now
    }

    private var relay: LinkRelay { connection.relay }
    private var isLost: Bool { commands.isLost || replies.isLost }

    func received(_ bytes: RawSpan, _ direction: LinkDirection, at now: Instant) {
        if generation != relay.chain.generation { refresh(now) }
        bytes.withUnsafeBytes { bytes in
            if direction == .up { takeCommands(bytes, now) } else { takeReplies(bytes, now) }
        }
    }

    // MARK: Commands

    private var looksAtCommands: Bool { relay.chain.hasRedisFaults || !waiting.isEmpty }

    private func takeCommands(_ bytes: UnsafeRawBufferPointer, _ now: Instant) {
        guard !isLost else { return connection.up.pass(bytes.bytes, at: now) }
        guard looksAtCommands || !partial.isEmpty else {
            var offset = 0
            while commands.next(in: bytes, from: &offset) { counted() }
            isMidCommand = !commands.isBetweenValues
            return connection.up.pass(bytes.bytes, at: now)
        }
        var start = 0
        var offset = 0
        while commands.next(in: bytes, from: &offset) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
            start = offset
            if isMidCommand {
                // Its beginning is at the server already.
                isMidCommand = false
                counted()
                connection.up.pass(piece.bytes, at: now)
                continue
            }
            partial.append(contentsOf: piece)
            var whole: [UInt8] = []
            swap(&whole, &partial)
            decide(whole, now)
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        if isMidCommand || isLost {
            if isLost, !partial.isEmpty {
                // A span of a stored property would hold all of it while others are called.
                let rest = partial
                connection.up.pass(rest.span.bytes, at: now)
                partial.removeAll()
            }
            connection.up.pass(rest.bytes, at: now)
        } else {
            partial.append(contentsOf: rest)
        }
        release(now)
    }

    /// A command has gone on: its reply is due.
    private func counted() {
        ordinal += 1
        if RedisCommands.subscribing.contains(name) { hasSubscribed = true }
        if answers.isEmpty { due += 1 } else { answers[answers.count - 1].dueAfter += 1 }
    }

    private var name: String { String(decoding: commands.word, as: UTF8.self).uppercased() }

    private func decide(_ bytes: [UInt8], _ now: Instant) {
        let name = name
        let isWrite = RedisCommands.writes.contains(name)
        var command = Command(
            bytes: bytes, release: now, answer: nil, isWrite: isWrite, ordinal: ordinal,
            name: name)
        ordinal += 1
        if RedisCommands.subscribing.contains(name) { hasSubscribed = true }
        apply(&command, now)
        waiting.append(command)
        waitingBytes += bytes.count
    }

    private func apply(_ command: inout Command, _ now: Instant) {
        if let line = standingRefusal(of: command, now) {
            command.answer = Array("-\(line)\r\n".utf8)
            return
        }
        var passage = connection.fate.passage
        passage.index = command.ordinal
        passage.fields = [
            .init("command", command.name), .init("direction", LinkDirection.up.rawValue),
        ]
        var release = now
        for (plan, effect) in relay.verdicts(on: passage, isWrite: command.isWrite, at: now) {
            switch effect {
            case .hang:
                command.release = nil
                relay.note(plan, isFirst: true, at: now)
                return
            case .slow(let delay):
                var random = plan.stream(passage.key, passage.index)
                _ = random.next()
                release = max(release, lastRelease) + delay.draw(&random)
            case .error(let kind):
                guard !hasSubscribed else { continue }
                command.answer = Array("-\(kind.line)\r\n".utf8)
            default: continue
            }
            relay.note(plan, isFirst: true, at: now)
            if command.answer != nil { break }
        }
        lastRelease = max(lastRelease, release)
        command.release = release
    }

    /// What a fault of the whole connection says to a command.
    private func standingRefusal(of command: Command, _ now: Instant) -> String? {
        for (plan, effect) in standing {
            let time = now - plan.window.from
            switch effect {
            case .failover(.readOnly, let promotion)
            where command.isWrite && isOld(plan, promotion):
                relay.note(plan, isFirst: true, at: now)
                return RedisErrorKind.readOnly.line
            case .restart(let down, let loading)
            where time < down + loading
                && RedisErrorKind.loading.minds(command.name, isWrite: command.isWrite):
                relay.note(plan, isFirst: true, at: now)
                return RedisErrorKind.loading.line
            default: continue
            }
        }
        return nil
    }

    /// Whether this connection reaches the old master.
    private func isOld(_ plan: FaultPlan, _ promotion: Duration) -> Bool {
        openedAt < plan.window.from + promotion
    }

    private var isHung: Bool {
        standing.contains { entry in
            if case .failover(.hung, let promotion) = entry.effect {
                isOld(entry.plan, promotion)
            } else {
                false
            }
        }
    }

    /// Lets go what is due, in order.
    private func release(_ now: Instant) {
        relay.loop.cancel(timer)
        guard !isHung else { return noteHung(now) }
        var count = 0
        while count < waiting.count, let release = waiting[count].release, release <= now {
            let command = waiting[count]
            count += 1
            if let answer = command.answer {
                answered(answer, now)
            } else {
                if answers.isEmpty { due += 1 } else { answers[answers.count - 1].dueAfter += 1 }
                connection.up.pass(command.bytes.span.bytes, at: now)
            }
            waitingBytes -= command.bytes.count
        }
        waiting.removeFirst(count)
        if let next = waiting.first?.release { timer = relay.loop.schedule(self, at: next) }
        if waitingBytes > Self.waitingLimit {
            connection.up.source?.pauseReading()
        } else if count > 0 {
            connection.up.source?.resumeReading()
        }
    }

    private func noteHung(_ now: Instant) {
        for (plan, effect) in standing where !waiting.isEmpty {
            guard case .failover(.hung, _) = effect else { continue }
            let isFirst = !notedStanding.contains(plan.number)
            if isFirst { notedStanding.append(plan.number) }
            relay.note(plan, isFirst: isFirst, at: now)
        }
    }

    func timerFired(token: UInt64, now: Instant) { release(now) }

    // MARK: Replies

    private func answered(_ bytes: [UInt8], _ now: Instant) {
        if answers.isEmpty, due == 0, !isMidReply {
            connection.down.pass(bytes.span.bytes, at: now)
        } else {
            answers.append((bytes, 0))
        }
    }

    private func takeReplies(_ bytes: UnsafeRawBufferPointer, _ now: Instant) {
        guard !isLost else { return connection.down.pass(bytes.bytes, at: now) }
        var start = 0
        var offset = 0
        let mayLose = hasSubscribed && relay.chain.hasRedisFaults
        while replies.next(in: bytes, from: &offset) {
            let isMessage =
                replies.isPush || (hasSubscribed && Self.isMessage(replies.word))
            if isMessage {
                message += 1
                guard mayLose, !isMidReply else { continue }
                let piece = bytes[start..<offset]
                start = offset
                partialReply.append(contentsOf: piece)
                var whole: [UInt8] = []
                swap(&whole, &partialReply)
                if !isLost(message, now) { connection.down.pass(whole.span.bytes, at: now) }
                continue
            }
            isMidReply = false
            due = max(0, due - 1)
            let isAnswerDue = due == 0 && !answers.isEmpty
            guard mayLose || isAnswerDue || !partialReply.isEmpty else { continue }
            if !partialReply.isEmpty {
                let rest = partialReply
                connection.down.pass(rest.span.bytes, at: now)
                partialReply.removeAll()
            }
            connection.down.pass(
                UnsafeRawBufferPointer(rebasing: bytes[start..<offset]).bytes, at: now)
            start = offset
            while due == 0, !answers.isEmpty {
                let answer = answers.removeFirst()
                connection.down.pass(answer.bytes.span.bytes, at: now)
                due = answer.dueAfter
            }
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        if mayLose, !isMidReply, !isLost {
            partialReply.append(contentsOf: rest)
        } else if !rest.isEmpty {
            connection.down.pass(rest.bytes, at: now)
            isMidReply = !replies.isBetweenValues
        }
    }

    private static func isMessage(_ word: [UInt8]) -> Bool {
        ["message", "pmessage", "smessage"].contains(String(decoding: word, as: UTF8.self))
    }

    private func isLost(_ message: UInt64, _ now: Instant) -> Bool {
        var passage = connection.fate.passage
        // Messages and commands of a connection have dice of their own.
        passage.index = message | 1 << 63
        passage.fields = [.init("direction", LinkDirection.down.rawValue)]
        for (plan, effect) in relay.verdicts(on: passage, isWrite: false, at: now)
        where effect == .publishLoss {
            relay.note(plan, isFirst: true, at: now)
            return true
        }
        return false
    }

    // MARK: Faults

    func refresh(_ now: Instant) {
        generation = relay.chain.generation
        let known = standing
        standing =
            relay.chain.isEmpty ? [] : relay.redisEffects(on: &connection.fate, at: now)
        for (plan, effect) in standing where !known.contains(where: { $0.plan.id == plan.id }) {
            if begins(plan, effect, now) { return connection.reset() }
        }
        // What waited for the end of a fault is judged anew by those that are left.
        guard !waiting.isEmpty else { return }
        lastRelease = now
        for index in waiting.indices where waiting[index].release == nil {
            var command = waiting[index]
            command.release = now
            apply(&command, now)
            waiting[index] = command
        }
        release(now)
    }

    /// Whether a fault that has begun resets a connection that stands.
    private func begins(_ plan: FaultPlan, _ effect: RedisEffect, _ now: Instant) -> Bool {
        let resets =
            switch effect {
            // Those made after it began are as ever.
            case .drop(let subscribersOnly):
                openedAt <= plan.window.from && (!subscribersOnly || hasSubscribed)
            case .failover(.dead, _), .restart, .maximumClients(resetsOpen: true):
                openedAt <= plan.window.from
            default: false
            }
        if resets { relay.note(plan, isFirst: true, at: now) }
        return resets
    }

    func finish() {
        relay.loop.cancel(timer)
        waiting.removeAll()
    }
}
