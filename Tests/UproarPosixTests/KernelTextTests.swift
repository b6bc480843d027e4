import Testing
import UproarPosix
import UproarRuntime

@Suite struct KernelTextTests {
    @Test func cpusAreReadWithoutTheSumLineAndWithSteal() {
        let text = """
            cpu  6492 0 2626 267227 1181 0 64 13 0 0
            cpu0 2468 10 959 135284 43 1 7 3 5 0
            cpu1 4023 0 1667 131943 1138 0 56 10 0 0
            intr 186255 0 0
            ctxt 1

            """
        let ms: Int64 = 10_000_000
        #expect(
            KernelText.cpus(stat: text, ticksPerSecond: 100) == [
                CPUSample(
                    busyNanoseconds: (2468 + 10 + 959 + 1 + 7) * ms,
                    idleNanoseconds: (135284 + 43) * ms, stolenNanoseconds: 3 * ms),
                CPUSample(
                    busyNanoseconds: (4023 + 1667 + 56) * ms,
                    idleNanoseconds: (131943 + 1138) * ms, stolenNanoseconds: 10 * ms),
            ])
        #expect(KernelText.cpus(stat: "cpu0 1 2\ncpuX 1 2 3 4 5 6 7 8", ticksPerSecond: 100) == [])
    }

    @Test func kilobytesBecomeBytes() {
        let text =
            "MemTotal:       24684084 kB\nMemAvailable:   23474344 kB\nHugePages_Total:       0\n"
        #expect(KernelText.kilobytes("MemAvailable", in: text) == 24_037_728_256)
        #expect(KernelText.kilobytes("HugePages_Total", in: text) == nil)
        #expect(KernelText.kilobytes("Mem", in: text) == nil)
        #expect(KernelText.kilobytes("A", in: "A: 9223372036854775807 kB") == nil)
    }

    @Test func countersAreFoundByNameWhateverTheirPlace() {
        let text = """
            Tcp: RtoAlgorithm RetransSegs InErrs
            Tcp: 1 11 0
            Udp: InDatagrams NoPorts RcvbufErrors
            Udp: 34 0 7
            UdpLite: InDatagrams NoPorts RcvbufErrors
            UdpLite: 0 0 99
            """
        #expect(KernelText.counter("RcvbufErrors", of: "Udp", in: text) == 7)
        #expect(KernelText.counter("RetransSegs", of: "Tcp", in: text) == 11)
        #expect(KernelText.counter("Missing", of: "Tcp", in: text) == nil)
        #expect(KernelText.counter("RcvbufErrors", of: "Udp", in: "Udp: RcvbufErrors\n") == nil)
        #expect(KernelText.counter("b", of: "X", in: "X: a b\nX: 1") == nil)
        #expect(KernelText.value("Udp6RcvbufErrors", in: "Udp6RcvbufErrors  \t5\n") == 5)
    }

    @Test func dropsOfAllInterfacesAreSummed() {
        let text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo: 67908726    1852    1    2    0     0          0         0 67908726    1852    0    3    0     0       0          0
              eth0:229717224    4305    0    0    9     0          0         0   204769    2373    4    0    0     0       0          0
            """
        #expect(KernelText.interfaceDrops(dev: text) == 10)
        #expect(KernelText.interfaceDrops(dev: "") == nil)
    }

    @Test func schedulingTimesAreRead() throws {
        let times = try #require(KernelText.scheduling("1351255 34334744 3\n"))
        #expect(times == (1_351_255, 34_334_744))
        #expect(KernelText.scheduling("0\n") == nil)
    }

    @Test(
        arguments: [
            ("Cpus_allowed_list:\t0-1\n", 2), ("x: 1\nCpus_allowed_list:\t0,2-4\n", 4),
            ("Cpus_allowed_list:\t7\n", 1), ("Cpus_allowed_list:\tnone\n", nil),
            ("Cpus_allowed_list:\t4-2\n", nil), ("", nil),
        ] as [(String, Int?)])
    func theCPUsAllowedAreCounted(text: String, count: Int?) {
        #expect(MachineLimits.allowedCPUs(status: text) == count)
    }

    @Test func portRangesAreReadOrRefused() {
        #expect(MachineLimits.portRange("32768\t60999\n") == 32768...60999)
        #expect(MachineLimits.portRange("5 4") == nil)
        #expect(MachineLimits.portRange("") == nil)
    }
}

@Suite struct ControlGroupTests {
    static let mountinfo1 = """
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """
    static let mountinfo2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"

    @Test func versionOneFindsEachControllersFolders() {
        let group = ControlGroup(
            cgroup: "4:memory:/a/b\n1:cpuacct,cpu:/c\n0::/\n", mountinfo: Self.mountinfo1)
        #expect(
            group.cpuFolders == [
                "/sys/fs/cgroup/cpu,cpuacct/c", "/sys/fs/cgroup/cpu,cpuacct",
                "/sys/fs/cgroup/unified",
            ])
        #expect(
            group.memoryFolders == [
                "/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/memory",
                "/sys/fs/cgroup/unified",
            ])
    }

    @Test func versionTwoHasOnePath() {
        let group = ControlGroup(
            cgroup: "0::/user.slice/run.scope\n", mountinfo: Self.mountinfo2)
        #expect(
            group.cpuFolders == [
                "/sys/fs/cgroup/user.slice/run.scope", "/sys/fs/cgroup/user.slice",
                "/sys/fs/cgroup",
            ])
        #expect(group.cpuFolders == group.memoryFolders)
    }

    @Test func aContainersMountShowsItsOwnGroupAtTheTop() {
        let group = ControlGroup(
            cgroup: "0::/docker/abc/x", mountinfo: "1 2 0:3 /docker/abc /cg rw - cgroup2 c rw")
        #expect(group.cpuFolders == ["/cg/x", "/cg"])
    }

    @Test func theTightestLimitUpwardsHolds() {
        let files = [
            "/cg/a/cpu.max": "max 100000\n",
            "/cg/a/cpu.stat": "nr_throttled 2\nthrottled_usec 30\n",
            "/cg/cpu.max": "150000 100000\n", "/cg/cpu.stat": "nr_throttled 5\nthrottled_usec 20\n",
            "/cg/a/memory.max": "max\n", "/cg/memory.max": "1073741824\n",
        ]
        let limits = ControlGroup(cpuFolders: ["/cg/a", "/cg"], memoryFolders: ["/cg/a", "/cg"])
            .limits { files[$0] }
        #expect(limits.quotaCores == 1.5)
        #expect(limits.throttledPeriods == 5)
        #expect(limits.throttledNanoseconds == 30_000)
        #expect(limits.memoryLimitBytes == 1 << 30)
    }

    @Test func versionOneWritesNoLimitAsAHugeNumber() {
        let files = [
            "/c/cpu.cfs_quota_us": "-1\n", "/c/cpu.cfs_period_us": "100000\n",
            "/c/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 77\n",
            "/m/memory.limit_in_bytes": "9223372036854771712\n",
        ]
        let limits = ControlGroup(cpuFolders: ["/c"], memoryFolders: ["/m"]).limits { files[$0] }
        #expect(limits.quotaCores == nil)
        #expect(limits.throttledNanoseconds == 77)
        #expect(limits.memoryLimitBytes == nil)
    }
}
