import UproarCore

/// What the agent did when the caller spoke, or coughed, over it.
///
/// ```
/// agent   ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇|stop
/// caller            ▇▇▇▇▇▇▇▇▇
///                   |began        barge_in_stop = stop − began
/// ```
struct BargeInFold {
    private(set) var records: [BargeInRecord] = []

    /// A reply whose tail tag is heard this close to the agent's stop ended by itself.
    private static let naturalEnd = Duration.milliseconds(600)

    init(_ timeline: CallFacts, limit: Duration) {
        for (place, stimulus) in timeline.bargeIns.enumerated() {
            let next =
                place + 1 < timeline.bargeIns.count
                ? timeline.bargeIns[place + 1].at : .distantFuture
            records.append(Self.judge(stimulus, until: next, timeline, limit))
        }
    }

    private static func judge(
        _ stimulus: (at: Instant, kind: BargeInKind), until next: Instant, _ timeline: CallFacts,
        _ limit: Duration
    ) -> BargeInRecord {
        var record = BargeInRecord(
            at: stimulus.at, kind: stimulus.kind, outcome: .unjudged, stop: nil)
        guard
            timeline.speech.contains(where: {
                $0.onset <= stimulus.at && ($0.end ?? .distantFuture) >= stimulus.at
            })
        else { return record }
        let reply = timeline.answers.last { $0.at <= stimulus.at }?.reference
        let finish = reply.flatMap { reply in
            timeline.finishes.first { $0.reference == reply && $0.at >= stimulus.at }?.at
        }
        let stop = timeline.stops.first { $0 >= stimulus.at && $0 < next }
        record.stop = stop.map { $0 - stimulus.at }
        // Tail heard at the stop: the reply was over. Tail heard well after it: the agent had stopped and went on.
        let endedByItself =
            finish.map { finish in stop.map { finish <= $0 + naturalEnd } ?? true } ?? false
        let resumed = finish != nil && stop != nil && !endedByItself
        switch stimulus.kind {
        case .interruption:
            guard let stop, !endedByItself else {
                let over = (finish ?? stop).map { $0 - stimulus.at }
                record.stop = nil
                // Nothing yielded: missed, unless the reply was over before a yield was due.
                record.outcome = over.map { $0 > limit ? .missed : .unjudged } ?? .missed
                return record
            }
            record.outcome = resumed ? .resumed : stop - stimulus.at <= limit ? .yielded : .late
        case .backchannel, .noise:
            guard stop != nil, !endedByItself else {
                record.stop = nil
                record.outcome = .held
                return record
            }
            record.outcome = resumed ? .resumed : .false
        }
        return record
    }
}
