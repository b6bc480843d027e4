import UproarCore
import UproarFaults
import UproarRuntime

/// What all emulators of one loop share: the world they live in, the run's seed and references, where facts go.
package final class EmulatorContext {
    package let loop: EventLoop
    package let network: any Network
    package let seed: Seed
    package let references: ReferenceText
    /// Off when the run's audio and text carry no references.
    package let isTagging: Bool
    package let keys: KeyCheck
    /// The wall clock at the run's epoch in seconds since 1970, for the `created` of answers; a constant in simulation.
    package let epochSeconds: Int64
    /// The words, as they are compared, with which an agent begins to say that it goes on with a call that dropped; empty: they are not
    /// looked for.
    package var resumption: [String] = []
    /// What goes wrong on purpose; nil when nothing does.
    package var interference: (any EmulatorInterference)?
    /// States which connection carries which call (`FactKind.streamUsed`).
    package var tellsStreams = false
    /// Shared by all vendors of models: a reply after a failover is another one than the reply before.
    package var replyNumbers = ReplyNumbers()
    /// A message on its way to a session; shared by all connections of the loop.
    var unmasked = [UInt8](repeating: 0, count: 16 << 10)
    /// A connection ended in TLS, for these reasons of OpenSSL.
    package var onTLSFailure: ((ProviderID, String) -> Void)?
    private var gates: [EmulatorGate] = []
    private var ordinals = [UInt64](repeating: 0, count: ProviderID.allCases.count)
    private let facts: any FactSink
    /// Who asked what.
    package let requests = RequestLog()
    private var claims: [Claim] = []
    private var counters = [EmulatorCounters](
        repeating: EmulatorCounters(), count: ProviderID.allCases.count)

    package init(
        loop: EventLoop, network: any Network, seed: Seed, references: ReferenceText,
        isTagging: Bool = true, keys: KeyCheck = .anyKey, epochSeconds: Int64 = 1_767_225_600,
        facts: any FactSink
    ) {
        self.loop = loop
        self.network = network
        self.seed = seed
        self.references = references
        self.isTagging = isTagging
        self.keys = keys
        self.epochSeconds = epochSeconds
        self.facts = facts
    }

    package var now: Instant { loop.now }

    package subscript(_ provider: ProviderID) -> EmulatorCounters {
        get { counters[Self.place(provider)] }
        _modify { yield &counters[Self.place(provider)] }
    }

    private static func place(_ provider: ProviderID) -> Int { places[Int(provider.rawValue)] }

    /// By raw value: every piece of input is counted.
    private static let places: [Int] = {
        let all = ProviderID.allCases
        var places = [Int](repeating: 0, count: Int(all.map(\.rawValue).max() ?? 0) + 1)
        for (place, provider) in all.enumerated() { places[Int(provider.rawValue)] = place }
        return places
    }()

    package func state(
        _ kind: FactKind, of provider: ProviderID, at instant: Instant, call: UInt32? = nil,
        reference: TurnReference? = nil, value: Int64 = 0, detail: UInt32 = 0,
        entry: RequestEntry? = nil
    ) {
        if !claims.isEmpty, claims[0].fact.instant != instant { releaseClaims() }
        let fact = Fact(
            kind, at: instant, call: call, reference: reference, value: value, detail: detail,
            origin: .provider(provider))
        if interference != nil, Self.claiming.contains(kind) {
            claims.append(Claim(fact: fact, entry: entry))
            entry?.awaitsContent = true
        } else {
            facts.state(fact)
            entry?.answers(at: instant)
        }
    }

    // MARK: Claims

    /// Facts that say that content was sent. While faults are armed they are true only once the content has left: whoever sends it
    /// takes them along.
    private static let claiming: [FactKind] = [
        .interimSent, .finalSent, .modelFirstContent, .voiceFirstAudio,
    ]

    /// A fact that waits for its content, and the request whose content it is.
    struct Claim {
        var fact: Fact
        var entry: RequestEntry?
    }

    /// What has just been claimed about the content that is being sent.
    func takeClaims() -> [Claim] {
        defer { claims.removeAll(keepingCapacity: true) }
        return claims
    }

    /// It has left.
    func redeem(_ claims: [Claim], at now: Instant) {
        for var claim in claims {
            claim.fact.at = now.nanoseconds
            facts.state(claim.fact)
            claim.entry?.answers(at: now)
        }
    }

    /// What nothing stood in the way of.
    func releaseClaims() {
        for claim in takeClaims() {
            facts.state(claim.fact)
            claim.entry?.answers(at: claim.fact.instant)
        }
    }

    /// How each provider admits requests; without a word every one at once.
    package func install(_ gate: EmulatorGate) {
        gates.removeAll { $0.provider == gate.provider && $0.operation == gate.operation }
        gates.append(gate)
    }

    /// Numbers what knocks at a provider, and says what becomes of it: faults first, then limits, then the time to connect.
    ///
    /// The time to connect is a connection's: its first request takes it, later ones do not.
    func admit(
        _ kind: EmulatorPassage.Kind, to provider: ProviderID, operation: String,
        isNewConnection: Bool, call: UInt32?, key: String?,
        reference: TurnReference? = nil, fields: [FaultScope.Condition] = [], at now: Instant
    ) -> (verdict: EmulatorVerdict, ordinal: UInt64) {
        let place = Self.place(provider)
        ordinals[place] += 1
        let ordinal = ordinals[place]
        var passage = EmulatorPassage(
            provider: provider, kind: kind, ordinal: ordinal, call: call, key: key)
        passage.reference = reference
        passage.fields = fields
        passage.isWebSocket = kind == .upgrade
        let verdict = interference?.verdict(on: passage, at: now) ?? .pass
        guard verdict == .pass, gates.contains(where: { $0.provider == provider })
        else { return (verdict, ordinal) }
        if let refusal = limit(provider, operation, at: now) { return (refusal, ordinal) }
        guard isNewConnection, let connect = connect(provider, operation) else {
            return (.pass, ordinal)
        }
        let key = UInt64(provider.rawValue) << 32 | ordinal
        return (.delay(draw(connect, "connect", key)), ordinal)
    }

    /// One too many for the operation or its provider: refused in the vendor's shape.
    private func limit(_ provider: ProviderID, _ operation: String, at now: Instant)
        -> EmulatorVerdict?
    {
        for index in gates.indices where gates[index].holds(provider, operation) {
            // The one that knocks is open already.
            if let limit = gates[index].concurrencyLimit,
                requests.openCount(provider, operation) > limit
            {
                return .refuse(status: 429, retryAfter: nil)
            }
            if let wait = gates[index].refusal(at: now) {
                return .refuse(status: 429, retryAfter: wait)
            }
        }
        return nil
    }

    private func connect(_ provider: ProviderID, _ operation: String) -> Distribution? {
        let held = gates.filter { $0.holds(provider, operation) }
        return held.first { $0.operation != nil && $0.connect != nil }?.connect
            ?? held.first { $0.operation == nil }?.connect
    }

    /// How long something takes: the same for the same label and key, whatever else happens (design §5).
    ///
    /// The key of a turn's stage is its reference, so that the same turn meets the same fate in every order of events; what
    /// has none goes by its ordinal.
    package func draw(
        _ distribution: Distribution, _ label: StaticString, _ key: UInt64, index: UInt64 = 0
    ) -> Duration {
        var random = seed.stream(label, key, index)
        return distribution.draw(&random)
    }

    /// The same for the time to an answer's first content, to which faults add.
    ///
    /// - fields: of the request that is answered, for faults that ask for some.
    package func firstContent(
        _ distribution: Distribution, _ label: StaticString, _ key: UInt64,
        of provider: ProviderID, reference: TurnReference?, fields: [FaultScope.Condition]
    ) -> Duration {
        let own = draw(distribution, label, key)
        guard let interference else { return own }
        var passage = EmulatorPassage(
            provider: provider, kind: .request, ordinal: key, call: reference?.call)
        passage.reference = reference
        passage.fields = fields
        return own + interference.extraLatency(on: passage, at: now)
    }

    /// Something changed for streams that are open: faults were armed or cleared.
    package var onFaults: [(Instant) -> Void] = []

    /// Seconds since 1970 now.
    package var unixSeconds: Int64 { epochSeconds + now.nanoseconds / 1_000_000_000 }

    /// An identifier in the form of a UUID, version 4.
    package func uuid(_ label: StaticString, _ ordinal: UInt64) -> String {
        var random = seed.stream(label, ordinal)
        let high = random.next() & ~0xf000 | 0x4000
        let low = random.next() & ~(3 << 62) | 2 << 62
        let digits = Self.hex(high) + Self.hex(low)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    /// 16 hexadecimal digits.
    package static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Which API keys the emulators accept.
package enum KeyCheck: Hashable, Sendable {
    /// Any key that is not empty: clients are given made-up keys.
    case anyKey
    /// One of these.
    case only([String])

    package func accepts(_ key: String?) -> Bool {
        guard let key, !key.isEmpty else { return false }
        switch self {
        case .anyKey: return true
        case .only(let keys): return keys.contains(key)
        }
    }
}
