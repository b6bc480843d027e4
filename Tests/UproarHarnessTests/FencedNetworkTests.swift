import Glibc
import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

/// A killed process seen from outside: its streams break, its port refuses, and what it still does reaches nobody.
@Suite struct FencedNetworkTests {
    private final class Peer: ListenerHandler, ByteStreamHandler {
        var log: [String] = []
        var stream: (any ByteStream)?

        func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
            self.stream = stream
            log.append("accepted")
            return self
        }
        func opened(_ stream: any ByteStream) { log.append("opened") }
        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            log.append("received \(bytes.byteCount)")
        }
        func closed(_ stream: any ByteStream, reason: CloseReason) {
            log.append("closed \(reason)")
        }
    }

    @Test func aKillIsSeenByOthersAndNotByTheKilled() throws {
        let world = SimulatedWorld()
        let process = FencedNetwork(on: world.network)
        let inside = Peer()
        let listener = try process.listen(
            on: .loopback(7000), options: ListenOptions(), handler: inside)
        let outside = Peer()
        let stream = world.network.connect(
            to: .loopback(7000), options: ConnectOptions(), handler: outside)
        world.run(for: .milliseconds(1))
        stream.write(([1, 2, 3] as [UInt8]).span.bytes)
        world.run(for: .milliseconds(1))
        #expect(inside.log == ["accepted", "received 3"])

        process.kill()
        inside.stream?.write(([4] as [UInt8]).span.bytes)
        world.run(for: .milliseconds(1))
        #expect(inside.log == ["accepted", "received 3"])
        #expect(outside.log == ["opened", "closed \(CloseReason.failed(errno: ECONNRESET))"])

        let late = Peer()
        _ = world.network.connect(
            to: .loopback(7000), options: ConnectOptions(), handler: late)
        world.run(for: .milliseconds(1))
        #expect(late.log == ["closed \(CloseReason.unreachable(errno: ECONNREFUSED))"])
        withExtendedLifetime(listener) {}
    }

    @Test func theDeadOpenNothing() throws {
        let world = SimulatedWorld()
        let process = FencedNetwork(on: world.network)
        process.kill()
        let peer = Peer()
        let stream = process.connect(
            to: .loopback(7000), options: ConnectOptions(), handler: peer)
        stream.write(([1] as [UInt8]).span.bytes)
        world.run(for: .seconds(30))
        #expect(peer.log == [])
        #expect(throws: NetworkError.self) {
            try process.listen(on: .loopback(7000), options: ListenOptions(), handler: peer)
        }
    }
}
