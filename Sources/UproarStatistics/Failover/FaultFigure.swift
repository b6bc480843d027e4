import UproarCore

/// One figure of a fault: a name that reports and gates share, and a value.
package struct FaultFigure: Hashable, Sendable {
    package enum Unit: String, Sendable { case time, count, factor, money }

    package var name: String
    package var unit: Unit
    /// Nanoseconds, a number, a multiple, dollars.
    package var value: Double
    /// Not seen by the end: at least this.
    package var isCensored = false
    /// How many samples it is the worst of; 1 for a plain figure.
    package var samples = 1
    /// What it may be at least and at most, where it is not known exactly; in the unit of `value`.
    package var low: Double?
    package var high: Double?
    /// What it rests on, for people: `by its first request elsewhere`.
    package var basis = ""

    package init(_ name: String, _ unit: Unit, _ value: Double) {
        self.name = name
        self.unit = unit
        self.value = value
    }

    /// A time, exact or censored.
    init(_ name: String, _ sample: TurnSample) {
        self.init(name, .time, Double(sample.floor.nanoseconds))
        isCensored = sample.exact == nil
    }

    /// The greatest of them; censored ones are greater than all others.
    init(_ name: String, worst spans: [FaultReport.Span]) {
        func rank(_ span: FaultReport.Span) -> (Int, Duration) {
            (span.length.exact == nil ? 1 : 0, span.length.floor)
        }
        let worst = spans.max { rank($0) < rank($1) }
        self.init(name, worst?.length ?? .exact(.zero))
        samples = spans.count
        if let worst, worst.slack > .zero, !isCensored {
            low = value
            high = value + Double(worst.slack.nanoseconds)
        }
    }

    /// `1.24s`, `> 45s`, `12`, `1.3x`, `$0.0004`; with what is not known of it: `612ms (up to 7.06s)`, `12 (10–12)`.
    package var text: String {
        var text = (isCensored ? "> " : "") + text(value)
        switch (low, high) {
        case (let low?, let high?) where low < value: text += " (\(text2(low, high)))"
        case (_, let high?) where high > value: text += " (up to \(self.text(high)))"
        default: break
        }
        return text
    }

    private func text2(_ low: Double, _ high: Double) -> String { "\(text(low))–\(text(high))" }

    private func text(_ value: Double) -> String {
        switch unit {
        case .time: NumberText.duration(.nanoseconds(Int64(value)))
        case .count:
            value == value.rounded()
                ? NumberText.grouped(Int(value)) : NumberText.fixed(value, 1)
        case .factor: NumberText.fixed(value, 1) + "x"
        case .money: NumberText.dollars(value)
        }
    }
}
