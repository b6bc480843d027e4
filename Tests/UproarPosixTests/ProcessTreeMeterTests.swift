import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

extension RealProcesses {
    @Suite struct ProcessTreeMeterTests {
        @Test func aGroupIsItsRootAndWhatDescendsFromItButNotOtherRoots() throws {
            let stage = try Stage()
            let busy = stage.start(
                ProcessCommand(
                    name: "busy", executable: "sh",
                    arguments: ["-c", "sleep 900 & while :; do :; done"]))
            stage.runUntil { busy.wasStarted }
            let pid = try #require(busy.hosted?.pid)
            let guardian = try #require(stage.host.guardianPID)
            stage.runUntil { ProcessTable.read().descendants(of: pid).count == 1 }

            let meter = ProcessTreeMeter(clock: .starting())
            meter.add(root: getpid(), to: "callers")
            meter.add(root: guardian, to: "guardian")
            meter.add(root: pid, to: "agent")
            meter.name(group: "redis")
            let first = meter.sample()
            #expect(first.groups.map(\.name) == ["callers", "guardian", "agent", "redis"])
            #expect(first.groups.map(\.processCount) == [1, 1, 2, 0])
            #expect(first.groups[3].residentBytes == 0)
            #expect(first.groups[0].residentBytes > 1 << 20)
            #expect(try #require(first.groups[0].descriptorCount) > 5)
            #expect(
                try #require(first.groups[0].proportionalBytes) <= first.groups[0].residentBytes)
            #expect(first.machine.cpus.count >= 1)
            #expect(try #require(first.machine.memoryTotalBytes) > 0)

            // Its counters run on: 100 ms of CPU time are 10 ticks.
            var last = first
            stage.runUntil {
                last = meter.sample()
                return last.groups[2].userNanoseconds - first.groups[2].userNanoseconds
                    >= 100_000_000
            }
            let use = try #require(ResourceUse(from: first, to: last))
            #expect(use.groups[2].busiestThreadCores > 0)
            #expect(use.groups[2].cores <= Double(last.machine.cpus.count) + 0.5)
            #expect(last.groups[2].busiestThreadNanoseconds > 0)

            // What it used is not forgotten when it is gone; the child that outlives it stays in the group.
            busy.hosted?.send(.kill, tree: false)
            stage.runUntil { busy.exit != nil }
            let after = meter.sample()
            #expect(after.groups.map(\.processCount) == [1, 1, 1, 0])
            #expect(after.groups[2].userNanoseconds >= last.groups[2].userNanoseconds)
            stage.shutDown()
            #expect(meter.sample().groups.map(\.processCount) == [1, 0, 0, 0])
        }

        @Test func whatARootUsedAfterItsLastSampleCounts() throws {
            let stage = try Stage()
            var whole: ProcessorUse?
            stage.host.onUsed = { whole = $1 }
            let work = stage.start(
                ProcessCommand(
                    name: "work", executable: "sh",
                    arguments: ["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]))
            stage.runUntil { work.wasStarted }
            let pid = try #require(work.hosted?.pid)
            let meter = ProcessTreeMeter(clock: .starting())
            meter.add(root: pid, to: "agent")
            let first = meter.sample().groups[0]
            stage.runUntil { work.exit != nil }
            let use = try #require(whole)
            meter.ended(root: pid, use)
            let last = meter.sample().groups[0]
            #expect(last.processCount == 0)
            #expect(last.userNanoseconds == use.user)
            #expect(last.userNanoseconds > first.userNanoseconds + 10_000_000)
            // Once: the next root of the group begins where this one ended.
            #expect(meter.sample().groups[0].userNanoseconds == use.user)
            stage.shutDown()
        }

        @Test func theDescriptorLimitRisesToTheHardOneAndNoFurther() {
            let hard = DescriptorLimit.read().hard
            #expect(DescriptorLimit.raise() == hard)
            #expect(DescriptorLimit.read().soft == hard)
        }

        @Test func thisMachineSaysWhatItAllows() throws {
            let limits = MachineLimits.read()
            #expect(limits.cpuCount >= 1)
            #expect(limits.descriptorsSoft > 0)
            #expect(limits.kernel.contains("."))
            #expect(try #require(limits.ephemeralPorts).contains(limits.ephemeralPorts!.lowerBound))
        }
    }
}
