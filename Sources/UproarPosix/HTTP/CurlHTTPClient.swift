import CUproarCurl
import Glibc
import UproarCore
import UproarRuntime

/// `HTTPClient` over libcurl's multi interface, driven by one loop: connections are kept and used again, HTTP/1.1, certificates
/// checked. Redirects are answers like any other.
///
/// libcurl tells which sockets to watch and when to be woken; it works inside `act`, and what handlers want of it meanwhile (a
/// new request, a cancellation) waits until it is done. Exchanges under way end unheard with their client.
package final class CurlHTTPClient: HTTPClient {
    package struct Options: Hashable, Sendable {
        /// False only by the person's own word (`--insecure`).
        package var verifies = true
        /// PEM file of the trusted authorities instead of the system's.
        package var authorityFile: String?
        /// Connections kept for the next request; more are closed, the oldest first.
        package var keptConnections = 128
        package init() {}
    }

    let loop: EventLoop
    let options: Options
    private let driver: PosixDriver
    private var multi: UnsafeMutableRawPointer?
    private var sockets: [Int32: CurlSocket] = [:]
    private var timer = TimerID.none
    private var exchanges: [UnsafeMutableRawPointer: CurlExchange] = [:]
    private var depth = 0
    private var waiting: [CurlExchange] = []
    private var cancelled: [CurlExchange] = []

    /// Before any other thread could use libcurl; `curl_global_init` is not safe against itself. A peer that went away must be an
    /// error of the write, not a signal: OpenSSL writes without MSG_NOSIGNAL.
    private static let isReady: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return uproar_curl_start() == 0
    }()

    package init(loop: EventLoop, driver: PosixDriver, options: Options = Options()) {
        precondition(Self.isReady, "libcurl does not start")
        self.loop = loop
        self.driver = driver
        self.options = options
        multi = uproar_curl_multi_new(
            options.keptConnections,
            { _, socket, what, context, _ in
                CurlHTTPClient.from(context)?.watch(socket, Int(what))
                return 0
            },
            { _, milliseconds, context in
                CurlHTTPClient.from(context)?.wake(after: milliseconds)
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        for socket in sockets.values { if let watch = socket.watch { driver.forget(watch) } }
        loop.cancel(timer)
        for exchange in exchanges.values {
            exchange.abandon()
            uproar_curl_remove(multi, exchange.easy)
            exchange.release()
        }
        uproar_curl_multi_free(multi)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> CurlHTTPClient? {
        context.map { Unmanaged<CurlHTTPClient>.fromOpaque($0).takeUnretainedValue() }
    }

    package func send(_ request: HTTPRequest, handler: any HTTPExchangeHandler)
        -> any HTTPExchange
    {
        let exchange = CurlExchange(client: self, request: request, handler: handler)
        waiting.append(exchange)
        if depth == 0 { settle() }
        return exchange
    }

    func cancel(_ exchange: CurlExchange) {
        cancelled.append(exchange)
        if depth == 0 { settle() }
    }

    // MARK: What libcurl wants

    private func watch(_ descriptor: Int32, _ what: Int) {
        let known = sockets[descriptor]
        if what == UPROAR_CURL_REMOVE {
            if let watch = known?.watch { driver.forget(watch) }
            sockets[descriptor] = nil
            return
        }
        var events: DescriptorEvents = []
        if what & UPROAR_CURL_IN != 0 { events.insert(.readable) }
        if what & UPROAR_CURL_OUT != 0 { events.insert(.writable) }
        if let watch = known?.watch {
            if driver.changeIfOpen(watch, to: events) { return }
            // Another socket under the number of one that was closed.
            driver.forget(watch)
        }
        let socket = CurlSocket(client: self, descriptor: descriptor)
        // Out of watches or memory (nil): the exchange runs into its deadlines, and libcurl's own timer goes on.
        socket.watch = try? driver.watch(descriptor, for: events, handler: socket)
        sockets[descriptor] = socket
    }

    private func wake(after milliseconds: Int) {
        loop.cancel(timer)
        guard milliseconds >= 0 else { return }
        timer = loop.schedule(at: loop.now + .milliseconds(milliseconds)) { [weak self] in
            self?.act(Int32(UPROAR_CURL_NO_SOCKET), 0)
        }
    }

    fileprivate func ready(_ descriptor: Int32, _ events: DescriptorEvents) {
        var mask = 0
        if events.contains(.readable) { mask |= UPROAR_CURL_IN }
        if events.contains(.writable) { mask |= UPROAR_CURL_OUT }
        // Behind a hang-up there may be bytes to read first.
        if events.contains(.hungUp) { mask |= UPROAR_CURL_IN }
        if events.contains(.failed) { mask |= UPROAR_CURL_FAILED }
        act(descriptor, Int32(mask))
    }

    private func act(_ descriptor: Int32, _ mask: Int32) {
        depth += 1
        uproar_curl_act(multi, descriptor, mask)
        depth -= 1
        settle()
    }

    // MARK: Outside of libcurl

    /// Takes up what waited for libcurl to be done, and tells of the exchanges that are over.
    private func settle() {
        depth += 1
        defer { depth -= 1 }
        while true {
            if !cancelled.isEmpty {
                for exchange in take(&cancelled) { remove(exchange) }
            } else if !waiting.isEmpty {
                for exchange in take(&waiting) where !exchange.isOver { add(exchange) }
            } else {
                var outcome = UPROAR_CURL_WELL
                var words: UnsafePointer<CChar>?
                guard let easy = uproar_curl_over(multi, &outcome, &words) else { return }
                guard let exchange = exchanges[easy] else { continue }
                let text = words.map { String(cString: $0) } ?? ""
                remove(exchange)
                exchange.finished(outcome, text)
            }
        }
    }

    private func take(_ list: inout [CurlExchange]) -> [CurlExchange] {
        var taken: [CurlExchange] = []
        swap(&taken, &list)
        return taken
    }

    private func add(_ exchange: CurlExchange) {
        guard let easy = exchange.prepare() else { return }
        exchanges[easy] = exchange
        uproar_curl_add(multi, easy)
    }

    private func remove(_ exchange: CurlExchange) {
        guard let easy = exchange.easy, exchanges.removeValue(forKey: easy) != nil else { return }
        uproar_curl_remove(multi, easy)
        exchange.release()
    }
}

/// One socket that libcurl wants watched.
private final class CurlSocket: DescriptorHandler {
    private weak var client: CurlHTTPClient?
    private let descriptor: Int32
    var watch: WatchID?

    init(client: CurlHTTPClient, descriptor: Int32) {
        self.client = client
        self.descriptor = descriptor
    }

    func ready(_ events: DescriptorEvents) { client?.ready(descriptor, events) }
}
