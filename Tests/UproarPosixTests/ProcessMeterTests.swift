import Testing
import UproarPosix
import UproarRuntime

/// The worker's memory against the limit of its control group, as the two versions of the kernel's files say it.
@Suite struct ProcessMeterTests {
    private let folder = TemporaryFolder()

    private func write(_ text: String, to path: String) throws {
        let full = folder.path + path
        try AtomicFile.makeFolder(String(full[..<full.lastIndex(of: "/")!]))
        try AtomicFile.write(Array(text.utf8), to: full)
    }

    private func load() -> WorkerLoad? {
        ProcessMeter(root: folder.path).sample()
    }

    @Test func version2CountsItsOwnGroup() throws {
        try write("0::/kubepods/pod1\n", to: "/proc/self/cgroup")
        try write("536870912\n", to: "/sys/fs/cgroup/kubepods/pod1/memory.max")
        try write("429496730\n", to: "/sys/fs/cgroup/kubepods/pod1/memory.current")
        let found = try #require(load())
        #expect(found.memory == 429_496_730 && found.memoryLimit == 536_870_912)
    }

    /// Inside a container the group's path may lie outside what is mounted.
    @Test func version2FallsBackToTheMountsRoot() throws {
        try write("0::/../../elsewhere\n", to: "/proc/self/cgroup")
        try write("1000\n", to: "/sys/fs/cgroup/memory.max")
        try write("850\n", to: "/sys/fs/cgroup/memory.current")
        let found = try #require(load())
        #expect(found.memory == 850 && found.memoryLimit == 1000)
    }

    @Test func version1HasAGroupForMemoryAlone() throws {
        try write("5:cpu,cpuacct:/c\n4:memory:/docker/abc\n", to: "/proc/self/cgroup")
        try write("2000\n", to: "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes")
        try write("1700\n", to: "/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes")
        let found = try #require(load())
        #expect(found.memory == 1700 && found.memoryLimit == 2000)
    }

    @Test(arguments: ["max\n", "9223372036854771712\n"])
    func aGroupWithoutALimitLeavesTheMachines(limit: String) throws {
        try write("0::/x\n", to: "/proc/self/cgroup")
        try write(limit, to: "/sys/fs/cgroup/x/memory.max")
        try write("5\n", to: "/sys/fs/cgroup/x/memory.current")
        try write("100 7 1 1 0 1 0\n", to: "/proc/self/statm")
        let found = try #require(load())
        // Seven pages, whatever a page is here.
        #expect(found.memory % 7 == 0 && found.memory >= 7 * 4096)
        #expect(found.memoryLimit.map { $0 > 1 << 20 } ?? true)
    }

    @Test func nothingToReadIsNoLoad() { #expect(load() == nil) }
}
