import UproarCore
import UproarWire

/// What a scrape gets.
extension AgentMetrics {
    package func text() -> [UInt8] {
        var output: [UInt8] = []
        for metric in AgentMetric.allCases {
            PrometheusText.write(family(metric), into: &output)
        }
        return output
    }

    private func family(_ metric: AgentMetric) -> PrometheusFamily {
        let descriptor = metric.family
        var samples: [PrometheusSample] = []
        let table = tables[metric.rawValue]
        for (values, series) in zip(table.keys, table.values) {
            let labels = zip(descriptor.labels, values).map { PrometheusSample.Label($0, $1) }
            switch series {
            case .value(let value):
                samples.append(.init(descriptor.name, labels: labels, value))
            case .histogram(let histogram):
                Self.append(histogram, descriptor.name, labels, to: &samples)
            }
        }
        return PrometheusFamily(
            name: descriptor.name, kind: descriptor.kind, help: descriptor.help,
            samples: samples)
    }

    private static func append(
        _ histogram: BucketHistogram, _ name: String, _ labels: [PrometheusSample.Label],
        to samples: inout [PrometheusSample]
    ) {
        var count = 0
        for (bound, part) in zip(histogram.bounds, histogram.counts) {
            count += part
            let le = PrometheusSample.Label("le", PrometheusText.bound(bound))
            samples.append(.init(name + "_bucket", labels: labels + [le], Double(count)))
        }
        let total = Double(histogram.count)
        samples.append(.init(name + "_bucket", labels: labels + [.init("le", "+Inf")], total))
        samples.append(.init(name + "_sum", labels: labels, histogram.sum))
        samples.append(.init(name + "_count", labels: labels, total))
    }
}
