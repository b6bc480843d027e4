import Testing
import UproarCore
import UproarFaults

@testable import UproarHarness

@Suite("Whom a fault met whose place is no call's")
struct FaultExposureTests {
    static func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

    static func plan(
        _ fault: String, on: String, _ attributes: [(String, FaultDescriptor.Value)] = []
    )
        -> FaultPlan
    {
        FaultPlan(
            id: fault, number: 3, fault: fault, attributes: FaultAttributes(attributes),
            scope: FaultScope(on: [on]), window: .init(from: at(0), until: at(60_000)),
            seed: Seed(1))
    }

    static func link(_ arrow: LinkArrow, _ port: UInt16, _ way: LinkDirection?, _ ms: Int64)
        -> Fact
    {
        Fact(
            .faultEffective, at: at(ms),
            value: LinkSite(arrow, port: port, direction: way).value, detail: 3, origin: .link)
    }

    static func used(
        _ provider: ProviderID, _ port: UInt32, _ call: UInt32, _ use: StreamUse, _ ms: Int64
    ) -> Fact {
        Fact(
            .streamUsed, at: at(ms), call: call, value: use.rawValue, detail: port,
            origin: .provider(provider))
    }

    static func answered(_ call: UInt32, port: Int64 = 0, _ ms: Int64) -> Fact {
        Fact(.callAnswered, at: at(ms), call: call, value: port, origin: .caller)
    }

    let deepgram = LinkArrow(from: "agent", to: "deepgram")
    let openai = LinkArrow(from: "agent", to: "openai")

    @Test func aSiteSurvivesItsFact() {
        for arrow in LinkArrow.all {
            for way in [nil, LinkDirection.up, .down] {
                for port in [0, 1, 50_000, UInt16.max] {
                    let site = LinkSite(arrow, port: port, direction: way)
                    #expect(LinkSite(value: site.value) == site)
                }
            }
        }
        #expect(LinkSite(value: -1) == nil)
        #expect(LinkSite(value: 1 << 40) == nil)
    }

    @Test func aStreamMeetsTheCallThatItCarriesAlsoWhenThatIsKnownLater() {
        var exposure = FaultExposure()
        let plan = Self.plan("delay", on: "agent->deepgram")
        #expect(exposure.effect(Self.link(deepgram, 7, .up, 100), of: plan).isEmpty)
        // Another arrow's connection may have the same port.
        #expect(exposure.take(Self.used(.cartesia, 7, 5, .stream, 150)).isEmpty)
        #expect(
            exposure.take(Self.used(.deepgram, 7, 4, .stream, 200))
                == [.init(call: 4, fault: 3, at: Self.at(100))])
        #expect(
            exposure.effect(Self.link(deepgram, 7, .down, 300), of: plan)
                == [.init(call: 4, fault: 3, at: Self.at(300))])
        // It is told once.
        #expect(exposure.take(Self.used(.deepgram, 7, 4, .stream, 400)).isEmpty)
    }

    @Test func bytesUpOnAConnectionOfRequestsBelongToTheNextOne() {
        var exposure = FaultExposure()
        let plan = Self.plan("delay", on: "agent->openai")
        _ = exposure.take(Self.used(.openai, 9, 1, .request, 10))
        _ = exposure.take(Self.used(.openai, 9, 1, .answered, 20))
        #expect(exposure.effect(Self.link(openai, 9, .up, 30), of: plan).isEmpty)
        #expect(exposure.take(Self.used(.openai, 9, 2, .request, 130)).map(\.call) == [2])
        #expect(exposure.effect(Self.link(openai, 9, .down, 140), of: plan).map(\.call) == [2])
        // An idle connection that is reset carries nobody.
        _ = exposure.take(Self.used(.openai, 9, 2, .answered, 150))
        #expect(exposure.effect(Self.link(openai, 9, nil, 160), of: plan).isEmpty)
    }

    @Test func aCallersStreamIsToldByThePortThatItWasDialledFrom() {
        var exposure = FaultExposure()
        let plan = Self.plan("stall", on: "callers->agent")
        _ = exposure.take(Self.answered(1, port: 5001, 0))
        _ = exposure.take(Self.answered(2, port: 5002, 0))
        #expect(
            exposure.effect(Self.link(.callersToAgent, 5002, .up, 10), of: plan).map(\.call) == [2])
        // Refused before it was answered: the refusal tells whose it was.
        #expect(exposure.effect(Self.link(.callersToAgent, 5003, nil, 20), of: plan).isEmpty)
        let refused = Fact(.callRefused, at: Self.at(30), call: 3, value: 5003, origin: .caller)
        #expect(exposure.take(refused).map(\.call) == [3])
    }

    @Test func redisIsEverybodys() {
        var exposure = FaultExposure()
        for call in 1...3 as ClosedRange<UInt32> { _ = exposure.take(Self.answered(call, 0)) }
        _ = exposure.take(Fact(.callEnded, at: Self.at(5), call: 2, origin: .caller))
        let met = exposure.effect(
            Self.link(.agentToRedis, 0, nil, 10), of: Self.plan("hang", on: "redis"))
        #expect(met.map(\.call) == [1, 3])
    }

    @Test func aProcessThatStaysAwayMeetsThoseWhoComeLaterToo() {
        let struck = Fact(.faultEffective, at: Self.at(10), detail: 3, origin: .nemesis)
        var exposure = FaultExposure()
        _ = exposure.take(Self.answered(1, 0))
        #expect(
            exposure.effect(struck, of: Self.plan("kill", on: "redis")).map(\.call) == [1])
        #expect(exposure.take(Self.answered(2, 20)).map(\.call) == [2])
        exposure.cleared(3)
        #expect(exposure.take(Self.answered(3, 30)).isEmpty)

        var restarted = FaultExposure()
        _ = restarted.effect(
            struck, of: Self.plan("kill", on: "redis", [("restart", .duration(.seconds(2)))]))
        #expect(restarted.take(Self.answered(2, 20)).isEmpty)
    }
}
