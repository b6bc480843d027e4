import Glibc
import Testing
import UproarCore
import UproarFaults
import UproarLinks
import UproarRuntime

/// Each fault's magnitude against a client and a server that write down what they hear: exact, for time is virtual.
@Suite struct LinkFaultTests {
    @Test func delayHoldsEachChunkForExactlySoLong() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm("delay", [("delay", .draw(ms: 100)), ("direction", .text("up"))])
        client.send("a")
        stage.run(.milliseconds(40))
        client.send("b")
        stage.run(.milliseconds(200))
        let server = try #require(stage.served.first)
        #expect(server.chunks.map { $0.at.milliseconds } == [100, 140])
        server.send("c")
        stage.run(.zero)
        #expect(client.chunks.map { $0.at.milliseconds } == [240], "down is as ever")
        #expect(stage.effects.map { $0.at.milliseconds } == [0])
    }

    @Test func anEffectNamesItsConnectionAndItsWay() throws {
        let stage = try LinkStage { $0.tellsExchanges = true }
        let (first, second) = (stage.connect(), stage.connect())
        let ports = stage.served.map(\.stream.remote.port)
        #expect(ports.count == 2 && ports[0] != ports[1] && !ports.contains(0))
        stage.arm("delay", [("delay", .draw(ms: 10))])
        second.send("a")
        stage.run(.milliseconds(20))
        stage.served[1].send("b")
        stage.run(.milliseconds(20))
        // Another request on the same connection is told by itself; more of the same one is not.
        second.send("c")
        stage.run(.milliseconds(1))
        second.send("c")
        stage.run(.milliseconds(1))
        first.send("d")
        stage.run(.milliseconds(20))
        #expect(stage.sites.map(\.port) == [ports[1], ports[1], ports[1], ports[0]])
        #expect(stage.sites.map(\.direction) == [.up, .down, .up, .up])
    }

    @Test func callersAreToldByTheirOwnPort() throws {
        let stage = try LinkStage { $0.isBeforeCallers = true }
        let caller = stage.connect()
        stage.arm("stall")
        caller.send("a")
        stage.run(.milliseconds(20))
        #expect(stage.sites.map(\.port) == [caller.stream.localPort])
        #expect(caller.stream.localPort != 0)
    }

    @Test func jitterStaysInItsRangeAndKeepsTheOrder() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm(
            "delay", for: .seconds(100),
            [("delay", .draw(ms: 50)), ("jitter", .ms(20)), ("direction", .text("up"))])
        for index in 0..<200 {
            client.send([UInt8(index)])
            stage.run(.milliseconds(100))
        }
        let server = try #require(stage.served.first)
        let delays = server.chunks.enumerated().map { $1.at.milliseconds - Int64($0) * 100 }
        #expect(delays.allSatisfy { (30...70).contains($0) })
        #expect(Set(delays).count > 20)
        #expect(server.bytes == (0..<200).map { UInt8($0) })
    }

    @Test func bandwidthIsWhatItSays() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm("bandwidth", [("rate", .number(80_000)), ("direction", .text("up"))])
        client.send([UInt8](repeating: 0, count: 10_000))
        stage.run(.milliseconds(500))
        let server = try #require(stage.served.first)
        #expect(server.bytes.count == 5_000)
        stage.run(.milliseconds(500))
        #expect(server.bytes.count == 10_000)
        #expect(server.chunks.last?.at.milliseconds == 1_000)
    }

    @Test func theSlicerCutsAndWaits() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm(
            "slicer", [("size", .number(10)), ("gap", .ms(5)), ("direction", .text("up"))])
        client.send([UInt8](repeating: 9, count: 25))
        stage.run(.milliseconds(50))
        let server = try #require(stage.served.first)
        #expect(server.chunks.map(\.count) == [10, 10, 5])
        #expect(server.chunks.map { $0.at.milliseconds } == [0, 5, 10])
    }

    @Test func aStallHoldsBytesAndEndsUntilItIsOverByItself() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm("stall", for: .seconds(3))
        client.send("held")
        client.stream.closeWriting()
        stage.run(.milliseconds(2_999))
        let server = try #require(stage.served.first)
        #expect(server.bytes.isEmpty && !server.hasEnded)
        stage.run(.milliseconds(1))
        #expect(server.text == "held" && server.hasEnded)
        #expect(server.chunks.first?.at.milliseconds == 3_000)
    }

    @Test(arguments: [LinkDirection.up, .down])
    func aPartitionOfOneDirectionLeavesTheOther(direction: LinkDirection) throws {
        let stage = try LinkStage()
        let client = stage.connect()
        let server = try #require(stage.served.first)
        stage.arm("partition", [("direction", .text(direction.rawValue))])
        client.send("up")
        server.send("down")
        stage.run(.seconds(1))
        #expect(server.text == (direction == .up ? "" : "up"))
        #expect(client.text == (direction == .up ? "down" : ""))
        stage.relay.clear("f")
        stage.run(.zero)
        #expect(server.text == "up" && client.text == "down")
    }

    @Test func aPartitionLetsNoConnectionComeAboutUntilItHeals() throws {
        let stage = try LinkStage()
        stage.arm("partition", for: .seconds(2))
        let client = stage.connect()
        client.send("hello")
        stage.run(.milliseconds(1_900))
        #expect(stage.served.isEmpty)
        #expect(stage.effects.count == 1)
        stage.run(.milliseconds(200))
        #expect(stage.served.first?.text == "hello")
    }

    @Test func aHalfOpenConnectionIsDeadForGood() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        let server = try #require(stage.served.first)
        server.send("first")
        stage.run(.zero)
        stage.arm("half_open", for: .seconds(1))
        client.send("lost")
        server.send("lost")
        stage.run(.seconds(5))
        #expect(server.bytes.isEmpty && client.text == "first")
        #expect(client.reason == nil && server.reason == nil, "and stays up")
        let other = stage.connect()
        other.send("well")
        stage.run(.zero)
        #expect(stage.served.last?.text == "well")
        client.stream.close()
        stage.run(.zero)
        #expect(server.reason != nil, "who has gone needs the other side no more")
    }

    @Test func halfOpenAfterSoManyBytes() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        let server = try #require(stage.served.first)
        stage.arm("half_open", [("after_bytes", .number(7))])
        server.send("12345")
        server.send("67890")
        stage.run(.zero)
        #expect(client.text == "1234567")
        #expect(stage.effects.count == 1)
    }

    @Test(arguments: [0, 1, 1_000, 65_537])
    func aCutIsAtTheExactByte(limit: Int) throws {
        for how in ["fin", "reset"] {
            let stage = try LinkStage()
            let client = stage.connect()
            let server = try #require(stage.served.first)
            server.send("before")
            stage.run(.zero)
            stage.arm("cut", [("after_bytes", .number(Double(limit))), ("how", .text(how))])
            let sent = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
            for start in stride(from: 0, to: sent.count, by: 777) {
                server.send(Array(sent[start..<min(start + 777, sent.count)]))
                stage.run(.milliseconds(1))
            }
            #expect(client.bytes.count == 6 + limit)
            #expect(client.bytes.dropFirst(6).elementsEqual(sent.prefix(limit)))
            #expect(client.reason == (how == "fin" ? .ended : .failed(errno: ECONNRESET)))
            #expect(stage.effects.count == 1)
        }
    }

    @Test func connectionsAreResetWhenTheirTimeHasCome() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm("reset", [("after_time", .ms(30))])
        stage.run(.milliseconds(29))
        #expect(client.reason == nil)
        stage.run(.milliseconds(1))
        #expect(client.reason == .failed(errno: ECONNRESET))
        #expect(stage.served.first?.reason == .failed(errno: ECONNRESET))
    }

    @Test func theEndIsToldLate() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm("slow_close", [("delay", .ms(500))])
        client.send("bye")
        client.stream.closeWriting()
        stage.run(.milliseconds(499))
        let server = try #require(stage.served.first)
        #expect(server.text == "bye" && !server.hasEnded)
        stage.run(.milliseconds(1))
        #expect(server.hasEnded)
    }

    @Test func newConnectionsAreRefusedAndOldOnesGoOn() throws {
        let stage = try LinkStage()
        let old = stage.connect()
        stage.arm("connect_refuse")
        let new = stage.connect()
        stage.run(.zero)
        #expect(new.reason == .failed(errno: ECONNRESET))
        old.send("on")
        stage.run(.zero)
        #expect(stage.served.first?.text == "on")
        #expect(stage.relay.counts.refused == 1)
    }

    /// 99.9 % of binomial draws of 1,000 with p = 1/4 lie within 205…297.
    @Test func aChanceIsDrawnOncePerConnectionAndKeepsItsBand() throws {
        let stage = try LinkStage()
        stage.arm("half_open", for: .seconds(1_000), chance: Chance(1, of: 4))
        var dead: [Int] = []
        for index in 0..<1_000 {
            let client = stage.connect()
            client.send("x")
            client.send("y")
            stage.run(.milliseconds(1))
            if stage.served[index].bytes.isEmpty { dead.append(index) }
            #expect([0, 2].contains(stage.served[index].bytes.count))
        }
        #expect((205...297).contains(dead.count))
        // All at once: the same ones.
        let other = try LinkStage()
        other.arm("half_open", for: .seconds(1_000), chance: Chance(1, of: 4))
        let clients = (0..<1_000).map { _ in other.connect() }
        for client in clients { client.send("x") }
        other.run(.zero)
        #expect(other.served.indices.filter { other.served[$0].bytes.isEmpty } == dead)
    }

    @Test func pulsesOpenAndCloseByThemselves() throws {
        let stage = try LinkStage()
        let client = stage.connect()
        stage.arm("stall", for: .seconds(4)) {
            $0.window.pulse = .init(on: .seconds(1), off: .seconds(1))
        }
        for index in 0..<8 {
            client.send([UInt8(index)])
            stage.run(.milliseconds(500))
        }
        // Sent at 0, 0.5, 1, …: on until 1 s, off until 2 s, on until 3 s.
        // By byte: what is released at one instant may arrive as one chunk.
        let times = try #require(stage.served.first).chunks.flatMap { chunk in
            [Int64](repeating: chunk.at.milliseconds, count: chunk.count)
        }
        #expect(times == [1_000, 1_000, 1_000, 1_500, 3_000, 3_000, 3_000, 3_500])
    }

    @Test func whatIsUnknownOrNotForThisLinkIsRefused() throws {
        let stage = try LinkStage()
        #expect(stage.arm("loss")?.contains("no link knows a fault loss") == true)
        #expect(stage.arm("hang")?.contains("reads Redis' protocol") == true)
        #expect(stage.relay.chain.isEmpty)
    }
}
