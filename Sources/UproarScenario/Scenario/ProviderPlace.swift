import UproarCore

/// Where the emulated providers of a run are.
package enum ProviderPlace: Hashable, Sendable {
    /// The run starts them where ports are free, if its target needs them.
    case own
    /// The run starts them here: the first at this port, the others after it in the order of `uproar list providers`.
    case listen(host: String, port: UInt16)
    /// Somebody else has started them: the address that `uproar providers` prints.
    case attach(String)

    static let listenForm = "an address and a port, such as 127.0.0.1:9100"
    static let attachForm =
        "the address that `uproar providers` prints, such as tcp://127.0.0.1:9199"

    static func parseListen(_ text: String) throws(TextProblem) -> ProviderPlace {
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no place to listen at", allowed: listenForm)
        }
        return .listen(host: String(text[..<colon]), port: port)
    }

    static func parseAttach(_ text: String) throws(TextProblem) -> ProviderPlace {
        let rest = text.dropFirst(6)
        guard text.hasPrefix("tcp://"), let colon = rest.lastIndex(of: ":"),
            colon > rest.startIndex, let port = UInt16(rest[rest.index(after: colon)...]), port > 0
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no place of providers", allowed: attachForm)
        }
        return .attach(text)
    }

    /// Members of the resolved scenario.
    var json: [JSONValue.Member] {
        switch self {
        case .own: []
        case .listen(let host, let port): [.init("listen", .string("\(host):\(port)"))]
        case .attach(let url): [.init("attach", .string(url))]
        }
    }
}

extension ScenarioReader {
    /// `listen:` or `attach:`, which only make sense for some targets.
    func place(_ map: MapReader?, _ target: Scenario.Target?) -> ProviderPlace {
        guard let map else { return .own }
        let listen = map.value("listen", ProviderPlace.parseListen)
        let attach = map.value("attach", ProviderPlace.parseAttach)
        if listen != nil, attach != nil {
            reading.report(
                map.mark("attach"), "providers.attach stands beside providers.listen",
                allowed: "emulators of this run, or somebody else's", page: map.page)
        }
        if attach != nil, let target {
            guard case .url = target else {
                reading.report(
                    map.mark("attach"),
                    "providers.attach: a target that the run starts has the run's own providers",
                    allowed: "attach beside target.url, or providers.listen", page: map.page)
                return .own
            }
        }
        return attach ?? listen ?? .own
    }

    /// References are on where the run hears the emulators; nobody could read them elsewhere.
    func tagging(_ map: MapReader, _ target: Scenario.Target?, _ providers: ProviderSettings)
        -> Bool
    {
        let asked = map.value("tagging", ScalarText.isOn)
        guard case .url? = target, providers.place == .own else {
            return asked ?? !providers.hasRealSpeech
        }
        if asked == true {
            reading.report(
                map.mark("tagging"),
                "tagging is on, and the run would hear nothing of the agent's providers",
                allowed:
                    "providers: {listen: 127.0.0.1:9100} or providers: {attach: …} beside it, or tagging: off",
                page: "docs/scenario.md#providers")
        }
        return false
    }
}
