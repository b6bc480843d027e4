import UproarScenario

extension Scenario {
    /// What a live run starts, for people.
    var startText: String {
        switch target {
        case .embedded(let workers, _):
            "redis-server, providers, " + (workers == 1 ? "agent" : "\(workers) agents")
        case .command: "redis-server, providers, your agent"
        case .url(let url):
            switch providers.place {
            case .own: "callers for \(url)"
            case .listen(let host, let port): "providers at \(host):\(port), callers for \(url)"
            case .attach(let providers): "callers for \(url), attached to \(providers)"
            }
        }
    }
}
