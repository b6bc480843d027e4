/// A fault as timelines, help and `uproar list faults` name it.
package struct FaultName: Sendable {
    package var name: String
    package var summary: String
}

/// Every fault: a literal list. Timelines are parsed and checked against it.
package enum FaultCatalog {
    package static let all: [FaultName] = []
}
