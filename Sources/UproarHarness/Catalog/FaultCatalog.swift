import UproarCore
import UproarFaults

/// Every fault: a literal list. Timelines are parsed and checked against it.
package enum FaultCatalog {
    package static let all: [FaultDescriptor] =
        ProviderFaultCatalog.all.map { $0.descriptor } + ProcessFault.catalog
}
