import UproarCore
import UproarPosix
import UproarRuntime
import UproarTransports
import UproarWire

/// The agent under test as callers reach it.
package struct CalledAgent: Sendable {
    /// A stream (`ws`, `wss`) or a voice webhook (`http`, `https`).
    package var url: WireURL
    /// Takes the place of the stream's address in the webhook's answer.
    package var streamURL: WireURL?
    /// What requests are signed with; nil: they are not.
    package var authToken: String?

    package init(url: WireURL, streamURL: WireURL? = nil, authToken: String? = nil) {
        self.url = url
        self.streamURL = streamURL
        self.authToken = authToken
    }

    /// Where its metrics page would be: on the port that takes the calls.
    var metricsURL: String {
        var page = url
        page.scheme = url.scheme == .ws || url.scheme == .http ? .http : .https
        page.path = "/metrics"
        page.query = nil
        return page.description
    }

    /// Makes the transport of one caller loop.
    func transport(seed: Seed, verifies: Bool)
        -> @Sendable (PosixNetwork) -> any CallTransport
    {
        let agent = self
        return { network in
            var options = TwilioTransport.Options()
            options.verifiesCertificates = verifies
            options.authToken = agent.authToken
            switch agent.url.scheme {
            case .ws, .wss:
                return TwilioTransport(
                    url: agent.url, network: network, loop: network.loop, seed: seed,
                    options: options)
            case .http, .https:
                var clientOptions = CurlHTTPClient.Options()
                clientOptions.verifies = verifies
                return TwilioTransport(
                    webhook: VoiceWebhook(
                        url: agent.url, authToken: agent.authToken, streamURL: agent.streamURL),
                    http: CurlHTTPClient(
                        loop: network.loop, driver: network.driver, options: clientOptions),
                    network: network, loop: network.loop, seed: seed, options: options)
            }
        }
    }
}
