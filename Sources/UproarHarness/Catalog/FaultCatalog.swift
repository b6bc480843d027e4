import UproarCore
import UproarFaults

/// Every fault: a literal list. Timelines are parsed and checked against it.
package enum FaultCatalog {
    package static let all: [FaultDescriptor] =
        ProviderFaultCatalog.all.map { $0.descriptor }
        + ProcessFaultCatalog.all.map { $0.descriptor }

    package static func isOnProcesses(_ name: String) -> Bool {
        ProcessFaultCatalog.named(name) != nil
    }
}
