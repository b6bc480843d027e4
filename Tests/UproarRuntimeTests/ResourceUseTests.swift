import Testing
import UproarCore
import UproarRuntime

@Suite struct ResourceUseTests {
    private func sample(
        at ms: Int64, user: Int64, busiest: Int64 = 0, delay: Int64? = nil,
        cpus: [CPUSample] = [], drops: Int64? = nil, throttled: Int64? = nil
    ) -> ResourceSample {
        var group = GroupSample(name: "agent")
        group.userNanoseconds = user
        group.systemNanoseconds = user / 2
        group.busiestThreadNanoseconds = busiest
        group.runDelayNanoseconds = delay
        var machine = MachineSample()
        machine.cpus = cpus
        machine.datagramsDropped = drops
        machine.throttledNanoseconds = throttled
        return ResourceSample(
            at: Instant(nanoseconds: ms * 1_000_000), groups: [group], machine: machine)
    }

    @Test func sharesAreTimeUsedByTimePassed() throws {
        let use = try #require(
            ResourceUse(
                from: sample(at: 1000, user: 0, delay: 0, throttled: 0),
                to: sample(
                    at: 3000, user: 1_000_000_000, busiest: 500_000_000, delay: 200_000_000,
                    throttled: 400_000_000)))
        let agent = try #require(use.groups.first)
        #expect(agent.userCores == 0.5)
        #expect(agent.systemCores == 0.25)
        #expect(agent.cores == 0.75)
        #expect(agent.busiestThreadCores == 0.25)
        #expect(agent.runDelayShare == 0.1)
        #expect(use.machine.throttledShare == 0.2)
    }

    @Test func whatIsNotKnownStaysUnknown() throws {
        let use = try #require(
            ResourceUse(
                from: sample(at: 0, user: 0, drops: nil), to: sample(at: 1, user: 0, drops: 5)))
        #expect(use.machine.datagramsDropped == nil)
        #expect(use.machine.worstStolenShare == nil)
        #expect(use.groups[0].runDelayShare == nil)
    }

    @Test func theWorstCPUDecidesTheStolenShare() throws {
        func cpu(_ busy: Int64, _ idle: Int64, _ stolen: Int64) -> CPUSample {
            CPUSample(busyNanoseconds: busy, idleNanoseconds: idle, stolenNanoseconds: stolen)
        }
        let use = try #require(
            ResourceUse(
                from: sample(at: 0, user: 0, cpus: [cpu(0, 0, 0), cpu(100, 100, 0)]),
                to: sample(at: 1, user: 0, cpus: [cpu(50, 50, 0), cpu(125, 150, 25)])))
        #expect(use.machine.worstStolenShare == 0.25)
        #expect(use.machine.busyShare == 0.375)
    }

    @Test func noTimePassedIsNoUse() {
        #expect(ResourceUse(from: sample(at: 5, user: 0), to: sample(at: 5, user: 9)) == nil)
    }
}
