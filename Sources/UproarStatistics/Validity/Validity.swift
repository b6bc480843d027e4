import UproarCore

/// Whether the harness was fit to judge, and why not.
package struct Validity: Hashable, Sendable {
    package var state: ValidityState
    /// Sentences for people, most serious first; empty when valid.
    package var reasons: [String]
    package var log: GeneratorLog
    /// p99 of frame lateness over the run; nil when no frame was sent.
    package var sendLatenessP99: Duration?
    /// Of the internal calls before the run; nil when there were none (simulation, a run that did not start).
    package var noiseFloor: NoiseFloor?
    /// The same after the run; nil, too, where it was ended by hand.
    package var noiseFloorAfter: NoiseFloor?

    /// What of this machine's own is in the run's figures: the worse of the two.
    package var worstNoiseFloor: NoiseFloor? {
        [noiseFloor, noiseFloorAfter].compactMap { $0 }.max { $0.errorP50 < $1.errorP50 }
    }

    package init(
        state: ValidityState = .valid, reasons: [String] = [], log: GeneratorLog = .init(),
        sendLatenessP99: Duration? = nil
    ) {
        self.state = state
        self.reasons = reasons
        self.log = log
        self.sendLatenessP99 = sendLatenessP99
    }

    /// Invalid from now on, first of all for this reason.
    package mutating func distrust(_ reason: String) {
        state = .invalid
        reasons.insert(reason, at: 0)
    }
}

/// The limits of SELF-1 to SELF-3 and PACE-3. Each row: suspect from the first number, invalid from the second.
package struct ValidityLimits: Sendable {
    /// p99 of `send_lateness` over the run.
    package var sendLateness = (
        suspect: Duration.milliseconds(5), invalid: Duration.milliseconds(10)
    )
    /// Calls dialled of those due, in steady state: below this the run is invalid.
    package var achieved = 0.99
    /// One second in which a loop stood still this long is suspect; one of the second length makes the run invalid.
    package var loopLag = (suspect: Duration.milliseconds(100), invalid: Duration.seconds(1))
    /// Share of the seconds with a suspect loop lag from which the run is invalid.
    package var badSeconds = 0.05
    /// Frames never sent, of those due.
    package var skippedFrames = (suspect: 0.0, invalid: 0.001)
    /// Share of the seconds in which the kernel dropped something of ours from which the run is invalid; any is suspect.
    package var dropSeconds = 0.01
    /// Mean share of CPU time stolen by the machine's host: suspect. Lateness says whether it did harm.
    package var steal = 0.10
    /// Share of time our processes were throttled.
    package var throttled = (suspect: 0.01, invalid: 0.10)
    /// A second without a sample is a gap; a longer one than this makes the run invalid.
    package var gap = Duration.seconds(3)
    /// Median error of the known answers around the run: suspect. A handful of calls are too few to call a run invalid for.
    package var noise = Duration.milliseconds(5)
    /// So many times what it was before the run, and more than this beyond it, the floor has risen: suspect.
    package var noiseRise = (times: 3, atLeast: Duration.milliseconds(2))
    /// Voice renders of the emulators that were not ready, as a share of the turns: suspect.
    package var lateRenders = 0.01

    package init() {}
}

