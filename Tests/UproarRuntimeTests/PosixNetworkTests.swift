import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

/// What only sockets have: paths, names, address families, a backlog, descriptors that run out.
@Suite struct PosixNetworkTests {
    private func exchange(over endpoint: Endpoint, dialling: (Endpoint) -> Endpoint = { $0 }) throws
    {
        let world = TestWorld(.posix)
        let acceptor = Acceptor()
        let listener = try world.network.listen(
            on: endpoint, options: ListenOptions(), handler: acceptor)
        defer { listener.close() }
        let client = StreamLog()
        client.stream = world.network.connect(
            to: dialling(listener.endpoint), options: ConnectOptions(), handler: client)
        client.send("there")
        world.run { acceptor.logs.first?.text == "there" }
        acceptor.logs.first?.send("and back")
        world.run { client.text == "and back" }
        client.stream.close()
        world.run { acceptor.logs.first?.isClosed ?? false }
    }

    @Test func unixSocketsCarryBytesAndLeaveNoFile() throws {
        let path = "/tmp/uproar-test-\(getpid())-pair.sock"
        try exchange(over: .unix(path: path))
        #expect(access(path, F_OK) != 0)
    }

    @Test func aLeftOverSocketFileIsReplacedAndALiveOneIsNot() throws {
        let path = "/tmp/uproar-test-\(getpid())-left.sock"
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(socket)
        #expect(bound == 0 && access(path, F_OK) == 0)
        let world = TestWorld(.posix)
        let first = try world.network.listen(
            on: .unix(path: path), options: ListenOptions(), handler: Acceptor())
        let error = #expect(throws: NetworkError.self) {
            try world.network.listen(
                on: .unix(path: path), options: ListenOptions(), handler: Acceptor())
        }
        #expect(error?.errno == EADDRINUSE)
        first.close()
    }

    @Test func localhostAndIPv6AreDialledWithoutAResolver() throws {
        try exchange(over: .tcp(host: "127.0.0.1", port: 0)) {
            .tcp(host: "localhost", port: $0.port)
        }
        try exchange(over: .tcp(host: "0.0.0.0", port: 0)) { .loopback($0.port) }
        // A machine without IPv6 refuses to bind; that is its matter.
        if access("/proc/net/if_inet6", F_OK) == 0 {
            try exchange(over: .tcp(host: "::1", port: 0))
        }
    }

    @Test func aPathTooLongIsAnErrorAtBothEnds() throws {
        let world = TestWorld(.posix)
        let long = Endpoint.unix(path: String(repeating: "x", count: 200))
        let error = #expect(throws: NetworkError.self) {
            try world.network.listen(on: long, options: ListenOptions(), handler: Acceptor())
        }
        #expect(error?.errno == ENAMETOOLONG)
        let client = StreamLog()
        client.stream = world.network.connect(
            to: long, options: ConnectOptions(), handler: client)
        world.run { client.isClosed }
        #expect(client.reason == .unreachable(errno: ENAMETOOLONG))
    }

    /// The loop is held up before it reads: the kernel knows better when the bytes came.
    @Test(arguments: [Duration.zero, .milliseconds(1)])
    func aStampedStreamTellsWhenTheKernelGotTheBytes(patience: Duration) throws {
        let world = TestWorld(.posix)
        world.loop.driver.inputPatience = patience
        var options = ConnectOptions()
        options.stampsReceives = true
        let (client, server) = try world.connectedPair(options: options)
        client.send("hello")
        world.run { server.text == "hello" }
        // The kernel starts to stamp some time after the first socket has asked for it (net_enable_timestamp).
        var warmth = 0
        repeat {
            let sent = world.loop.now
            server.send("w")
            while world.loop.now < sent + .milliseconds(5) {}
            let length = client.text.count
            world.run { client.text.count > length }
            warmth += 1
            if client.lastReceivedAt < sent + .milliseconds(5) { break }
        } while warmth < 200
        for text in ["a", "b", "c"] {
            let before = world.loop.now
            server.send(text)
            let held = world.loop.now + .milliseconds(30)
            while world.loop.now < held {}
            world.run { client.text.hasSuffix(text) }
            #expect(client.lastReceivedAt >= before)
            #expect(client.lastReceivedAt < held)
            // Without stamps the read is what counts.
            client.send(text)
            world.run { server.text.hasSuffix(text) }
            #expect(server.lastReceivedAt > held)
        }
    }

    @Test func aLoopWithPatienceHearsInputTimersAndMail() throws {
        let world = TestWorld(.posix)
        world.loop.driver.inputPatience = .milliseconds(1)
        let (client, server) = try world.connectedPair()
        let bytes = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        client.send(bytes)
        world.run { server.bytes.count == bytes.count }
        #expect(server.bytes == bytes)
        var fired = false
        let due = world.loop.now + .microseconds(300)
        world.loop.schedule(at: due) { fired = true }
        world.run { fired }
        #expect(world.loop.now >= due)
        let heard = Flag()
        world.loop.submit { heard.isSet = true }
        world.run { heard.isSet }
        client.stream.close()
        world.run { server.isClosed }
    }

    private final class Flag: @unchecked Sendable { var isSet = false }

    @Test func aListenerNeedsAnAddress() {
        let world = TestWorld(.posix)
        let error = #expect(throws: NetworkError.self) {
            try world.network.listen(
                on: .tcp(host: "example.invalid", port: 0), options: ListenOptions(),
                handler: Acceptor())
        }
        #expect(error?.errno == EINVAL)
    }

    @Test func aFullBacklogMakesTheConnectTimeOut() throws {
        let world = TestWorld(.posix)
        let blocked = TestWorld(.posix)
        var listen = ListenOptions()
        listen.backlog = 0
        // This loop never runs, so nothing is ever accepted.
        let listener = try blocked.network.listen(
            on: .loopback(0), options: listen, handler: Acceptor())
        var options = ConnectOptions()
        options.timeout = .milliseconds(100)
        let clients = (0..<4).map { _ in StreamLog() }
        let start = world.loop.now
        for client in clients {
            client.stream = world.network.connect(
                to: listener.endpoint, options: options, handler: client)
        }
        world.run { clients.contains { $0.isClosed } }
        let late = clients.filter { $0.isClosed }
        for client in late { #expect(client.reason == .unreachable(errno: ETIMEDOUT)) }
        #expect(world.loop.now - start >= .milliseconds(100))
        listener.close()
    }

    @Test func anInheritedSocketBecomesAStream() throws {
        let world = TestWorld(.posix)
        let network = try #require(world.network as? PosixNetwork)
        var numbers: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &numbers) == 0)
        let logs = [StreamLog(), StreamLog()]
        for (log, number) in zip(logs, numbers) {
            log.stream = try network.adopt(Descriptor(owning: number), handler: log)
        }
        logs[0].send("inherited")
        world.run { logs[1].text == "inherited" }
        logs[1].stream.close()
        world.run { logs[0].isClosed }
        #expect(logs[0].reason == .ended)
    }

    @Test func aPausedReaderWhosePeerIsGoneCostsNoTurns() throws {
        let world = TestWorld(.posix)
        let (client, server) = try world.connectedPair()
        server.stream.pauseReading()
        server.closesOnEnd = false
        client.send("unread")
        server.stream.closeWriting()
        world.run { client.isClosed }
        var turns = 0
        let end = world.loop.now + .milliseconds(20)
        while world.loop.now < end {
            world.loop.runOnce(until: end)
            turns += 1
        }
        #expect(turns < 10, "the loop spins on a hang-up that cannot be handled")
        server.stream.resumeReading()
        world.run { server.isClosed }
        #expect(server.text == "unread")
    }

    @Test func manyConnectionsAtOnceAllCarryTheirOwnBytes() throws {
        let world = TestWorld(.posix)
        let acceptor = Acceptor()
        acceptor.onAccepted = { log in
            log.onReceived = { log in if log.bytes.count == 345 { log.send(log.bytes) } }
        }
        let listener = try world.network.listen(
            on: .loopback(0), options: ListenOptions(), handler: acceptor)
        let clients = (0..<200).map { _ in StreamLog() }
        for (index, client) in clients.enumerated() {
            client.stream = world.network.connect(
                to: listener.endpoint, options: ConnectOptions(), handler: client)
            client.send([UInt8](repeating: UInt8(index), count: 345))
        }
        world.run { clients.count { $0.bytes.count == 345 } == clients.count }
        for (index, client) in clients.enumerated() {
            #expect(client.bytes.first == UInt8(index) && client.bytes.last == UInt8(index))
            client.stream.close()
        }
        world.run { acceptor.logs.count { $0.isClosed } == clients.count }
        listener.close()
    }
}
