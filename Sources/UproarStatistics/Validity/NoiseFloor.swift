import UproarCore

/// How far off this machine measured when the answer was known: |measured − stamped| of a few internal calls around a run.
/// Differences between runs below three times this are noise.
package struct NoiseFloor: Hashable, Sendable {
    /// Answers that were compared.
    package var turns: Int
    package var errorP50: Duration
    package var errorMaximum: Duration

    package init(turns: Int, errorP50: Duration, errorMaximum: Duration) {
        self.turns = turns
        self.errorP50 = errorP50
        self.errorMaximum = errorMaximum
    }

    /// Of the `claim_gap` of calibration calls; nil when there was none.
    package init?(_ gap: SignedHistogram) {
        var error = HDRHistogram()
        error.add(gap.positive)
        error.add(gap.negative)
        guard let p50 = error.quantile(0.5), let most = error.quantile(1) else { return nil }
        self.init(
            turns: Int(gap.count), errorP50: .nanoseconds(p50), errorMaximum: .nanoseconds(most))
    }

    /// `noise floor p50 120µs, max 840µs, 12 turns`.
    package var text: String { "noise floor \(figures)" }

    private var figures: String {
        "p50 \(NumberText.duration(errorP50)), max \(NumberText.duration(errorMaximum)), "
            + "\(turns) turns"
    }

    /// `noise floor p50 120µs, max 840µs, 12 turns; after p50 …`. Nil where neither was measured.
    package static func text(before: NoiseFloor?, after: NoiseFloor?) -> String? {
        switch (before, after) {
        case (nil, nil): nil
        case (let before?, nil): before.text
        case (nil, let after?): "noise floor after \(after.figures)"
        case (let before?, let after?): "\(before.text); after \(after.figures)"
        }
    }
}

extension Validity {
    /// What the known answers around the run said; nil where there were none.
    package var noiseText: String? {
        NoiseFloor.text(before: noiseFloor, after: noiseFloorAfter)
    }
}

extension NoiseFloor {
    var json: JSONValue {
        [
            "turns": .integer(Int64(turns)), "error_ms_p50": .milliseconds(errorP50),
            "error_ms_max": .milliseconds(errorMaximum),
        ]
    }

    init?(_ fields: ResultFields?) {
        guard let fields, let p50 = fields.duration("error_ms_p50"),
            let most = fields.duration("error_ms_max")
        else { return nil }
        self.init(turns: fields.int("turns", else: 0), errorP50: p50, errorMaximum: most)
    }
}
