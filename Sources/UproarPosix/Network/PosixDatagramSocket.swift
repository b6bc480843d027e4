import CUproarShims
import Glibc
import UproarCore
import UproarRuntime

/// One UDP socket, read in batches (`recvmmsg`).
final class PosixDatagramSocket: DatagramSocket, DescriptorHandler {
    private(set) var endpoint: Endpoint
    private(set) var unsentCount = 0

    private let driver: PosixDriver
    private weak var handler: (any DatagramHandler)?
    private var descriptor: Descriptor?
    private var watch: WatchID?
    private let buffer: UnsafeMutableRawBufferPointer
    private let isIPv6: Bool

    private static let batch = 32
    /// The largest datagram over IPv4.
    private static let slot = 65_535
    /// So many batches are read before others on the loop have their turn.
    private static let batchesPerTurn = 4

    init(
        on endpoint: Endpoint, peer: Endpoint?, driver: PosixDriver, handler: any DatagramHandler
    ) throws(NetworkError) {
        self.driver = driver
        self.handler = handler
        self.endpoint = endpoint
        guard let address = try SocketAddress.known(endpoint)?.first else {
            throw NetworkError(errno: EINVAL, description: "\(endpoint) is not an address")
        }
        isIPv6 = address.family == AF_INET6
        buffer = .allocate(byteCount: Self.batch * Self.slot, alignment: 16)
        do throws(Errno) {
            let type = SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
            let socket = Descriptor(
                owning: try systemCall("socket") {
                    Glibc.socket(address.family, Int32(type), 0)
                })
            let number = socket.number
            try address.withPointer { (pointer, length) throws(Errno) in
                _ = try systemCall("bind") { Glibc.bind(number, pointer, length) }
            }
            if let peer, let other = try? SocketAddress.known(peer)?.first {
                try other.withPointer { (pointer, length) throws(Errno) in
                    _ = try systemCall("connect") { Glibc.connect(number, pointer, length) }
                }
            }
            let bound = try SocketAddress { (address, length) throws(Errno) in
                try systemCall("getsockname") { getsockname(number, address, &length) }
            }
            if case .tcp(let host, _) = endpoint {
                self.endpoint = .tcp(host: host, port: bound.endpoint.port)
            }
            watch = try driver.watch(number, for: .readable, handler: self)
            descriptor = consume socket
        } catch {
            throw NetworkError(errno: error.code, description: "\(endpoint): \(error)")
        }
    }

    deinit { buffer.deallocate() }

    func send(_ bytes: RawSpan, to address: DatagramAddress?) {
        guard let number = descriptor?.number else { return }
        let sent = bytes.withUnsafeBytes { bytes -> Int in
            guard let address else {
                return Glibc.send(number, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
            }
            return address.withSocketAddress { pointer, length in
                sendto(
                    number, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT), pointer, length)
            }
        }
        // A peer that is not there answers a later send: the datagram is lost, as on any network.
        if sent < 0 { unsentCount += 1 }
    }

    func close() {
        if let watch { driver.unwatch(watch) }
        watch = nil
        descriptor = nil
    }

    func ready(_ events: DescriptorEvents) {
        for _ in 0..<Self.batchesPerTurn {
            guard let number = descriptor?.number else { return }
            let count = withUnsafeTemporaryAllocation(
                of: sockaddr_in6.self, capacity: Self.batch
            ) { from in
                withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.batch) { lengths in
                    receive(number, from, lengths)
                }
            }
            if count < Self.batch { return }
        }
    }

    private func receive(
        _ number: Int32, _ from: UnsafeMutableBufferPointer<sockaddr_in6>,
        _ lengths: UnsafeMutableBufferPointer<UInt32>
    ) -> Int {
        let count = Int(
            uproar_receive_datagrams(
                number, buffer.baseAddress, UInt32(Self.slot), UInt32(Self.batch),
                from.baseAddress, lengths.baseAddress))
        // Nothing there, or the kernel's word that an earlier datagram of ours met nobody.
        guard count > 0 else { return 0 }
        let now = driver.now
        for index in 0..<count {
            guard descriptor != nil else { return 0 }
            let bytes = UnsafeRawBufferPointer(
                rebasing: buffer[index * Self.slot..<index * Self.slot + Int(lengths[index])])
            handler?.received(
                bytes.bytes, from: DatagramAddress(from[index]), at: now, on: self)
        }
        return count
    }
}

extension PosixNetwork: DatagramNetwork {
    package func datagrams(
        on endpoint: Endpoint, peer: Endpoint?, handler: any DatagramHandler
    ) throws(NetworkError) -> any DatagramSocket {
        try PosixDatagramSocket(on: endpoint, peer: peer, driver: driver, handler: handler)
    }
}

extension DatagramAddress {
    /// An IPv4 address lies in the same place as an IPv6 one, with its own family.
    fileprivate init(_ address: sockaddr_in6) {
        var address = address
        if Int32(address.sin6_family) == AF_INET {
            let four = withUnsafeBytes(of: &address) { $0.loadUnaligned(as: sockaddr_in.self) }
            self.init(
                high: 0, low: UInt64(UInt32(bigEndian: four.sin_addr.s_addr)),
                port: UInt16(bigEndian: four.sin_port), isIPv6: false)
        } else {
            let halves = withUnsafeBytes(of: &address.sin6_addr) { bytes in
                (
                    bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                )
            }
            self.init(
                high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1),
                port: UInt16(bigEndian: address.sin6_port), isIPv6: true)
        }
    }

    fileprivate func withSocketAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
