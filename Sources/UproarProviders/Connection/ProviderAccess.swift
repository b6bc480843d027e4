import UproarCore
import UproarRuntime
import UproarWire

/// How a client comes to a vendor's sockets: where, with which key, for which model.
package struct ProviderAccess {
    /// As whom the client is known, in facts and metrics.
    package let provider: ProviderID
    /// Scheme, host and an optional path prefix, such as `wss://api.deepgram.com`.
    let base: WireURL
    let key: String
    let model: String
    let loop: EventLoop
    private let network: any Network
    private let trust: ProviderTrust
    private var random: RandomStream

    package init(
        _ provider: ProviderID, at base: WireURL, key: String, model: String, loop: EventLoop,
        network: any Network, random: RandomStream, trust: ProviderTrust = ProviderTrust()
    ) {
        self.provider = provider
        self.base = base
        self.key = key
        self.model = model
        self.loop = loop
        self.network = network
        self.random = random
        self.trust = trust
    }

    /// 64 random bits, by which a stream calls its contexts.
    mutating func name() -> String { EmulatorContext.hex(random.next()) }

    /// Dials a socket; `handler` owns it, and hears nothing before this returns.
    ///
    /// - deadline: from the dial to the accepted upgrade, TLS included.
    mutating func dial(
        _ url: WireURL, headers: HTTPHeaders, deadline: Duration,
        handler: any ProviderSocketHandler
    ) -> ProviderSocket {
        ProviderSocket(
            .init(url: url, headers: headers, deadline: deadline, trust: trust), loop: loop,
            network: network, random: RandomStream(state: random.next()), handler: handler)
    }
}
