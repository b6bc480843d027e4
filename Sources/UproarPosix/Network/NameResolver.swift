import Glibc
import UproarCore
import UproarRuntime

/// Resolves host names off the loop; many who ask for one name at once cost one query.
///
/// The C function is `getaddrinfo`, which blocks for seconds when a name server is away.
final class NameResolver {
    typealias Answer = ([SocketAddress]) -> Void

    private struct Known {
        var addresses: [SocketAddress]
        var until: Instant
    }

    private let loop: EventLoop
    private var worker: BackgroundThread?
    private var waiting: [String: [Answer]] = [:]
    private var known: [String: Known] = [:]

    /// An answer is used for so long, that a thousand dials do not become a thousand queries.
    private static let lifetime = Duration.seconds(5)
    private static let addressLimit = 8

    init(loop: EventLoop) { self.loop = loop }

    /// Answers on the loop, never before this returns; with no addresses when the name is unknown.
    func resolve(_ host: String, then answer: @escaping Answer) {
        if let entry = known[host], entry.until > loop.now {
            loop.schedule(at: loop.now) { answer(entry.addresses) }
            return
        }
        if waiting[host] != nil {
            waiting[host]!.append(answer)
            return
        }
        waiting[host] = [answer]
        guard let worker = startedWorker(),
            worker.run({ Self.lookUp(host) }, then: { self.settle(host, $0) })
        else {
            loop.schedule(at: loop.now) { self.settle(host, []) }
            return
        }
    }

    private func startedWorker() -> BackgroundThread? {
        if worker == nil { worker = try? BackgroundThread(name: "uproar-names", loop: loop) }
        return worker
    }

    private func settle(_ host: String, _ addresses: [SocketAddress]) {
        if !addresses.isEmpty {
            known[host] = Known(addresses: addresses, until: loop.now + Self.lifetime)
        }
        for answer in waiting.removeValue(forKey: host) ?? [] { answer(addresses) }
    }

    private static func lookUp(_ host: String) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee, addresses.count < addressLimit {
            if let address = entry.ai_addr {
                addresses.append(SocketAddress(copying: address, Int(entry.ai_addrlen)))
            }
            next = entry.ai_next
        }
        return addresses
    }
}
