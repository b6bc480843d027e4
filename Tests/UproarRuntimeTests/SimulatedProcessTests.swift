import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

@Suite("A process of a simulated world")
struct SimulatedProcessTests {
    /// Says back what it hears, and counts its own seconds.
    final class Echo: ListenerHandler, ByteStreamHandler {
        let process: SimulatedProcess
        var ticks = 0
        /// Messages heard by each tick.
        var heard = 0
        var heardByTick: [Int] = []
        var listener: (any Listener)?

        init(in process: SimulatedProcess) throws {
            self.process = process
            listener = try process.network.listen(
                on: .loopback(700), options: ListenOptions(), handler: self)
            process.act { self.tick() }
        }

        func tick() {
            process.loop.schedule(at: process.loop.now + .seconds(1)) {
                self.ticks += 1
                self.heardByTick.append(self.heard)
                self.tick()
            }
        }

        func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { self }
        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            heard += 1
            stream.write(bytes)
        }
        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }

    final class Peer: ByteStreamHandler {
        var log: [String] = []
        var stream: (any ByteStream)!
        let world: SimulatedWorld

        init(_ world: SimulatedWorld) {
            self.world = world
            stream = world.network.connect(
                to: .loopback(700), options: ConnectOptions(), handler: self)
        }

        func say(_ text: String) { stream.write(Array(text.utf8).span.bytes) }
        func opened(_ stream: any ByteStream) { log.append("\(world.now.milliseconds) opened") }
        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            let text = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            log.append("\(at.milliseconds) \(text)")
        }
        func closed(_ stream: any ByteStream, reason: CloseReason) {
            log.append("\(world.now.milliseconds) closed \(reason)")
        }
    }

    static let seeds: [Seed?] = [nil, Seed(1), Seed(2)]

    @Test("It serves and its timers fire as if it lived on the world's own loop", arguments: seeds)
    func serves(seed: Seed?) throws {
        let world = SimulatedWorld(seed: seed)
        let echo = try Echo(in: SimulatedProcess(name: "p", in: world, seed: seed))
        let peer = Peer(world)
        world.run(for: .milliseconds(500))
        peer.say("a")
        world.run(for: .seconds(3))
        #expect(peer.log == ["0 opened", "500 a"])
        #expect(echo.ticks == 3)
    }

    @Test(
        "Stopped it does nothing, its sockets stay open and connections are taken from a backlog; then it goes on",
        arguments: seeds)
    func stops(seed: Seed?) throws {
        let world = SimulatedWorld(seed: seed)
        let process = SimulatedProcess(name: "p", in: world, seed: seed)
        let echo = try Echo(in: process)
        let peer = Peer(world)
        world.run(for: .milliseconds(1500))
        process.stop()
        peer.say("late")
        let other = Peer(world)
        world.run(for: .seconds(5))
        other.say("later")
        #expect(echo.ticks == 1)
        #expect(process.heldTurns > 0)
        #expect(peer.log == ["0 opened"])
        #expect(other.log == ["1500 opened"])
        process.resume()
        world.run(for: .milliseconds(1))
        #expect(peer.log == ["0 opened", "6500 late"])
        #expect(other.log == ["1500 opened", "6500 later"])
        // The timer that was due while it stood still fires late, and the next one counts from then.
        #expect(echo.ticks == 2)
    }

    @Test(
        "What came while it stood still is heard before a timer that is overdue", arguments: seeds)
    func hearsBeforeItsTimers(seed: Seed?) throws {
        let world = SimulatedWorld(seed: seed)
        let process = SimulatedProcess(name: "p", in: world, seed: seed)
        let echo = try Echo(in: process)
        let peers = (0..<8).map { _ in Peer(world) }
        world.run(for: .milliseconds(1500))
        process.stop()
        for peer in peers { peer.say("late") }
        world.run(for: .seconds(5))
        process.resume()
        world.run(for: .milliseconds(1))
        #expect(echo.heardByTick == [0, 8])
    }

    @Test(
        "Killed its peers hear a reset, nothing listens any more, and what it knew is gone",
        arguments: seeds)
    func dies(seed: Seed?) throws {
        let world = SimulatedWorld(seed: seed)
        let process = SimulatedProcess(name: "p", in: world, seed: seed)
        let echo = try Echo(in: process)
        let peer = Peer(world)
        world.run(for: .milliseconds(1500))
        process.kill()
        let other = Peer(world)
        world.run(for: .seconds(5))
        #expect(peer.log == ["0 opened", "1500 closed failed(errno: 104)"])
        #expect(other.log == ["1500 closed unreachable(errno: 111)"])
        #expect(echo.ticks == 1)
        // Its place is free: a new one may take it.
        let next = try Echo(in: SimulatedProcess(name: "p2", in: world, seed: seed))
        let third = Peer(world)
        world.run(for: .milliseconds(100))
        third.say("new")
        world.run(for: .milliseconds(100))
        #expect(third.log == ["6500 opened", "6600 new"])
        #expect(next.ticks == 0)
    }

    @Test("A stopped process that is killed resets its peers, too")
    func diesStopped() throws {
        let world = SimulatedWorld(seed: nil)
        let process = SimulatedProcess(name: "p", in: world, seed: nil)
        _ = try Echo(in: process)
        let peer = Peer(world)
        world.run(for: .milliseconds(10))
        process.stop()
        peer.say("x")
        world.run(for: .milliseconds(10))
        process.kill()
        world.run(for: .milliseconds(10))
        #expect(peer.log == ["0 opened", "20 closed failed(errno: 104)"])
        process.resume()
        #expect(process.state == .dead)
    }
}
