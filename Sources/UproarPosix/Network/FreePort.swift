import UproarRuntime

extension Network {
    /// Asks the kernel for a loopback port nobody has. Somebody may take it before it is used.
    package func freePort() throws(Errno) -> UInt16 {
        do throws(NetworkError) {
            let listener = try listen(
                on: .loopback(0), options: ListenOptions(), handler: NobodyListens())
            defer { listener.close() }
            return listener.endpoint.port
        } catch { throw Errno("find a port", error.errno) }
    }
}

private final class NobodyListens: ListenerHandler {
    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        stream.reset()
        return UnclaimedStream()
    }
}
