import UproarCore

/// What becomes of one packet.
package struct PacketVerdict: Hashable, Sendable {
    package var isLost = false
    package var concealment = Concealment.none
    package var copies = 1
    package var delay = Duration.zero
    /// Those behind it may overtake it.
    package var isOvertaken = false
    /// Which byte is another: a draw that the packet's length divides.
    package var corruption: UInt64?
    package var sound: [SoundDefect] = []
    /// Faults that had a part in it.
    package var plans: [FaultPlan] = []

    package init() {}

    package var passesAsIs: Bool {
        !isLost && copies == 1 && delay == .zero && corruption == nil && sound.isEmpty
    }
}

/// One direction of one call, or of one pair of addresses: what its packets have met so far.
package struct PacketFlow: Sendable {
    /// `key`: the call, or the ordinal of the peer.
    package let passage: FaultPassage
    fileprivate var count: UInt64 = 0
    fileprivate var badStates: [(id: String, isBad: Bool)] = []
    fileprivate var busyUntil = Instant(nanoseconds: .min)

    /// - index: tells the directions of one key apart.
    package init(names: [String], key: UInt64, call: UInt32?, index: UInt64) {
        passage = FaultPassage(names: names, key: key, call: call, index: index)
    }
}

/// The packet faults armed in one place. Decisions only: the same packet of the same flow meets the same, whatever else goes on.
package struct PacketFaultChain: Sendable {
    private struct Armed: Sendable {
        var aim: FaultAim
        var fault: any PacketFault
    }

    private var armed: [Armed] = []

    package init() {}

    package var isEmpty: Bool { armed.isEmpty }

    /// False when no packet fault has this name.
    package mutating func arm(_ plan: FaultPlan) -> Bool {
        guard let kind = PacketFaultCatalog.named(plan.fault) else { return false }
        clear(plan.id)
        armed.append(
            Armed(aim: FaultAim(plan, unit: .chunk), fault: kind.init(plan.attributes)))
        return true
    }

    package mutating func clear(_ id: String) { armed.removeAll { $0.aim.plan.id == id } }
    package mutating func clearAll() { armed.removeAll() }

    /// Drops what is over.
    package mutating func expire(at now: Instant) {
        armed.removeAll { now >= $0.aim.plan.window.until }
    }

    package mutating func verdict(
        on flow: inout PacketFlow, byteCount: Int, at now: Instant
    ) -> PacketVerdict {
        var verdict = PacketVerdict()
        flow.count += 1
        for index in armed.indices {
            let plan = armed[index].aim.plan
            var passage = flow.passage
            passage.chunk = flow.count
            var random = plan.stream(
                passage.key ^ RandomStream.mix(passage.index &+ 0x9e37), passage.chunk)
            // A burst goes on or not, whether or not the fault is open to this packet.
            if case .burstLoss(let model, let concealment) = armed[index].fault.effect {
                guard armed[index].aim.isOpen(at: now), armed[index].aim.covers(passage) else {
                    continue
                }
                var isBad = flow.badStates.first { $0.id == plan.id }?.isBad ?? false
                let isLost = model.loses(&isBad, &random)
                flow.badStates.removeAll { $0.id == plan.id }
                flow.badStates.append((plan.id, isBad))
                guard isLost, armed[index].aim.meets(passage, at: now) else { continue }
                verdict.isLost = true
                verdict.concealment = concealment
            } else {
                guard armed[index].aim.meets(passage, at: now),
                    apply(armed[index].fault.effect, &verdict, &flow, byteCount, now, &random)
                else { continue }
            }
            armed[index].aim.released()
            verdict.plans.append(plan)
        }
        return verdict
    }

    /// Whether it had an effect.
    private func apply(
        _ effect: PacketEffect, _ verdict: inout PacketVerdict, _ flow: inout PacketFlow,
        _ byteCount: Int, _ now: Instant, _ random: inout RandomStream
    ) -> Bool {
        switch effect {
        case .loss(let concealment), .burstLoss(_, let concealment):
            verdict.isLost = true
            verdict.concealment = concealment
        case .delay(let delay): verdict.delay += delay.draw(&random)
        case .late(let delay):
            verdict.delay += delay
            verdict.isOvertaken = true
        case .duplicate: verdict.copies += 1
        case .corrupt: verdict.corruption = random.next()
        case .rate(let bytesPerSecond, let queue):
            let start = max(now, flow.busyUntil)
            guard start - now <= queue else {
                verdict.isLost = true
                verdict.concealment = .silence
                return true
            }
            flow.busyUntil = start + .nanoseconds(Int64(Double(byteCount) / bytesPerSecond * 1e9))
            let delay = flow.busyUntil - now
            verdict.delay += delay
        case .sound(let defect): verdict.sound.append(defect)
        }
        return true
    }
}
