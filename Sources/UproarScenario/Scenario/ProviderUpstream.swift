import UproarCore

/// A provider of a run that is not emulated: `providers: {deepgram: {upstream: "wss://api.deepgram.com"}}`.
package struct ProviderUpstream: Hashable, Sendable {
    package var provider: ProviderID
    /// `https://` or `wss://` (or plain) with a host, a port where it is not the scheme's, and perhaps a path.
    package var url: String

    package init(provider: ProviderID, url: String) {
        self.provider = provider
        self.url = url
    }

    package static let key = "upstream"
    private static let form = "an address such as wss://api.deepgram.com or https://api.openai.com"

    static func parse(_ text: String) throws(TextProblem) -> String {
        let schemes = ["wss://", "https://", "ws://", "http://"]
        guard let scheme = schemes.first(where: { text.hasPrefix($0) }) else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no address of a vendor", allowed: form)
        }
        let rest = text.dropFirst(scheme.count)
        guard let first = rest.first, first != "/", first != ":",
            rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            throw TextProblem(
                offset: scheme.utf8.count, reason: "\"\(text)\" has no host", allowed: form)
        }
        guard !rest.contains(where: { "?#@".contains($0) }) else {
            throw TextProblem(
                offset: scheme.utf8.count, reason: "\"\(text)\" holds more than an address",
                allowed: form + "; keys come from the environment")
        }
        return text
    }
}

extension ScenarioReader {
    /// Those that may have an upstream: all that have an address of their own.
    static let upstreamProviders = ProviderID.allCases.filter { $0 != .redis }

    /// `upstream:` of each provider, and what it cannot stand beside.
    func upstreams(_ map: MapReader, _ place: ProviderPlace, _ target: Scenario.Target?)
        -> [ProviderUpstream]
    {
        var found: [ProviderUpstream] = []
        for provider in Self.upstreamProviders {
            guard let node = map.node(provider.name) else { continue }
            // Whatever else is said there is read, and judged, with the paces.
            let keys = node.map?.map(\.key) ?? []
            guard keys.contains(ProviderUpstream.key),
                let inner = map.map(provider.name, keys: keys),
                let url = inner.value(ProviderUpstream.key, ProviderUpstream.parse)
            else { continue }
            if keys.count > 1 {
                reading.report(
                    inner.mark(ProviderUpstream.key),
                    "providers.\(provider.name).upstream stands beside a pace: a real vendor has its own",
                    allowed: "upstream alone, or the paces of an emulator", page: map.page)
            }
            switch (place, target) {
            case (.attach, _):
                reading.report(
                    inner.mark(ProviderUpstream.key),
                    "providers.\(provider.name).upstream stands beside providers.attach: those are somebody else's providers",
                    allowed: "upstream where `uproar providers` is started (--scenario)",
                    page: map.page)
            case (.own, .url?):
                reading.report(
                    inner.mark(ProviderUpstream.key),
                    "providers.\(provider.name).upstream: the agent of target.url knows no address of this run",
                    allowed: "providers: {listen: 127.0.0.1:9100} beside it", page: map.page)
            default: break
            }
            found.append(ProviderUpstream(provider: provider, url: url))
        }
        return found
    }
}

extension ProviderSettings {
    /// Whether what is said passes through a vendor that knows nothing of turn references.
    package var hasRealSpeech: Bool {
        upstreams.contains {
            [.speechToText, .languageModel, .textToSpeech].contains($0.provider.role)
        }
    }
}
