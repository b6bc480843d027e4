import Testing
import UproarCore
import UproarPosix
import UproarRuntime

@testable import UproarHarness

/// A run and emulators that it has not started, over a real socket on one loop.
@Suite struct AttachPointTests {
    private final class Heard {
        var isReady = false
        var facts: [Fact] = []
        var evidence = JSONValue.null
        var end: String?
    }

    private let loop: EventLoop
    private let network: PosixNetwork
    private let driver: PosixDriver
    private let providers: RunClock

    init() throws {
        driver = try PosixDriver(clock: .starting())
        loop = EventLoop(driver: driver)
        network = PosixNetwork(loop: loop, driver: driver)
        // The emulators began 5 s before the run.
        providers = RunClock(epoch: driver.clock.epoch - 5_000_000_000)
    }

    private func attach(_ url: String, seed: UInt64 = 9, isTagging: Bool = true)
        -> (AttachedProviders, Heard)
    {
        let attached = AttachedProviders(
            url, seed: Seed(seed), isTagging: isTagging, clock: driver.clock, network: network,
            loop: loop)
        let heard = Heard()
        attached.onReady = { heard.isReady = true }
        attached.onFacts = { records, shift in
            forEachFact(in: records) { fact in
                var fact = fact
                fact.at += shift.nanoseconds
                heard.facts.append(fact)
            }
        }
        attached.onEvidence = { heard.evidence = $0 }
        attached.onEnded = { heard.end = $0 }
        return (attached, heard)
    }

    private func runUntil(_ condition: () -> Bool) {
        let limit = loop.now + .seconds(10)
        while !condition(), loop.now < limit { loop.runOnce(until: loop.now + .milliseconds(20)) }
        #expect(condition())
    }

    private func point() throws -> AttachPoint {
        try AttachPoint(
            port: 0, clock: providers, seed: Seed(9), isTagging: true, network: network)
    }

    @Test func factsArriveWithTheRunsTimesAndEvidenceComesLast() throws {
        let point = try point()
        point.evidence = { ["deepgram": 3] }
        let lost = Fact(.modelRequested, at: .zero, call: 1, origin: .provider(.openai))
        point.state(lost)
        let (attached, heard) = attach(point.url)
        runUntil { heard.isReady }
        // Seven seconds of theirs are two of the run's.
        point.state(
            Fact(.modelRequested, at: .zero + .seconds(7), call: 2, origin: .provider(.openai)))
        runUntil { !heard.facts.isEmpty }
        #expect(heard.facts.map(\.instant) == [.zero + .seconds(2)])
        #expect(heard.facts.map(\.call) == [2])
        attached.drain()
        runUntil { heard.end != nil }
        #expect(heard.evidence == ["deepgram": 3])
        // The next run may come.
        let (another, next) = attach(point.url)
        runUntil { next.isReady }
        withExtendedLifetime((attached, another)) {}
    }

    @Test func oneRunAtATime() throws {
        let point = try point()
        let (first, heard) = attach(point.url)
        runUntil { heard.isReady }
        let (second, other) = attach(point.url)
        runUntil { other.end != nil }
        #expect(other.end == "another run is attached to these providers" && !other.isReady)
        withExtendedLifetime((first, second)) {}
    }

    @Test func anotherSeedOrTaggingIsRefusedWithWhatToDo() throws {
        let point = try point()
        let (one, seed) = attach(point.url, seed: 8)
        runUntil { seed.end != nil }
        #expect(seed.end?.contains("add --seed 9, or start them with --seed 8") == true)
        let (two, tagging) = attach(point.url, isTagging: false)
        runUntil { tagging.end != nil }
        #expect(tagging.end?.contains("tagging is on in one") == true)
        withExtendedLifetime((one, two)) {}
    }

    @Test func nobodyThereIsSaid() throws {
        let port = try network.freePort()
        let (attached, heard) = attach("tcp://127.0.0.1:\(port)")
        runUntil { heard.end != nil }
        #expect(
            heard.end
                == "no providers are at tcp://127.0.0.1:\(port): start them with `uproar providers`"
        )
        withExtendedLifetime(attached) {}
    }

    @Test func loadsOfASearchKeepTheSeedOfEmulatorsThatRunAlready() throws {
        var loaded = try LoadedScenario.file(
            "scenarios/your-agent.yaml",
            overrides: ["providers={attach: 'tcp://127.0.0.1:9199'}", "seed=9"])
        loaded.redraw(10)
        #expect(loaded.seed == 9)
        loaded = try LoadedScenario.file("scenarios/first-call.yaml", overrides: ["seed=9"])
        loaded.redraw(10)
        #expect(loaded.seed == 10)
    }
}
