import Glibc
import UproarCore
import UproarRuntime

/// TCP, TLS and Unix sockets on one epoll loop.
package final class PosixNetwork: Network {
    package let loop: EventLoop
    package let driver: PosixDriver
    let resolver: NameResolver
    private lazy var tls = TLSLayer(loop: loop)
    /// Every stream of the loop reads into this one; what was read is lent to its handler and gone after the call.
    let readBuffer: UnsafeMutableRawBufferPointer

    package init(loop: EventLoop, driver: PosixDriver) {
        precondition(loop.driver === driver, "the network is driven by its loop's driver")
        self.loop = loop
        self.driver = driver
        resolver = NameResolver(loop: loop)
        readBuffer = .allocate(byteCount: 64 << 10, alignment: 16)
    }

    deinit { readBuffer.deallocate() }

    package func connect(
        to endpoint: Endpoint, options: ConnectOptions, handler: any ByteStreamHandler
    ) -> any ByteStream {
        options.tls == nil
            ? PosixStream(network: self, to: endpoint, options: options, handler: handler)
            : tls.connect(over: self, to: endpoint, options: options, handler: handler)
    }

    package func listen(
        on endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler
    ) throws(NetworkError) -> any Listener {
        var handler = handler
        if let wanted = options.tls {
            handler = try tls.serving(wanted, options, handler: handler)
        }
        return try PosixListener(
            network: self, endpoint: endpoint, options: options, handler: handler)
    }

    /// Makes a stream of a socket that is connected already (one end of a pair, inherited from the parent).
    package func adopt(
        _ descriptor: consuming Descriptor, queueLimit: Int = ConnectOptions().queueLimit,
        handler: any ByteStreamHandler
    ) throws(NetworkError) -> any ByteStream {
        let flags = fcntl(descriptor.number, F_GETFL, 0)
        guard flags >= 0, fcntl(descriptor.number, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw NetworkError(errno: errno, description: "the inherited socket is not usable")
        }
        let stream = PosixStream(
            network: self, connected: descriptor, remote: .unix(path: ""), queueLimit: queueLimit)
        stream.handler = handler
        stream.startReading()
        return stream
    }
}
