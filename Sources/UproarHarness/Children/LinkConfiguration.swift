import UproarCore
import UproarFaults
import UproarRuntime

/// What a link's process is told, as it travels in `children/link.yaml`: the arrows and where they end.
package struct LinkConfiguration {
    package var links: [(arrow: LinkArrow, upstream: Endpoint)] = []
    /// The Redis behind it is the run's own: its keys may be removed.
    package var mayFlush = true
    package var epoch: Int64?

    package init(epoch: Int64?) { self.epoch = epoch }

    package var json: JSONValue {
        .object([
            .init("epoch_ns", epoch.map { .integer($0) } ?? .null),
            .init("may_flush", .bool(mayFlush)),
            .init(
                "links",
                .array(
                    links.map { link in
                        guard case .tcp(let host, let port) = link.upstream else { return .null }
                        return [
                            "arrow": .string(link.arrow.description), "host": .string(host),
                            "port": .integer(Int64(port)),
                        ]
                    })),
        ])
    }

    package init(json: JSONValue) throws {
        epoch = json["epoch_ns"]?.int.map { Int64($0) }
        mayFlush = json["may_flush"]?.isTrue ?? false
        for item in json["links"]?.items ?? [] {
            guard let arrow = item["arrow"]?.text.flatMap({ LinkArrow($0) }),
                let host = item["host"]?.text,
                let port = item["port"]?.int.flatMap({ UInt16(exactly: $0) })
            else { throw ScenarioLoading.Problem("\"links\" holds something that is no link") }
            links.append((arrow, .tcp(host: host, port: port)))
        }
        guard !links.isEmpty else { throw ScenarioLoading.Problem("\"links\" is empty") }
    }
}
