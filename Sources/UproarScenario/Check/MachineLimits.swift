/// What the machine allows, handed in by whoever may ask it. nil: not known, not checked.
package struct MachineLimits: Hashable, Sendable {
    /// Open descriptors of one process (RLIMIT_NOFILE, hard).
    package var descriptors: Int?
    /// Local ports for connections (net.ipv4.ip_local_port_range).
    package var ports: Int?
    /// Memory that is available, in bytes.
    package var memory: Int?

    package init(descriptors: Int? = nil, ports: Int? = nil, memory: Int? = nil) {
        self.descriptors = descriptors
        self.ports = ports
        self.memory = memory
    }
}
