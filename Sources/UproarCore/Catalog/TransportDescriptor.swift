/// One way to carry a call, as scenarios name it and `uproar list transports` shows it.
package struct TransportDescriptor: Hashable, Sendable {
    package var name: String
    package var summary: String
    /// File descriptors that one call takes in the caller's process.
    package var descriptorsPerCall: Int
    /// Local ports that one call takes in the caller's process.
    package var portsPerCall: Int
    /// URL schemes a target of this transport may have.
    package var schemes: [String]
    /// The channels that it carries, by the names of scenarios; the first is the one it is used for unless another is named.
    package var channels: [String]

    package init(
        name: String, summary: String, descriptorsPerCall: Int, portsPerCall: Int,
        schemes: [String], channels: [String] = ["phone"]
    ) {
        self.name = name
        self.summary = summary
        self.descriptorsPerCall = descriptorsPerCall
        self.portsPerCall = portsPerCall
        self.schemes = schemes
        self.channels = channels
    }
}
