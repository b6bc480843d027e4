import UproarCore

/// One line of Prometheus' text format.
package struct PrometheusSample: Hashable, Sendable {
    package struct Label: Hashable, Sendable {
        package var name: String
        package var value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// With its suffix: `turn_latency_seconds_bucket`.
    package var name: String
    package var labels: [Label]
    package var value: Double
    /// Milliseconds since 1970, where the sender gave them.
    package var timestamp: Int64?

    package init(
        _ name: String, _ labels: KeyValuePairs<String, String> = [:], _ value: Double,
        timestamp: Int64? = nil
    ) {
        self.init(
            name, labels: labels.map { Label($0.key, $0.value) }, value, timestamp: timestamp)
    }

    package init(_ name: String, labels: [Label], _ value: Double, timestamp: Int64? = nil) {
        self.name = name
        self.labels = labels
        self.value = value
        self.timestamp = timestamp
    }

    package subscript(label: String) -> String? { labels.first { $0.name == label }?.value }
}

/// A metric with its samples.
package struct PrometheusFamily: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case counter, gauge, histogram, summary, untyped
    }

    package var name: String
    package var kind: Kind
    package var help: String?
    package var samples: [PrometheusSample]

    package init(
        name: String, kind: Kind, help: String? = nil, samples: [PrometheusSample] = []
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// Whether a sample of this name is one of this family's: its own name, or one with a suffix its kind has.
    func owns(_ sample: String) -> Bool {
        guard sample.utf8.starts(with: name.utf8) else { return false }
        let suffix = String(sample.dropFirst(name.count))
        return switch kind {
        case .histogram: ["", "_bucket", "_sum", "_count"].contains(suffix)
        case .summary: ["", "_sum", "_count"].contains(suffix)
        case .counter, .gauge, .untyped: suffix.isEmpty
        }
    }
}

/// What is wrong with a text, and in which line (from 1).
package struct PrometheusError: Error, Hashable, Sendable, CustomStringConvertible {
    package var line: Int
    package var reason: String
    package var description: String { "line \(line): \(reason)" }
}

/// Prometheus' text format, version 0.0.4 (prometheus.io, "Exposition formats").
package enum PrometheusText {
    /// Prometheus 3 refuses a scrape without it.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package static func write(_ families: [PrometheusFamily]) -> [UInt8] {
        var output: [UInt8] = []
        for family in families { write(family, into: &output) }
        return output
    }

    /// Appends one family. Names must be valid, samples of a histogram cumulative and in order: nothing is checked.
    package static func write(_ family: PrometheusFamily, into output: inout [UInt8]) {
        if let help = family.help {
            output.append(contentsOf: "# HELP \(family.name) ".utf8)
            escape(help, quotes: false, into: &output)
            output.append(0x0a)
        }
        output.append(contentsOf: "# TYPE \(family.name) \(family.kind.rawValue)\n".utf8)
        for sample in family.samples {
            output.append(contentsOf: sample.name.utf8)
            for (index, label) in sample.labels.enumerated() {
                output.append(UInt8(ascii: index == 0 ? "{" : ","))
                output.append(contentsOf: "\(label.name)=\"".utf8)
                escape(label.value, quotes: true, into: &output)
                output.append(UInt8(ascii: "\""))
            }
            if !sample.labels.isEmpty { output.append(UInt8(ascii: "}")) }
            output.append(contentsOf: " \(number(sample.value))".utf8)
            if let timestamp = sample.timestamp { output.append(contentsOf: " \(timestamp)".utf8) }
            output.append(0x0a)
        }
    }

    /// A value as Go reads it: `33`, `0.25`, `+Inf`.
    package static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return value.description
    }

    /// A bound for `le` or `quantile`, always spelt as a float: `1.0`, which is what Prometheus 3 makes of `1`.
    package static func bound(_ value: Double) -> String {
        value.isInfinite ? number(value) : value.description
    }

    private static func escape(_ text: String, quotes: Bool, into output: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): output.append(contentsOf: "\\\\".utf8)
            case 0x0a: output.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where quotes: output.append(contentsOf: "\\\"".utf8)
            default: output.append(byte)
            }
        }
    }
}
