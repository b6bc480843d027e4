import UproarCore

/// Every fault: a literal list. Timelines are parsed and checked against it.
package enum FaultCatalog {
    package static let all: [FaultDescriptor] = []
}
