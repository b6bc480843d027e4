/// What the agent counted of its own errors while a fault lasted: by which part of it they were met, and how they looked from there. Hanging,
/// dying and refusing servers break the same turns and look different: `store timeout`, `store unreachable`, `store readonly`.
package struct AgentError: Hashable, Sendable {
    /// The agent's word for the part: `store`, `stt`, `llm`, `tts`.
    package var component: String
    /// The agent's word for what was wrong: `timeout`, `http_503`.
    package var kind: String
    package var count: Int

    package init(component: String, kind: String, count: Int) {
        self.component = component
        self.kind = kind
        self.count = count
    }

    /// `store timeout 37`.
    package var text: String { "\(component) \(kind) \(count)" }
}
