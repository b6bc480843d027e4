/// What machines cost and hold, with the date of each figure: a fleet is bought from it.
package struct NodeBook: Hashable, Sendable {
    package struct Node: Hashable, Sendable {
        package var name: String
        package var cores: Double
        /// Bytes.
        package var memory: Double
        package var dollarsPerHour: Double
        package var asOf: String
        package var source: String

        package init(
            name: String, cores: Double, memory: Double, dollarsPerHour: Double, asOf: String,
            source: String
        ) {
            self.name = name
            self.cores = cores
            self.memory = memory
            self.dollarsPerHour = dollarsPerHour
            self.asOf = asOf
            self.source = source
        }
    }

    /// A price by minute of call that no provider of a run is paid: the media edge, telephony.
    package struct MinutePrice: Hashable, Sendable {
        package var name: String
        package var dollars: Double
        package var asOf: String
        package var source: String

        package init(name: String, dollars: Double, asOf: String, source: String) {
            self.name = name
            self.dollars = dollars
            self.asOf = asOf
            self.source = source
        }
    }

    package var name: String
    package var nodes: [Node]
    package var minutes: [MinutePrice]

    package init(name: String, nodes: [Node], minutes: [MinutePrice]) {
        self.name = name
        self.nodes = nodes
        self.minutes = minutes
    }

    package func node(_ name: String) -> Node? { nodes.first { $0.name == name } }
}
