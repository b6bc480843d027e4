import Glibc
import Testing
import UproarCore
import UproarFaults
import UproarLinks
import UproarPosix
import UproarRuntime

/// Without a fault nobody can tell that a relay is there.
@Suite struct LinkRelayTests {
    @Test func chunksPassAsTheyCame() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        let server = try #require(stage.served.first)
        for size in [1, 345, 60_000, 3] {
            client.send([UInt8](repeating: UInt8(size % 251), count: size))
            stage.run(.milliseconds(1))
        }
        #expect(server.chunks.map(\.count) == [1, 345, 60_000, 3])
        #expect(server.chunks.map { $0.at.milliseconds } == [0, 1, 2, 3])
        server.send("answer")
        stage.run(.zero)
        #expect(client.text == "answer")
        #expect(stage.effects.isEmpty)
        #expect(stage.relay.counts.bytesUp == 60_349)
    }

    @Test func oneDirectionEndsAndTheOtherGoesOn() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        let server = try #require(stage.served.first)
        server.closesOnEnd = false
        client.send("question")
        client.stream.closeWriting()
        stage.run(.zero)
        #expect(server.hasEnded && server.text == "question")
        server.send("late answer")
        stage.run(.zero)
        #expect(client.text == "late answer")
        server.stream.closeWriting()
        stage.run(.zero)
        #expect(client.reason == .ended && server.reason == .ended)
        #expect(stage.relay.openConnections == 0)
    }

    @Test func aResetPassesAsAReset() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        let server = try #require(stage.served.first)
        server.stream.reset()
        stage.run(.zero)
        #expect(client.reason == .failed(errno: ECONNRESET))
        #expect(stage.relay.openConnections == 0)
    }

    @Test func whoCannotBeReachedResetsTheClient() throws {
        let stage = try LinkStage(upstream: .loopback(9))
        let client = stage.connect()
        stage.run(.zero)
        #expect(client.reason == .failed(errno: ECONNRESET))
    }

    /// What the server does not read waits at the client, not here.
    @Test func aServerThatDoesNotReadHoldsTheClientBack() throws {
        let stage = try LinkStage()
        stage.onServed = { $0.stream.pauseReading() }
        let client = stage.connect()
        client.send([UInt8](repeating: 1, count: 3_500_000))
        stage.run(.seconds(1))
        // The windows of two connections and what one lane holds.
        #expect(stage.relay.counts.bytesUp < 1_200_000)
        try #require(stage.served.first).stream.resumeReading()
        stage.run(.seconds(1))
        #expect(stage.served.first?.bytes.count == 3_500_000)
    }

    @Test func theSameOverSockets() throws {
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let echo = Echo()
        let listener = try network.listen(
            on: .loopback(0), options: ListenOptions(), handler: echo)
        let relay = try LinkRelay(
            .init(name: "test", upstream: listener.endpoint), on: .loopback(0), loop: loop,
            network: network)
        let client = LinkPeer()
        client.stream = network.connect(
            to: try #require(relay.endpoint), options: ConnectOptions(), handler: client)
        let sent = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        client.send(sent)
        client.stream.closeWriting()
        let end = loop.now + .seconds(20)
        while client.reason == nil, loop.now < end { loop.runOnce(until: end) }
        #expect(client.bytes == sent)
        #expect(client.reason == .ended)
        relay.close()
        listener.close()
    }
}

private final class Echo: ListenerHandler, ByteStreamHandler {
    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { self }
    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        stream.write(bytes)
        if stream.queuedByteCount > 1 << 20 { stream.pauseReading() }
    }
    func drained(_ stream: any ByteStream) { stream.resumeReading() }
    func ended(_ stream: any ByteStream) { stream.closeWriting() }
    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}
