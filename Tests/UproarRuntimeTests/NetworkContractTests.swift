import Glibc
import Testing
import UproarCore
import UproarRuntime

/// What every `Network` promises, in every world.
@Suite struct NetworkContractTests {
    @Test(arguments: WorldKind.allCases)
    func bytesArriveInOrderAndWhole(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let (client, server) = try world.connectedPair()
        var expected: [UInt8] = []
        for size in [1, 345, 20_000, 0, 70_000, 3] {
            let piece = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
            expected += piece
            client.send(piece)
        }
        world.run { server.bytes.count == expected.count }
        #expect(server.bytes == expected)
        server.send("back")
        world.run { client.text == "back" }
    }

    @Test(arguments: WorldKind.allCases)
    func nothingListensMeansRefused(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let acceptor = Acceptor()
        let listener = try world.network.listen(
            on: .loopback(0), options: ListenOptions(), handler: acceptor)
        let endpoint = listener.endpoint
        #expect(endpoint.port != 0)
        listener.close()
        let client = StreamLog()
        client.stream = world.network.connect(
            to: endpoint, options: ConnectOptions(), handler: client)
        #expect(client.events.isEmpty, "events come after connect has returned")
        world.run { client.isClosed }
        #expect(client.events == [.closed(.unreachable(errno: ECONNREFUSED))])
    }

