import Testing
import UproarCore
import UproarFaults

/// How many packets a fault meets, and that it is the same ones whatever goes on beside.
@Suite struct PacketFaultTests {
    private func chain(
        _ fault: String, _ attributes: [(String, FaultDescriptor.Value)] = [],
        chance: Chance = .always, on: String = "uplink"
    ) -> PacketFaultChain {
        var plan = FaultPlan(
            id: "f", number: 1, fault: fault, attributes: FaultAttributes(attributes),
            scope: FaultScope(on: [on]),
            window: .init(from: .zero, until: .zero + .seconds(10_000)), seed: Seed(5))
        plan.scope.chance = chance
        var chain = PacketFaultChain()
        let isKnown = chain.arm(plan)
        #expect(isKnown)
        return chain
    }

    private func flow(_ call: UInt32, _ name: String = "uplink") -> PacketFlow {
        PacketFlow(names: [name], key: UInt64(call), call: call, index: name == "uplink" ? 0 : 1)
    }

    private func lost(_ chain: inout PacketFaultChain, _ flow: inout PacketFlow, _ count: Int)
        -> [Bool]
    {
        (0..<count).map { index in
            chain.verdict(
                on: &flow, byteCount: 160, at: .zero + .milliseconds(20) * index
            ).isLost
        }
    }

    /// 99.9 % of binomial draws of 20,000 with p = 3 % lie within 522…680.
    @Test func lossIsInItsBand() {
        var chain = chain("loss", chance: Chance(3, of: 100))
        var flow = flow(1)
        let count = lost(&chain, &flow, 20_000).count { $0 }
        #expect((522...680).contains(count))
    }

    @Test func theSamePacketsAreLostHoweverCallsInterleave() {
        var one = chain("loss", chance: Chance(1, of: 10))
        var a = flow(1)
        var b = flow(2)
        let alone = (lost(&one, &a, 500), lost(&one, &b, 500))
        var other = chain("loss", chance: Chance(1, of: 10))
        var c = flow(1)
        var d = flow(2)
        var mixed: ([Bool], [Bool]) = ([], [])
        for _ in 0..<500 {
            mixed.1 += lost(&other, &d, 1)
            mixed.0 += lost(&other, &c, 1)
        }
        #expect(mixed.0 == alone.0 && mixed.1 == alone.1)
        #expect(alone.0 != alone.1)
    }

    /// Bursts last 1 / leave packets on average: 4. With 20,000 packets about 760 bursts; the mean of so many geometric lengths
    /// (deviation 3.46) lies within 4 ± 0.41 in 99.9 % of cases.
    @Test func burstsAreAsLongAsTheyShouldBe() {
        var chain = chain("burst_loss", [("enter", .chance(Chance(1, of: 20)))])
        var flow = flow(9)
        let packets = lost(&chain, &flow, 20_000)
        var bursts: [Int] = []
        var length = 0
        for isLost in packets + [false] {
            if isLost {
                length += 1
            } else if length > 0 {
                bursts.append(length)
                length = 0
            }
        }
        let mean = Double(bursts.reduce(0, +)) / Double(bursts.count)
        #expect((3.59...4.41).contains(mean))
        #expect((650...1_020).contains(bursts.count))
    }

    @Test func aNarrowWayQueuesAndThenLoses() {
        // 160 bytes in 20 ms is 64 kbit/s: half of that gets through, and the queue is 100 ms.
        var chain = chain(
            "narrow", [("rate", .number(32_000)), ("queue", .duration(.milliseconds(100)))])
        var flow = flow(3)
        var lost = 0
        var longest = Duration.zero
        for index in 0..<1_000 {
            let verdict = chain.verdict(
                on: &flow, byteCount: 160, at: .zero + .milliseconds(20) * index)
            if verdict.isLost { lost += 1 } else { longest = max(longest, verdict.delay) }
        }
        #expect((490...505).contains(lost))
        #expect(longest <= .milliseconds(140))
    }

    @Test func theOtherLegIsAsEver() {
        var chain = chain("loss")
        var down = flow(1, "downlink")
        #expect(lost(&chain, &down, 50).allSatisfy { !$0 })
    }
}