/// Judges the harness from what it saw of itself: a pure function.
package struct ValidityJudge: Sendable {
    package var limits = ValidityLimits()

    package init(_ limits: ValidityLimits = .init()) { self.limits = limits }

    /// What the judgement rests on, beside the samples.
    package struct Evidence: Sendable {
        /// `send_lateness` of the whole run.
        package var sendLateness: SignedHistogram
        /// The steady pieces; empty means the whole run.
        package var steady: [Range<Instant>]
        package var lateRenders: UInt64
        package var turns: UInt64
        /// Facts that were lost on their way, or came after their call was folded.
        package var lostFacts: UInt64
        /// Known answers before and after the run, where there were any.
        package var noise: (before: NoiseFloor?, after: NoiseFloor?)

        package init(
            sendLateness: SignedHistogram, steady: [Range<Instant>] = [], lateRenders: UInt64 = 0,
            turns: UInt64 = 0, lostFacts: UInt64 = 0,
            noise: (before: NoiseFloor?, after: NoiseFloor?) = (nil, nil)
        ) {
            self.sendLateness = sendLateness
            self.steady = steady
            self.lateRenders = lateRenders
            self.turns = turns
            self.lostFacts = lostFacts
            self.noise = noise
        }
    }

    package func judge(_ log: GeneratorLog, _ evidence: Evidence) -> Validity {
        var findings = Findings()
        let p99 = evidence.sendLateness.quantile(0.99).map {
            Duration.nanoseconds(Int64($0.value))
        }
        if let p99 {
            findings.add(
                p99 > limits.sendLateness.invalid
                    ? .invalid : p99 > limits.sendLateness.suspect ? .suspect : .valid,
                "frames were sent late: p99 \(NumberText.duration(p99)), limit "
                    + NumberText.duration(limits.sendLateness.suspect))
        }
        judgeArrivals(log, evidence.steady, &findings)
        judgeLoops(log, &findings)
        judgeMachine(log, &findings)
        judgeGaps(log, &findings)
        judgeNoise(evidence.noise, &findings)
        if evidence.turns > 0 {
            let share = Double(evidence.lateRenders) / Double(evidence.turns)
            findings.add(
                share > limits.lateRenders ? .suspect : .valid,
                "the voice emulator was late \(evidence.lateRenders) times in \(evidence.turns) turns"
            )
        }
        findings.add(
            evidence.lostFacts > 0 ? .suspect : .valid,
            "\(evidence.lostFacts) facts came too late or were lost")
        var validity = Validity(
            state: findings.worst, reasons: findings.reasons, log: log, sendLatenessP99: p99)
        validity.noiseFloor = evidence.noise.before
        validity.noiseFloorAfter = evidence.noise.after
        return validity
    }

    // MARK: Parts

    private func judgeArrivals(
        _ log: GeneratorLog, _ steady: [Range<Instant>], _ findings: inout Findings
    ) {
        let counted = log.samples.filter { sample in
            steady.isEmpty || steady.contains { $0.contains(sample.at) }
        }
        let offered = counted.reduce(0) { $0 + $1.offered }
        let achieved = counted.reduce(0) { $0 + $1.achieved }
        if offered > 0 {
            let share = Double(achieved) / Double(offered)
            findings.add(
                share < limits.achieved ? .invalid : .valid,
                "only \(NumberText.fixed(share * 100, 1)) % of the calls due were dialled "
                    + "(\(achieved) of \(offered))")
        }
    }

    private func judgeLoops(_ log: GeneratorLog, _ findings: inout Findings) {
        for (name, lag) in [
            ("a caller loop", { (sample: GeneratorSample) in sample.loopLag }),
            ("an emulator loop", { $0.emulatorLag ?? .zero }),
        ] {
            guard let worst = log.samples.max(by: { lag($0) < lag($1) }) else { continue }
            let bad = log.samples.count { lag($0) >= limits.loopLag.suspect }
            let share = Double(bad) / Double(log.samples.count)
            let isInvalid =
                lag(worst) >= limits.loopLag.invalid || (bad > 1 && share > limits.badSeconds)
            findings.add(
                isInvalid ? .invalid : bad > 0 ? .suspect : .valid,
                "\(name) stood still for \(NumberText.duration(lag(worst))) at "
                    + "\(NumberText.duration(worst.at - .zero)); \(bad) bad seconds of "
                    + "\(log.samples.count)")
        }
        let sent = log.samples.reduce(0) { $0 + $1.framesSent }
        let skipped = log.samples.reduce(0) { $0 + $1.framesSkipped }
        if sent + skipped > 0 {
            let share = Double(skipped) / Double(sent + skipped)
            findings.add(
                share > limits.skippedFrames.invalid
                    ? .invalid : share > limits.skippedFrames.suspect ? .suspect : .valid,
                "\(NumberText.grouped(skipped)) of \(NumberText.grouped(sent + skipped)) frames were "
                    + "never sent")
        }
    }

    private func judgeMachine(_ log: GeneratorLog, _ findings: inout Findings) {
        guard !log.samples.isEmpty else { return }
        let seconds = log.samples.reduce(0) { $0 + $1.length.inSeconds }
        let dropping = log.samples.count { $0.drops > 0 }
        let share = Double(dropping) / Double(log.samples.count)
        findings.add(
            dropping > 1 && share > limits.dropSeconds
                ? .invalid : dropping > 0 ? .suspect : .valid,
            "the kernel dropped \(log.samples.reduce(0) { $0 + $1.drops }) packets of ours in "
                + "\(dropping) seconds")
        let steal = log.samples.compactMap(\.steal)
        if !steal.isEmpty {
            let mean = steal.reduce(0, +) / Double(steal.count)
            findings.add(
                mean > limits.steal ? .suspect : .valid,
                "the machine's host took \(NumberText.fixed(mean * 100, 1)) % of its CPU time")
        }
        let throttled = log.samples.reduce(Duration.zero) { $0 + $1.throttled }
        let held = throttled.inSeconds / max(seconds, 1e-9)
        findings.add(
            held > limits.throttled.invalid
                ? .invalid : held > limits.throttled.suspect ? .suspect : .valid,
            "a CPU quota held our processes for \(NumberText.duration(throttled))")
    }

    private func judgeGaps(_ log: GeneratorLog, _ findings: inout Findings) {
        var longest = Duration.zero
        var at = Instant.zero
        for (sample, next) in zip(log.samples, log.samples.dropFirst())
        where next.at - sample.end > longest {
            longest = next.at - sample.end
            at = sample.end
        }
        findings.add(
            longest > limits.gap ? .invalid : .valid,
            "nothing is known of the harness for \(NumberText.duration(longest)) from "
                + NumberText.duration(at - .zero))
    }

    /// What a machine gets wrong when the answer is known, it gets wrong when it is not.
    private func judgeNoise(
        _ noise: (before: NoiseFloor?, after: NoiseFloor?), _ findings: inout Findings
    ) {
        for (when, floor) in [("before", noise.before), ("after", noise.after)] {
            guard let floor else { continue }
            findings.add(
                floor.errorP50 > limits.noise ? .suspect : .valid,
                "known answers \(when) the run came back \(NumberText.duration(floor.errorP50)) off "
                    + "at p50, limit \(NumberText.duration(limits.noise))")
        }
        guard let before = noise.before?.errorP50, let after = noise.after?.errorP50 else { return }
        let hasRisen =
            after > before * limits.noiseRise.times && after - before > limits.noiseRise.atLeast
        findings.add(
            hasRisen ? .suspect : .valid,
            "the machine's noise floor rose from \(NumberText.duration(before)) before the run to "
                + "\(NumberText.duration(after)) after it: what was measured last is the least sure"
        )
    }

    /// Findings in the order of their weight.
    private struct Findings {
        private var invalid: [String] = []
        private var suspect: [String] = []

        mutating func add(_ state: ValidityState, _ reason: String) {
            switch state {
            case .invalid: invalid.append(reason)
            case .suspect: suspect.append(reason)
            case .valid: break
            }
        }

        var worst: ValidityState {
            !invalid.isEmpty ? .invalid : suspect.isEmpty ? .valid : .suspect
        }
        var reasons: [String] { invalid + suspect }
    }
}