    @Test(arguments: WorldKind.allCases)
    func aTakenPortIsAnError(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let first = try world.network.listen(
            on: .loopback(0), options: ListenOptions(), handler: Acceptor())
        let error = #expect(throws: NetworkError.self) {
            try world.network.listen(
                on: first.endpoint, options: ListenOptions(), handler: Acceptor())
        }
        #expect(error?.errno == EADDRINUSE)
        first.close()
    }

    @Test(arguments: WorldKind.allCases)
    func closeBringsAwayWhatWasWritten(kind: WorldKind) throws {
        let world = TestWorld(kind)
        var options = ConnectOptions()
        options.queueLimit = 64 << 20
        let (client, server) = try world.connectedPair(options: options)
        let payload = [UInt8](repeating: 7, count: 32_000_000)
        client.send(payload)
        #expect(client.stream.queuedByteCount > 0, "more than the network takes at once")
        client.stream.close()
        #expect(!client.isClosed, "closed never comes from within a verb")
        client.send("ignored")
        world.run { client.isClosed && server.isClosed }
        #expect(server.bytes == payload)
        #expect(client.reason == .closed)
        #expect(server.reason == .ended)
        #expect(client.events.last == .closed(.closed))
    }

    @Test(arguments: WorldKind.allCases)
    func halfCloseLeavesTheOtherDirectionOpen(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let (client, server) = try world.connectedPair()
        server.closesOnEnd = false
        client.send("question")
        client.stream.closeWriting()
        client.send("ignored")
        world.run { server.isEnded }
        #expect(server.text == "question")
        server.send("answer")
        world.run { client.text == "answer" }
        #expect(!client.isClosed && !server.isClosed)
        server.stream.closeWriting()
        world.run { client.isClosed && server.isClosed }
        #expect(client.reason == .ended && server.reason == .ended)
    }

    @Test(arguments: WorldKind.allCases)
    func resetReachesThePeerAsFailure(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let (client, server) = try world.connectedPair()
        client.stream.reset()
        #expect(!client.isClosed)
        world.run { client.isClosed && server.isClosed }
        #expect(client.reason == .closed)
        #expect(server.reason == .failed(errno: ECONNRESET))
        #expect(!server.isEnded)
    }

    @Test(arguments: WorldKind.allCases)
    func writingToAClosedPeerFails(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let (client, server) = try world.connectedPair()
        server.closesOnEnd = false
        client.stream.close()
        world.run { server.isEnded && client.isClosed }
        world.run {
            server.send("anyone there?")
            return server.isClosed
        }
        let reasons: [CloseReason] = [.failed(errno: ECONNRESET), .failed(errno: EPIPE)]
        #expect(reasons.contains(try #require(server.reason)))
    }

    @Test(arguments: WorldKind.allCases)
    func aPausedReaderHoldsTheWriterBack(kind: WorldKind) throws {
        let world = TestWorld(kind)
        var options = ConnectOptions()
        options.queueLimit = 64 << 20
        let (client, server) = try world.connectedPair(options: options)
        server.stream.pauseReading()
        var payload: [UInt8] = []
        for block in 0..<320 {
            payload += [UInt8](repeating: UInt8(truncatingIfNeeded: block), count: 100_000)
        }
        client.send(payload)
        world.loop.run(until: world.loop.now + .milliseconds(5))
        #expect(client.stream.queuedByteCount > 0)
        #expect(server.bytes.isEmpty)
        #expect(!client.events.contains(.drained))
        server.stream.resumeReading()
        world.run { server.bytes.count == payload.count && client.events.contains(.drained) }
        #expect(server.bytes == payload)
        #expect(client.stream.queuedByteCount == 0)
        #expect(client.events.filter { $0 == .drained }.count == 1)
    }

    @Test(arguments: WorldKind.allCases)
    func aQueueOverItsLimitClosesTheStream(kind: WorldKind) throws {
        let world = TestWorld(kind)
        var options = ConnectOptions()
        options.queueLimit = 100_000
        let (client, server) = try world.connectedPair(options: options)
        server.stream.pauseReading()
        for _ in 0..<20 { client.send([UInt8](repeating: 1, count: 1_000_000)) }
        world.run { client.isClosed }
        #expect(client.reason == .queueOverflow)
        #expect(client.stream.queuedByteCount <= 1_100_000)
        server.stream.resumeReading()
        world.run { server.isClosed }
        #expect(server.reason == .failed(errno: ECONNRESET))
    }

    @Test(arguments: WorldKind.allCases)
    func pausingInsideReceivedStopsFurtherBytes(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let (client, server) = try world.connectedPair()
        server.onReceived = { $0.stream.pauseReading() }
        client.send([UInt8](repeating: 2, count: 200_000))
        world.run { !server.bytes.isEmpty }
        world.loop.run(until: world.loop.now + .milliseconds(5))
        let held = server.bytes.count
        #expect(held <= 64 << 10)
        #expect(server.events.count == 1)
        world.run {
            server.stream.resumeReading()
            return server.bytes.count == 200_000
        }
    }

    @Test(arguments: WorldKind.allCases)
    func writingFromWithinReceivedToBothEndsIsSafe(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let (client, server) = try world.connectedPair()
        server.onReceived = { log in
            if log.bytes.count < 100_000 {
                // Also the peer's own end, as a relay in one process may.
                client.send([UInt8](repeating: 3, count: 10_000))
                log.send("ok")
            }
        }
        client.send("start")
        world.run { server.bytes.count >= 100_000 && client.bytes.count > 0 }
        #expect(server.bytes.dropFirst(5).count { $0 != 3 } == 0)
    }

    @Test(arguments: WorldKind.allCases)
    func closingWhileConnectingIsSilentButForClosed(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let listener = try world.network.listen(
            on: .loopback(0), options: ListenOptions(), handler: Acceptor())
        let client = StreamLog()
        client.stream = world.network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: client)
        client.stream.close()
        #expect(client.events.isEmpty)
        world.run { client.isClosed }
        #expect(client.events == [.closed(.closed)])
        listener.close()
    }

    @Test(arguments: WorldKind.allCases)
    func anEndBeforeTheConnectionStandsIsSent(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let acceptor = Acceptor()
        let listener = try world.network.listen(
            on: .loopback(0), options: ListenOptions(), handler: acceptor)
        let client = StreamLog()
        client.stream = world.network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: client)
        client.send("early")
        client.stream.closeWriting()
        world.run { acceptor.logs.first?.isClosed ?? false }
        #expect(acceptor.logs.first?.text == "early")
        #expect(acceptor.logs.first?.reason == .ended)
        listener.close()
    }

    @Test(arguments: WorldKind.allCases)
    func aStrangeNameIsUnknown(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let client = StreamLog()
        client.stream = world.network.connect(
            to: .tcp(host: "no-such-host.invalid", port: 1), options: ConnectOptions(),
            handler: client)
        world.run { client.isClosed }
        #expect(client.events == [.closed(.unknownHost)])
    }

    @Test(arguments: WorldKind.allCases)
    func closedListenersLeaveAcceptedStreamsAlone(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let (client, server) = try world.connectedPair()
        client.send("still here")
        world.run { server.text == "still here" }
        server.stream.close()
        world.run { client.isClosed && server.isClosed }
        #expect(client.reason == .ended)
    }
}
