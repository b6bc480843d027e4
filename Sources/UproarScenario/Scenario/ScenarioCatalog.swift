import UproarCore

/// What scenario files may name, handed in as values: the scenario module knows no transport and no fault itself.
package struct ScenarioCatalog: Sendable {
    package var transports: [TransportDescriptor]
    package var faults: [FaultDescriptor]
    /// Ids of links and processes that a fault's `on` may name besides providers and their roles.
    package var places: [String]
    package var metrics: [MetricDescriptor]
    /// What `agent:` may set besides the keys that this module reads itself.
    package var agentKeys: [AgentKey]
    /// Variants that can be made of any clean recording: noise and level.
    package var variants: [String]
    /// Names of the alert rules that ship.
    package var alerts: [String]

    package init(
        transports: [TransportDescriptor], faults: [FaultDescriptor] = [], places: [String] = [],
        metrics: [MetricDescriptor] = MetricCatalog.all, agentKeys: [AgentKey] = [],
        variants: [String] = [], alerts: [String] = []
    ) {
        self.alerts = alerts
        self.transports = transports
        self.faults = faults
        self.places = places
        self.metrics = metrics
        self.agentKeys = agentKeys
        self.variants = variants
    }

    package func metric(_ name: String) -> MetricDescriptor? { metrics.first { $0.name == name } }

    /// Everything that `on` may name: roles, providers, links, processes.
    package var targets: [String] {
        ProviderRole.allCases.map(\.rawValue) + ProviderID.allCases.map(\.name) + places
    }
}

/// A setting of the reference agent that a scenario may give; the agent itself says what it may be.
package struct AgentKey: Sendable {
    package var name: String
    /// Throws what is wrong with a value.
    package var check: @Sendable (String) throws(TextProblem) -> Void

    package init(_ name: String, check: @escaping @Sendable (String) throws(TextProblem) -> Void) {
        self.name = name
        self.check = check
    }
}
