import UproarCore

/// What scenario files may name, handed in as values: the scenario module knows no transport and no fault itself.
package struct ScenarioCatalog: Sendable {
    package var transports: [TransportDescriptor]
    package var faults: [FaultDescriptor]
    /// Ids of links and processes that a fault's `on` may name besides providers and their roles.
    package var places: [String]
    package var metrics: [MetricDescriptor]
    /// Variants that can be made of any clean recording: noise and level.
    package var variants: [String]

    package init(
        transports: [TransportDescriptor], faults: [FaultDescriptor] = [], places: [String] = [],
        metrics: [MetricDescriptor] = MetricCatalog.all, variants: [String] = []
    ) {
        self.transports = transports
        self.faults = faults
        self.places = places
        self.metrics = metrics
        self.variants = variants
    }

    package func metric(_ name: String) -> MetricDescriptor? { metrics.first { $0.name == name } }

    /// Everything that `on` may name: roles, providers, links, processes.
    package var targets: [String] {
        ProviderRole.allCases.map(\.rawValue) + ProviderID.allCases.map(\.name) + places
    }
}
