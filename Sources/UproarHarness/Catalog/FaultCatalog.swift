import UproarCore
import UproarFaults

/// Every fault: a literal list. Timelines are parsed and checked against it.
package enum FaultCatalog {
    package static let all: [FaultDescriptor] =
        ProviderFaultCatalog.all.map { $0.descriptor }
        + ProcessFaultCatalog.all.map { $0.descriptor }
        + LinkFaultCatalog.all.map { $0.descriptor } + PacketFaultCatalog.all.map { $0.descriptor }

    /// Who carries a fault out: the same name may mean one thing at a provider and another on a link.
    package enum Place: String {
        case provider, process, link, media
    }

    package static func place(of name: String, on targets: [String]) -> Place? {
        guard let descriptor = FaultDescriptor.named(name, on: targets, among: all) else {
            return nil
        }
        if ProviderFaultCatalog.all.contains(where: { $0.descriptor == descriptor }) {
            return .provider
        }
        if LinkFaultCatalog.all.contains(where: { $0.descriptor == descriptor }) { return .link }
        if PacketFaultCatalog.all.contains(where: { $0.descriptor == descriptor }) {
            return .media
        }
        return .process
    }
}
