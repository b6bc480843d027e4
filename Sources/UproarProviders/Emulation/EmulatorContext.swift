import UproarCore
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
    /// What goes wrong on purpose; nil when nothing does.
    package var interference: (any EmulatorInterference)?
    private let facts: any FactSink
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

    private static func place(_ provider: ProviderID) -> Int {
        ProviderID.allCases.firstIndex(of: provider) ?? 0
    }

    package func state(
        _ kind: FactKind, of provider: ProviderID, at instant: Instant, call: UInt32? = nil,
        reference: TurnReference? = nil, value: Int64 = 0, detail: UInt32 = 0
    ) {
        facts.state(
            Fact(
                kind, at: instant, call: call, reference: reference, value: value, detail: detail,
                origin: .provider(provider)))
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

/// Decides what goes wrong on purpose at an emulator. Decisions only: the emulator carries them out.
package protocol EmulatorInterference: AnyObject {
    func verdict(on passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict
}

/// One thing that is about to happen at an emulator.
package struct EmulatorPassage: Hashable, Sendable {
    package var provider: ProviderID
    package var kind: Kind
    /// Of the connection (upgrades) or the request, from 1, within the provider.
    package var ordinal: UInt64
    package var reference: TurnReference?

    package enum Kind: Hashable, Sendable {
        case upgrade
        case request
    }
}

package enum EmulatorVerdict: Hashable, Sendable {
    case pass
    /// An answer with this status in the vendor's error shape.
    case refuse(status: Int, retryAfter: Duration?)
    /// The connection is reset.
    case reset
    /// Accepted and then left without any answer.
    case mute
}
