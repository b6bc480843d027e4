import Testing
import UproarPosix

/// Where a control group may be made, from the kernel's own texts.
@Suite struct GroupPlaceTests {
    static let first = """
        30 24 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
        31 24 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        32 24 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

        """
    static let second = "29 23 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

    func find(
        _ controller: GroupPlace.Controller, _ files: [String: String],
        writable: @escaping (String) -> Bool = { _ in true }
    ) throws -> GroupPlace {
        try GroupPlace.find(controller, of: 7, read: { files[$0] }, isWritable: writable)
    }

    @Test func versionOneWhereTheControllerIsMounted() throws {
        let files = [
            "/proc/7/cgroup": "4:memory:/jobs/a\n1:cpu,cpuacct:/\n0::/\n",
            "/proc/self/mountinfo": Self.first,
        ]
        let memory = try find(.memory, files)
        #expect(memory.version == .first)
        #expect(memory.parent == "/sys/fs/cgroup/memory/jobs/a")
        #expect(memory.home == memory.parent)
        #expect(try find(.cpu, files).parent == "/sys/fs/cgroup/cpu")
        #expect(memory.group(named: "uproar-1").path == "/sys/fs/cgroup/memory/jobs/a/uproar-1")
    }

    @Test func versionTwoBelowTheNearestGroupThatHandsTheControllerDown() throws {
        let files = [
            "/proc/7/cgroup": "0::/user.slice/shell.scope\n",
            "/proc/self/mountinfo": Self.second,
            "/sys/fs/cgroup/cgroup.subtree_control": "cpu memory pids\n",
            "/sys/fs/cgroup/user.slice/cgroup.subtree_control": "memory pids\n",
            "/sys/fs/cgroup/user.slice/shell.scope/cgroup.subtree_control": "\n",
        ]
        let memory = try find(.memory, files)
        #expect(memory.version == .second)
        #expect(memory.parent == "/sys/fs/cgroup/user.slice")
        #expect(memory.home == "/sys/fs/cgroup/user.slice/shell.scope")
        #expect(try find(.cpu, files).parent == "/sys/fs/cgroup")
    }

    @Test func whatIsNotAllowedIsSaidInWords() {
        let files = [
            "/proc/7/cgroup": "4:memory:/a\n0::/\n", "/proc/self/mountinfo": Self.first,
        ]
        let unwritable = #expect(throws: GroupPlace.Refusal.self) {
            try find(.memory, files, writable: { _ in false })
        }
        #expect(
            unwritable?.description
                == "the memory control group /sys/fs/cgroup/memory/a is not writable (version 1)")
        let unmounted = #expect(throws: GroupPlace.Refusal.self) {
            try find(
                .memory,
                [
                    "/proc/7/cgroup": "0::/\n",
                    "/proc/self/mountinfo": "1 0 0:1 / / rw - ext4 d rw\n",
                ])
        }
        #expect(unmounted?.description == "no memory control group is mounted")
        let ungiven = #expect(throws: GroupPlace.Refusal.self) {
            try find(
                .cpu,
                [
                    "/proc/7/cgroup": "0::/a\n", "/proc/self/mountinfo": Self.second,
                    "/sys/fs/cgroup/cgroup.subtree_control": "memory\n",
                ])
        }
        #expect(ungiven?.description.hasSuffix("hands the cpu controller down (version 2)") == true)
    }

    @Test func aContainersMountShowsItsOwnGroupAtTheTop() throws {
        let files = [
            "/proc/7/cgroup": "4:memory:/docker/abc/inner\n",
            "/proc/self/mountinfo":
                "31 24 0:27 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
        ]
        #expect(try find(.memory, files).parent == "/sys/fs/cgroup/memory/inner")
    }
}
