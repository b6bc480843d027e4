import UproarCore
import UproarFaults

/// Which calls an effect met that its place alone does not tell: everybody's processes and stores meet every call under way, a
/// connection meets the call that it carries, as soon as that is known.
///
/// ```
///  up on a stream, both ways     whose it is, or turns out to be
///  up on requests                the next request: its bytes pass the link before anybody can read whose it is
///  down                          whom it carried last
/// ```
struct FaultExposure {
    struct Met: Hashable {
        var call: UInt32
        var fault: UInt32
        var at: Instant
    }

    private struct Place: Hashable {
        var end: String
        var port: UInt16
    }

    private struct Carrier {
        var call: UInt32
        var use: StreamUse
    }

    /// What is known of one place: whom it carries, and what met it before that was known.
    private struct Connection {
        var carrier: Carrier?
        var waiting: [(fault: UInt32, at: Instant)] = []
    }

    private var connections: [Place: Connection] = [:]
    private var underWay = OrderedTable<UInt32, Bool>()
    /// Faults that meet everybody for as long as they last.
    private var lasting = OrderedTable<UInt32, Instant>()

    /// So many effects wait for one connection to be told whose it is.
    private static let waitingLimit = 64

    /// Calls that a fact shows to have been met, by it or by an effect before it.
    mutating func take(_ fact: Fact) -> [Met] {
        switch FactKind(rawValue: fact.kind) {
        case .callAnswered:
            underWay[fact.call] = true
            let met = zip(lasting.keys, lasting.values).map { fault, since in
                Met(call: fact.call, fault: fault, at: max(since, fact.instant))
            }
            return met + used(Self.callers, fact.value, fact.call, .stream)
        case .callRefused: return used(Self.callers, fact.value, fact.call, .stream)
        case .callEnded:
            underWay[fact.call] = nil
            return []
        case .streamUsed:
            guard let provider = FactOrigin(rawValue: fact.origin).provider,
                let use = StreamUse(rawValue: fact.value)
            else { return [] }
            return used(provider.name, Int64(fact.detail), fact.call, use)
        default: return []
        }
    }

    /// An effect without a call.
    mutating func effect(_ fact: Fact, of plan: FaultPlan) -> [Met] {
        if ProcessFaultCatalog.named(plan.fault) != nil, fact.origin != FactOrigin.link.rawValue {
            // Who comes later finds it restarted, or as it was.
            if plan.attributes["restart"] == nil { lasting[plan.number] = fact.instant }
            return everybody(fact)
        }
        guard fact.origin == FactOrigin.link.rawValue, let site = LinkSite(value: fact.value)
        else { return [] }
        if site.arrow.isRedis { return everybody(fact) }
        guard site.port != 0 else { return [] }
        let place = Place(end: site.arrow.to, port: site.port)
        var connection = connections[place, default: Connection()]
        if let carrier = connection.carrier, site.meets(carrier.use) {
            return [Met(call: carrier.call, fault: fact.detail, at: fact.instant)]
        }
        if site.direction != .down, connection.waiting.count < Self.waitingLimit {
            connection.waiting.append((fact.detail, fact.instant))
            connections[place] = connection
        }
        return []
    }

    /// It is over: nobody that comes is met any more.
    mutating func cleared(_ fault: UInt32) { lasting[fault] = nil }

    private static let callers = LinkArrow.callersToAgent.to

    private func everybody(_ fact: Fact) -> [Met] {
        underWay.keys.map { Met(call: $0, fault: fact.detail, at: fact.instant) }
    }

    private mutating func used(_ end: String, _ port: Int64, _ call: UInt32, _ use: StreamUse)
        -> [Met]
    {
        guard let port = UInt16(exactly: port), port != 0 else { return [] }
        let place = Place(end: end, port: port)
        var connection = connections[place, default: Connection()]
        connection.carrier = Carrier(call: call, use: use)
        // The answer to a request says nothing of what came after it.
        let waiting = use == .answered ? [] : connection.waiting
        if use != .answered { connection.waiting = [] }
        connections[place] = connection
        return waiting.map { Met(call: call, fault: $0.fault, at: $0.at) }
    }
}

extension LinkSite {
    /// Whether an effect here meets the call that the connection is known to carry now.
    fileprivate func meets(_ use: StreamUse) -> Bool {
        switch (direction, use) {
        case (_, .stream), (.down, _), (nil, .request): true
        case (.up, .request), (.up, .answered), (nil, .answered): false
        }
    }
}
