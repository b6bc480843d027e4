import Glibc
import UproarRuntime

/// A `sockaddr` with its length.
struct SocketAddress: @unchecked Sendable {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    var family: Int32 { Int32(storage.ss_family) }

    /// An address that needs no resolver: IPv4, IPv6, `localhost`, or a path. Nil for other names.
    static func known(_ endpoint: Endpoint) throws(NetworkError) -> [SocketAddress]? {
        switch endpoint {
        case .unix(let path): return [try unix(path)]
        case .tcp("localhost", let port):
            return [ipv4("127.0.0.1", port), ipv6("::1", port)].compactMap { $0 }
        case .tcp(let host, let port):
            return (ipv4(host, port) ?? ipv6(host, port)).map { [$0] }
        }
    }

    private static func ipv4(_ host: String, _ port: UInt16) -> SocketAddress? {
        var address = sockaddr_in()
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return nil }
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        return SocketAddress(copying: &address, MemoryLayout<sockaddr_in>.size)
    }

    private static func ipv6(_ host: String, _ port: UInt16) -> SocketAddress? {
        var address = sockaddr_in6()
        guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { return nil }
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        return SocketAddress(copying: &address, MemoryLayout<sockaddr_in6>.size)
    }

    private static func unix(_ path: String) throws(NetworkError) -> SocketAddress {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard !bytes.isEmpty, bytes.count <= limit else {
            throw NetworkError(
                errno: ENAMETOOLONG,
                description: "a Unix socket's path has 1 to \(limit) bytes: \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return SocketAddress(copying: &address, MemoryLayout<sockaddr_un>.size)
    }

    /// Copies a C address of `length` bytes.
    init(copying address: UnsafeRawPointer, _ length: Int) {
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
        }
        self.length = socklen_t(length)
    }

    /// Has a C function fill in the address: `accept4`, `getsockname`.
    init<Failure: Error>(
        filling call: (UnsafeMutablePointer<sockaddr>, inout socklen_t) throws(Failure) -> Void
    ) throws(Failure) {
        length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let pointer = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<sockaddr_storage>.size,
            alignment: MemoryLayout<sockaddr_storage>.alignment)
        defer { pointer.deallocate() }
        let typed = pointer.initializeMemory(
            as: sockaddr_storage.self, repeating: sockaddr_storage(), count: 1)
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            (address: UnsafeMutablePointer<sockaddr>) throws(Failure) in
            try call(address, &length)
        }
        storage = typed.pointee
    }

    func withPointer<Result, Failure: Error>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafePointer(to: storage) { (pointer) throws(Failure) -> Result in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                (address) throws(Failure) -> Result in try body(address, length)
            }
        }
    }

    /// The same address with another port.
    func with(port: UInt16) -> SocketAddress {
        var copy = self
        withUnsafeMutableBytes(of: &copy.storage) { bytes in
            // The port stands at the same place in sockaddr_in and sockaddr_in6.
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        }
        return copy
    }

    /// As text; a Unix socket without a name gives an empty path.
    var endpoint: Endpoint {
        switch family {
        case AF_UNIX:
            return withUnsafeBytes(of: storage) { bytes in
                let path = bytes[2..<max(2, Int(length))].prefix { $0 != 0 }
                return .unix(path: String(decoding: path, as: UTF8.self))
            }
        default:
            return withPointer { address, length in
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { host in
                    let answer = getnameinfo(
                        address, length, host.baseAddress, socklen_t(host.count), nil, 0,
                        NI_NUMERICHOST)
                    let name = answer == 0 ? String(cString: host.baseAddress!) : "?"
                    return .tcp(host: name, port: port)
                }
            }
        }
    }

    private var port: UInt16 {
        withUnsafeBytes(of: storage) {
            UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))
        }
    }
}
