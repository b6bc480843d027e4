import UproarCore

/// Where a datagram came from or goes to: an IPv4 or IPv6 address and a port, small enough to be a key.
package struct DatagramAddress: Hashable, Sendable {
    /// Of IPv6, or 0 and 0xffff'aabbccdd of IPv4, in the network's order.
    package var high: UInt64
    package var low: UInt64
    package var port: UInt16
    package var isIPv6: Bool

    package init(high: UInt64, low: UInt64, port: UInt16, isIPv6: Bool) {
        self.high = high
        self.low = low
        self.port = port
        self.isIPv6 = isIPv6
    }
}

/// One UDP socket. Loop-owned. Sending never blocks: what the kernel does not take is lost, as on any network.
package protocol DatagramSocket: AnyObject {
    var endpoint: Endpoint { get }
    /// - address: nil for the peer that the socket was made for.
    func send(_ bytes: RawSpan, to address: DatagramAddress?)
    func close()
    /// What the kernel did not take.
    var unsentCount: Int { get }
}

package protocol DatagramHandler: AnyObject {
    /// `bytes` are lent. `at` is the clock behind the read of the batch.
    func received(
        _ bytes: RawSpan, from address: DatagramAddress, at: Instant,
        on socket: any DatagramSocket)
}

/// Makes UDP sockets on one loop.
package protocol DatagramNetwork: AnyObject {
    /// A socket on `endpoint` (an address, no name); with `peer` it sends there and hears nobody else.
    func datagrams(on endpoint: Endpoint, peer: Endpoint?, handler: any DatagramHandler)
        throws(NetworkError) -> any DatagramSocket
}
