import UproarCore
import UproarPosix
import UproarRuntime
import UproarTransports
import UproarWire

/// The agent under test as callers reach it.
package struct CalledAgent: Sendable {
    /// Streams (`ws`, `wss`), one for each worker, or one voice webhook (`http`, `https`). Never empty.
    package var urls: [WireURL]
    /// The browser streams of the workers; empty where `urls` are those.
    package var browserURLs: [WireURL] = []
    /// Takes the place of the stream's address in the webhook's answer.
    package var streamURL: WireURL?
    /// What requests are signed with; nil: they are not.
    package var authToken: String?

    package init(
        urls: [WireURL], browserURLs: [WireURL] = [], streamURL: WireURL? = nil,
        authToken: String? = nil
    ) {
        self.urls = urls
        self.browserURLs = browserURLs
        self.streamURL = streamURL
        self.authToken = authToken
    }

    /// Where the metrics pages of its workers would be: on the ports that take the calls.
    var metricsURLs: [String] {
        urls.map { url in
            var page = url
            page.scheme = page.scheme == .ws || page.scheme == .http ? .http : .https
            page.path = "/metrics"
            page.query = nil
            return page.description
        }
    }

    /// Makes a transport of one caller loop by its name.
    func transport(seed: Seed, verifies: Bool)
        -> @Sendable (PosixNetwork, String) -> any CallTransport
    {
        let agent = self
        return { network, name in
            if name == "browser" {
                var options = BrowserTransport.Options()
                options.verifiesCertificates = verifies
                return BrowserTransport(
                    urls: agent.browserURLs.isEmpty ? agent.urls : agent.browserURLs,
                    network: network, loop: network.loop, seed: seed, options: options)
            }
            var options = TwilioTransport.Options()
            options.verifiesCertificates = verifies
            options.authToken = agent.authToken
            switch agent.urls[0].scheme {
            case .ws, .wss:
                return TwilioTransport(
                    urls: agent.urls, network: network, loop: network.loop, seed: seed,
                    options: options)
            case .http, .https:
                var clientOptions = CurlHTTPClient.Options()
                clientOptions.verifies = verifies
                return TwilioTransport(
                    webhook: VoiceWebhook(
                        url: agent.urls[0], authToken: agent.authToken, streamURL: agent.streamURL),
                    http: CurlHTTPClient(
                        loop: network.loop, driver: network.driver, options: clientOptions),
                    network: network, loop: network.loop, seed: seed, options: options)
            }
        }
    }
}
