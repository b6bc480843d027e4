import UproarCore

extension FaultHistory {
    /// The fault as the plan has it.
    package struct Subject: Hashable, Sendable {
        package var id: String
        package var number: UInt32
        package var kind: String
        package var target: String
        package var summary: String
        /// Providers it acts on, or whose link; empty for processes and for the link before the agent.
        package var providers: [ProviderID]
        /// How long after its end its effects may last.
        package var recovery: Duration
        /// It meets only some requests of its providers (a model, a path): another request there is another way.
        package var isPartial = false
        /// It meets everything of those it covers: who was owed something there and did not get it was met, though it never asked.
        package var isCertain = true
        /// It acts on the way to its providers: what left them may not have come.
        package var isOnLink = false
        /// What the agent has declared about itself; nil: nothing is known.
        package var policy: DetectionFloor.Policy?

        package init(
            id: String, number: UInt32, kind: String, target: String, summary: String,
            providers: [ProviderID], recovery: Duration
        ) {
            self.id = id
            self.number = number
            self.kind = kind
            self.target = target
            self.summary = summary
            self.providers = providers
            self.recovery = recovery
        }

        /// The one role of its providers; nil for processes, the link before the agent and several roles at once.
        package var role: ProviderRole? {
            guard let role = providers.first?.role, providers.allSatisfy({ $0.role == role })
            else { return nil }
            return role
        }
    }
}
