/// One gate, parsed: what must hold of one metric in one window.
///
/// Written
/// ```
/// rule     := [severity] metric [selector] ["@" window] ":" aggregate op bound ["for" dur] [opts]
/// severity := "fail" | "warn" | "abort"            (default fail)
/// selector := "{" key ("=" | "!=" | "~") value {"," ...} "}"
/// window   := "all" | "steady" | "warmup" | "stage(" name ")" | "fault(" id ["," dur ".." dur] ")"
///           | "last(" dur ")"
/// aggregate:= "p" number | "mean" | "min" | "max" | "count" | "rate" | "per_s" | "stddev"
///           | "share(" op value ")"
/// bound    := value unit | "baseline" ["*" num] ["+" value unit] | metric [selector] ["@" window]
/// op       := "<" | "<=" | ">" | ">=" | "==" | "!=" | "in" lo ".." hi
/// opts     := "min_n=" int | "no_data=" ("fail"|"warn"|"pass") | "confidence=" num | "why=" string
/// ```
/// for example `voice_to_voice{channel=phone}@steady: p95 < 900ms min_n=500`.
package struct GateRule: Hashable, Sendable {
    package var severity: Severity
    /// A name of `MetricCatalog`.
    package var metric: String
    /// All of these must hold of a sample's tags; empty means every sample.
    package var selector: [Condition]
    package var window: Window
    package var aggregate: Aggregate
    package var comparison: Comparison
    package var bound: Bound
    /// `for 10s`: a rule fails only after it has not held for this long without a break. Of use to live rules (`abort`).
    package var holdFor: Duration?
    /// Fewer samples than this make the rule inconclusive; nil means the rule of ten beyond the quantile.
    package var minimumCount: Int?
    package var noData: NoData
    /// `confidence=0.95`: the whole confidence interval at this level must be on the right side of the limit,
    /// else the rule is inconclusive (or failed, when the whole interval is on the wrong side). In 0.5 ..< 1.
    package var confidence: Double?
    package var why: String?
    /// The rule as its author wrote it.
    package var text: String

    package init(
        severity: Severity = .fail, metric: String, selector: [Condition] = [],
        window: Window = .all, aggregate: Aggregate, comparison: Comparison, bound: Bound,
        holdFor: Duration? = nil, minimumCount: Int? = nil, noData: NoData = .fail,
        confidence: Double? = nil, why: String? = nil, text: String
    ) {
        self.severity = severity
        self.metric = metric
        self.selector = selector
        self.window = window
        self.aggregate = aggregate
        self.comparison = comparison
        self.bound = bound
        self.holdFor = holdFor
        self.minimumCount = minimumCount
        self.noData = noData
        self.confidence = confidence
        self.why = why
        self.text = text
    }

    package enum Severity: String, CaseIterable, Sendable {
        /// Decides the exit code.
        case fail
        /// Is reported and decides nothing.
        case warn
        /// Ends the run as soon as it has not held for `holdFor`; at the end it counts like `fail`.
        case abort
    }

    /// One condition on a tag of a sample: `channel=phone`, `provider!=whisper`, `load~ramp`.
    package struct Condition: Hashable, Sendable {
        package var key: String
        package var test: Test
        package var value: String

        /// The raw value is its spelling.
        package enum Test: String, CaseIterable, Sendable {
            case equals = "="
            case differs = "!="
            /// The tag's value contains this text.
            case contains = "~"
        }

        package init(_ key: String, _ test: Test, _ value: String) {
            self.key = key
            self.test = test
            self.value = value
        }

        /// Whether a sample whose tag `key` has this value (nil: no such tag) fits.
        package func holds(of tag: String?) -> Bool {
            switch test {
            // `*` says that any will do: what one would otherwise be asked to choose is chosen.
            case .equals: value == "*" || tag == value
            case .differs: tag != value
            case .contains: tag.map { Self.text($0, contains: value) } ?? false
            }
        }

        private static func text(_ text: String, contains part: String) -> Bool {
            let text = Array(text.utf8)
            let part = Array(part.utf8)
            guard part.count <= text.count else { return false }
            return (0...text.count - part.count).contains {
                text[$0..<$0 + part.count].elementsEqual(part)
            }
        }
    }

    package enum Window: Hashable, Sendable {
        /// The whole run.
        case all
        /// From the end of the last ramp to the start of the drain, minus each fault from its arming to the end of its recovery.
        case steady
        /// What lies before `steady`.
        case warmup
        /// One load line by its name (`ramp-1`, `hold-1`, or its own).
        case stage(String)
        /// One fault by its id. `from` and `to` count from its first effective injection; both nil: until it is cleared.
        case fault(String, from: Duration?, to: Duration?)
        /// The last so much time before the evaluation: slides during the run, ends with the last due turn after it.
        case last(Duration)
    }

    package enum Aggregate: Hashable, Sendable {
        /// `p95` is 0.95. Strictly between 0 and 1.
        case quantile(Double)
        case mean, minimum, maximum, count
        /// Events (or samples that were not censored) as a share of the occasions for one.
        case rate
        /// Events by second of the window.
        case perSecond
        case deviation
        /// The share of samples for which the inner comparison holds: `share(<800ms)`. Censored samples lie above everything.
        case share(Comparison, Quantity)

        /// What the right side of a rule with this aggregate is measured in.
        package func dimension(of metric: MetricDescriptor) -> MetricDescriptor.Dimension {
            switch self {
            case .quantile, .mean, .minimum, .maximum, .deviation: metric.dimension
            case .count, .perSecond: .count
            case .rate, .share: .share
            }
        }

        /// Whether this aggregate makes sense of metrics of this kind.
        package func suits(_ kind: MetricDescriptor.Kind) -> Bool {
            switch (self, kind) {
            case (_, .samples): true
            case (.count, .events), (.rate, .events), (.perSecond, .events): true
            // One number: its mean, least and greatest are itself.
            case (.mean, .value), (.minimum, .value), (.maximum, .value): true
            default: false
            }
        }
    }

    /// The raw value is its spelling.
    package enum Comparison: String, CaseIterable, Sendable {
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case equal = "=="
        case different = "!="
        /// `in lo .. hi`, both ends included. Its bound is `.range`.
        case within = "in"
    }

    package enum Bound: Hashable, Sendable {
        case value(Quantity)
        case range(Quantity, Quantity)
        /// `baseline*1.10 + 30ms`: the same aggregate of the baseline run, times `factor`, plus a quantity.
        case baseline(factor: Double, plus: Quantity?)
        /// The same aggregate of another metric, or of another window: `voice_to_voice@steady`.
        case metric(MetricReference)
    }

    package struct MetricReference: Hashable, Sendable {
        package var metric: String
        package var selector: [Condition]
        package var window: Window

        package init(metric: String, selector: [Condition] = [], window: Window = .all) {
            self.metric = metric
            self.selector = selector
            self.window = window
        }
    }

    /// What a window without any sample means.
    package enum NoData: String, CaseIterable, Sendable {
        case fail, warn, pass
    }

    /// A number with its dimension, in the dimension's own unit: nanoseconds, US dollars, a bare number, a share (0.95 for
    /// 95 %), bytes, bits per second, cores.
    package struct Quantity: Hashable, Sendable {
        package var value: Double
        package var dimension: MetricDescriptor.Dimension

        package init(_ value: Double, _ dimension: MetricDescriptor.Dimension) {
            self.value = value
            self.dimension = dimension
        }
    }
}
