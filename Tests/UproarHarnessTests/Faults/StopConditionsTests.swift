import Testing
import UproarCore

@testable import UproarHarness

@Suite("What ends a run with faults")
struct StopConditionsTests {
    final class Conditions {
        var value: StopConditions
        init(memoryFloor: Int64) { value = StopConditions(memoryFloor: memoryFloor) }
    }

    func look(
        _ conditions: Conditions, _ ms: Int64,
        _ change: (inout StopConditions.Sight) -> Void = { _ in }
    ) -> String? {
        var sight = StopConditions.Sight(at: .zero + .milliseconds(ms))
        sight.memoryAvailable = 1 << 30
        sight.lateness = .milliseconds(1)
        change(&sight)
        return conditions.value.look(sight)?.rule
    }

    @Test("A quiet run is never ended")
    func quiet() {
        let conditions = Conditions(memoryFloor: 256 << 20)
        for ms in stride(from: Int64(0), to: 600_000, by: 250) {
            #expect(look(conditions, ms) == nil)
        }
    }

    @Test("The halt lever and a failed heal check end it at the next look")
    func atOnce() {
        let conditions = Conditions(memoryFloor: 0)
        #expect(look(conditions, 0) { $0.halted = "enough" } == "halt")
        #expect(look(conditions, 0) { $0.dirty = "redis" } == "heal_failure")
    }

    @Test("Too little memory at two looks in a row, and not at one")
    func memory() {
        let conditions = Conditions(memoryFloor: 256 << 20)
        #expect(look(conditions, 0) { $0.memoryAvailable = 1 << 20 } == nil)
        #expect(look(conditions, 250) == nil)
        #expect(look(conditions, 500) { $0.memoryAvailable = 1 << 20 } == nil)
        #expect(look(conditions, 750) { $0.memoryAvailable = 1 << 20 } == "memory_floor")
    }

    @Test("Emulators that say nothing for longer than they ever do")
    func telemetry() {
        let conditions = Conditions(memoryFloor: 0)
        #expect(look(conditions, 0) { $0.silence = .seconds(15) } == nil)
        #expect(look(conditions, 250) { $0.silence = .milliseconds(15_001) } == "telemetry_lost")
    }

    @Test("A generator that is late for five seconds without a break")
    func overload() {
        let conditions = Conditions(memoryFloor: 0)
        for ms in stride(from: Int64(0), to: 5000, by: 250) {
            #expect(look(conditions, ms) { $0.lateness = .milliseconds(101) } == nil)
        }
        #expect(look(conditions, 5000) == nil)
        for ms in stride(from: Int64(5250), to: 10_250, by: 250) {
            #expect(look(conditions, ms) { $0.loopLag = .milliseconds(501) } == nil)
        }
        #expect(
            look(conditions, 10_250) { $0.loopLag = .milliseconds(501) }
                == "generator_overloaded")
    }
}
