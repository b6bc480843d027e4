import UproarCore

/// The built-in conditions that end a run with faults, looked at four times a second. A value: it is told and answers.
package struct StopConditions {
    /// What is seen at one look.
    package struct Sight {
        package var at: Instant
        /// Bytes the machine could still give; nil when not known.
        package var memoryAvailable: Int64?
        /// A fault that could not be undone.
        package var dirty: String?
        /// Since the last word of the emulators, while calls are under way; nil when nothing is to be expected.
        package var silence: Duration?
        /// Of the last whole second.
        package var lateness: Duration?
        package var loopLag: Duration?
        /// An uproar halt that was pulled.
        package var halted: String?

        package init(at: Instant) { self.at = at }
    }

    package struct Stop: Hashable, Sendable {
        package var rule: String
        package var reason: String
    }

    /// Less free memory than this ends the run.
    package var memoryFloor: Int64
    /// The emulators tell of every utterance and every ten seconds of audio.
    package static let silenceLimit = Duration.seconds(15)
    /// A caller later than this, second after second, is no caller any more.
    package static let latenessLimit = Duration.milliseconds(100)
    package static let lagLimit = Duration.milliseconds(500)
    package static let overloadFor = Duration.seconds(5)

    private var overloadedSince: Instant?
    private var isLow = false

    package init(memoryFloor: Int64) { self.memoryFloor = memoryFloor }

    /// The first condition that holds, in the order of this text.
    package mutating func look(_ sight: Sight) -> Stop? {
        if let reason = sight.halted { return Stop(rule: "halt", reason: "halted: \(reason)") }
        if let dirty = sight.dirty { return Stop(rule: "heal_failure", reason: dirty) }
        if let free = sight.memoryAvailable, free < memoryFloor {
            // Two looks in a row: a moment is no shortage.
            if isLow {
                return Stop(
                    rule: "memory_floor",
                    reason: "\(free >> 20) MB of memory are free, less than \(memoryFloor >> 20) MB"
                )
            }
            isLow = true
        } else {
            isLow = false
        }
        if let silence = sight.silence, silence > Self.silenceLimit {
            return Stop(
                rule: "telemetry_lost",
                reason: "the emulators have told nothing for \(NumberText.duration(silence))")
        }
        let isOverloaded =
            (sight.lateness ?? .zero) > Self.latenessLimit
            || (sight.loopLag ?? .zero) > Self.lagLimit
        guard isOverloaded else {
            overloadedSince = nil
            return nil
        }
        let since = overloadedSince ?? sight.at
        overloadedSince = since
        guard sight.at - since >= Self.overloadFor else { return nil }
        return Stop(
            rule: "generator_overloaded",
            reason:
                "the callers were late by more than \(NumberText.duration(Self.latenessLimit)) for \(NumberText.duration(Self.overloadFor))"
        )
    }
}
