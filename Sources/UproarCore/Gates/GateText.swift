/// Gates as people read them: one spelling in the terminal, the reports and JSON, and the grammar reads it back.
extension GateRule.Quantity {
    /// `900ms`, `$0.07`, `99.5%`, `20.0MB`, `100Kbps`, `0.16cores`, `4812`.
    package var text: String {
        switch dimension {
        case .time:
            guard abs(value) < 9e18 else { return NumberText.fixed(value, 0) }
            return Self.short(.nanoseconds(Int64(value.rounded())))
        case .money:
            var text = NumberText.dollars(value)
            // Cents stay: `$0.07`, not `$0.0700` and not `$0.1`.
            while text.hasSuffix("0"),
                text.count - (text.split(separator: ".").first?.count ?? 0) > 3
            {
                text.removeLast()
            }
            return text
        case .share: return Self.short(value * 100) + "%"
        case .count: return Self.short(value)
        case .bytes:
            switch abs(value) {
            case 1e9...: return Self.short(value / 1e9) + "GB"
            case 1e6...: return Self.short(value / 1e6) + "MB"
            case 1e3...: return Self.short(value / 1e3) + "KB"
            default: return Self.short(value) + "B"
            }
        case .bitrate:
            return abs(value) >= 1e6
                ? Self.short(value / 1e6) + "Mbps" : Self.short(value / 1e3) + "Kbps"
        case .cores: return Self.short(value) + "cores"
        }
    }

    /// As `NumberText.duration`, without zeros at the end: `1.5s`, `10s`.
    package static func short(_ duration: Duration) -> String {
        let text = NumberText.duration(duration)
        guard let point = text.firstIndex(of: "."),
            let unit = text[point...].dropFirst().firstIndex(where: { !$0.isNumber })
        else { return text }
        var digits = text[..<unit]
        while digits.hasSuffix("0") { digits.removeLast() }
        if digits.hasSuffix(".") { digits.removeLast() }
        return String(digits + text[unit...])
    }

    /// At most three digits after the point, fewer for large numbers, no trailing zeros.
    private static func short(_ value: Double) -> String {
        let size = abs(value)
        let places = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3
        var text = NumberText.fixed(value, places)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}

extension GateRule.Aggregate {
    /// `p95`, `p99.9`, `per_s`, `share(<800ms)`.
    package var text: String {
        switch self {
        case .quantile(let q):
            "p" + GateRule.Quantity((q * 1e8).rounded() / 1e6, .count).text
        case .mean: "mean"
        case .minimum: "min"
        case .maximum: "max"
        case .count: "count"
        case .rate: "rate"
        case .perSecond: "per_s"
        case .deviation: "stddev"
        case .share(let comparison, let value): "share(\(comparison.rawValue)\(value.text))"
        }
    }
}

extension GateRule.Window {
    /// `steady`, `stage(hold-1)`, `fault(stt-down, 2.00s..15.0s)`, `last(20.0s)`.
    package var text: String {
        switch self {
        case .all: "all"
        case .steady: "steady"
        case .warmup: "warmup"
        case .stage(let name): "stage(\(name))"
        case .last(let duration): "last(\(GateRule.Quantity.short(duration)))"
        case .fault(let id, let from?, let to?):
            "fault(\(id), \(GateRule.Quantity.short(from))..\(GateRule.Quantity.short(to)))"
        case .fault(let id, _, _): "fault(\(id))"
        }
    }
}

extension GateRule.Bound {
    package var text: String {
        switch self {
        case .value(let value): value.text
        case .range(let low, let high): "\(low.text)..\(high.text)"
        case .baseline(let factor, let plus):
            "baseline" + (factor == 1 ? "" : "*\(GateRule.Quantity(factor, .count).text)")
                + (plus.map { " + \($0.text)" } ?? "")
        case .metric(let reference): reference.text
        }
    }
}

extension GateRule.MetricReference {
    package var text: String {
        metric + GateRule.text(of: selector) + (window == .all ? "" : "@" + window.text)
    }
}

extension GateRule {
    package static func text(of selector: [Condition]) -> String {
        guard !selector.isEmpty else { return "" }
        return "{"
            + selector.map { "\($0.key)\($0.test.rawValue)\($0.value)" }.joined(separator: ",")
            + "}"
    }

    /// What is measured, without what is demanded: `voice_to_voice{channel=phone}@steady p95`.
    package var subject: String {
        metric + Self.text(of: selector) + (window == .all ? "" : "@" + window.text) + " "
            + aggregate.text
    }

    /// What is demanded: `< 900ms`.
    package var demand: String { "\(comparison.rawValue) \(bound.text)" }
}
