/// Makes streams and listeners on one loop. One `Network` object belongs to one `EventLoop`.
package protocol Network: AnyObject {
    /// Starts to connect and returns at once; `opened` or `closed` follows on the loop.
    func connect(to endpoint: Endpoint, options: ConnectOptions, handler: any ByteStreamHandler)
        -> any ByteStream
    /// Listens. The listener's `endpoint` has the port that was given out.
    func listen(on endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler)
        throws(NetworkError) -> any Listener
}

package protocol Listener: AnyObject {
    var endpoint: Endpoint { get }
    /// Stops accepting; accepted streams go on.
    func close()
}

package protocol ListenerHandler: AnyObject {
    /// A new, open stream. Return who takes its events.
    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler
}

package struct ConnectOptions: Sendable {
    /// Until the connection stands, TLS handshake included.
    package var timeout: Duration = .seconds(5)
    /// TLS when not nil.
    package var tls: TLSClientOptions?
    package var queueLimit = 4 << 20
    /// Tell of received bytes at the kernel's receive time where it has one: for whoever measures the peer.
    package var stampsReceives = false
    package init() {}
}

package struct ListenOptions: Sendable {
    package var backlog: Int32 = 4096
    package var tls: TLSServerOptions?
    package var queueLimit = 4 << 20
    package init() {}
}

package struct TLSClientOptions: Hashable, Sendable {
    /// The name sent (SNI) and checked.
    package var serverName: String
    /// False only by the person's own word (`--insecure`).
    package var verifies = true
    /// PEM file of further trusted authorities.
    package var authorityFile: String?
    package init(serverName: String) { self.serverName = serverName }
}

package struct TLSServerOptions: Hashable, Sendable {
    /// Who we say we are: a certificate, or a chain that begins with it, and its key.
    package enum Identity: Hashable, Sendable {
        /// PEM files.
        case files(certificate: String, key: String)
        /// PEM texts, for keys that never touch a disk.
        case texts(certificate: [UInt8], key: [UInt8])
    }

    package var identity: Identity
    /// A peer that does not begin with TLS is served in plain: one address for both.
    package var takesPlain = false

    package init(certificateFile: String, keyFile: String) {
        identity = .files(certificate: certificateFile, key: keyFile)
    }

    package init(_ identity: Identity) { self.identity = identity }
}

package struct NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
    package var errno: Int32
    package var description: String
    package init(errno: Int32, description: String) {
        self.errno = errno
        self.description = description
    }
}
