import UproarCore

/// One fault with everything that decides about it: what, on whom, from when to when. A value that travels to whoever carries it
/// out (`arm` on the control socket) and ends by itself.
package struct FaultPlan: Hashable, Sendable {
    /// Of its event in the timeline; repeated events have a number behind it (`flap#2`).
    package var id: String
    /// Its place in the run's list of faults: what facts carry.
    package var number: UInt32
    /// The descriptor's name.
    package var fault: String
    package var attributes: FaultAttributes
    package var scope: FaultScope
    package var window: FaultWindow
    package var seed: Seed

    package init(
        id: String, number: UInt32, fault: String, attributes: FaultAttributes = .init(),
        scope: FaultScope = .init(), window: FaultWindow, seed: Seed
    ) {
        self.id = id
        self.number = number
        self.fault = fault
        self.attributes = attributes
        self.scope = scope
        self.window = window
        self.seed = seed
    }

    /// The stream of one decision: the same for the same plan, key and index, whatever else was asked before.
    package func stream(_ key: UInt64, _ index: UInt64 = 0) -> RandomStream {
        seed.stream(text: id, key, index)
    }
}

/// When a fault acts, in instants of the run.
package struct FaultWindow: Hashable, Sendable {
    package var from: Instant
    /// No later than this it is over, whoever is left to end it.
    package var until: Instant
    /// On for the first, off for the second, over and over; nil: all the time.
    package var pulse: Pulse?
    /// Over after so many hits; nil: no matter how many.
    package var count: Int?

    package struct Pulse: Hashable, Sendable {
        package var on: Duration
        package var off: Duration
        package init(on: Duration, off: Duration) {
            self.on = on
            self.off = off
        }
    }

    package init(from: Instant, until: Instant, pulse: Pulse? = nil, count: Int? = nil) {
        self.from = from
        self.until = until
        self.pulse = pulse
        self.count = count
    }

    package func isOpen(at now: Instant) -> Bool {
        guard now >= from, now < until else { return false }
        guard let pulse else { return true }
        let period = (pulse.on + pulse.off).nanoseconds
        return (now - from).nanoseconds % period < pulse.on.nanoseconds
    }

    /// The next instant after `now` at which `isOpen` may change; nil when it is over.
    package func nextChange(after now: Instant) -> Instant? {
        if now < from { return from }
        guard now < until else { return nil }
        guard let pulse else { return until }
        let period = (pulse.on + pulse.off).nanoseconds
        let phase = (now - from).nanoseconds % period
        let next = phase < pulse.on.nanoseconds ? pulse.on.nanoseconds : period
        return min(until, now + .nanoseconds(next - phase))
    }
}

/// Whom a fault meets.
package struct FaultScope: Hashable, Sendable {
    /// Roles, providers, links or processes; empty: wherever the fault can act.
    package var on: [String] = []
    /// What a passage must match: `path`, `model`, `method`, `command`, … by equality, or as a prefix with `*` at its end.
    package var conditions: [Condition] = []
    package var cohort: Cohort?
    package var unit: Unit?
    package var chance: Chance = .always
    package var maxActive: Int?
    /// The chance grows from nothing over this time.
    package var ramp: Duration = .zero

    package struct Condition: Hashable, Sendable {
        package var key: String
        package var value: String
        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }

        package func holds(of text: String?) -> Bool {
            guard let text else { return false }
            guard value.hasSuffix("*") else { return text == value }
            return text.hasPrefix(value.dropLast())
        }
    }

    /// Which calls; sticky for a call.
    package enum Cohort: Hashable, Sendable {
        case share(Chance)
        /// Every n-th call.
        case every(Int)
        /// These calls: what a tag came to.
        case calls([UInt32])
    }

    /// What one draw of the chance decides about.
    package enum Unit: String, CaseIterable, Sendable {
        case request, connection, call, chunk
    }

    package init() {}
    package init(on: [String]) { self.on = on }
}
