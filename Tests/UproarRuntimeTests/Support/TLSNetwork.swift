import UproarPosix
import UproarRuntime

/// Any network with TLS on each of its streams, so that TLS can be held to the contract of plain streams.
final class TLSNetwork: Network {
    private let base: any Network
    private let layer: TLSLayer

    init(over base: any Network, loop: EventLoop) {
        self.base = base
        layer = TLSLayer(loop: loop)
    }

    func connect(
        to endpoint: Endpoint, options: ConnectOptions, handler: any ByteStreamHandler
    ) -> any ByteStream {
        var options = options
        if options.tls == nil {
            options.tls = TLSClientOptions(serverName: "agent.test")
            options.tls?.authorityFile = TestAuthority.shared.authorityFile
        }
        return layer.connect(over: base, to: endpoint, options: options, handler: handler)
    }

    func listen(
        on endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler
    ) throws(NetworkError) -> any Listener {
        let authority = TestAuthority.shared
        let wanted =
            options.tls
            ?? TLSServerOptions(
                certificateFile: authority.certificateFile, keyFile: authority.keyFile)
        var plain = options
        plain.tls = nil
        return try base.listen(
            on: endpoint, options: plain,
            handler: try layer.serving(wanted, options, handler: handler))
    }
}
