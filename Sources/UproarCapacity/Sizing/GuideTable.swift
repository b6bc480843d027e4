import UproarCore

/// What the production guides plan with, and where they contradict themselves.
package enum GuideTable {
    package struct Row: Hashable, Sendable {
        package var kind: String
        package var cores: Double
        package var megabytes: Int
        package var kbps: Int
    }

    /// By agent: cores, memory on top of a base of 512 MB, media.
    package static let rows: [Row] = [
        Row(kind: "voice only", cores: 0.16, megabytes: 50, kbps: 100),
        Row(kind: "voice + tools", cores: 0.2, megabytes: 75, kbps: 150),
        Row(kind: "realtime API", cores: 0.25, megabytes: 100, kbps: 200),
        Row(kind: "multi-modal", cores: 0.5, megabytes: 200, kbps: 500),
    ]

    package static let baseMegabytes = 512

    /// Calls by pod of one core at 70 %, by processor time.
    package static func callsByCPU(cores: Double, perCall: Double, target: Double) -> Int {
        Int((cores * target / perCall + 1e-9).rounded(.down))
    }

    /// Calls that fit before a pod has reached `share` of its memory.
    package static func callsByMemory(
        mebibytes: Double, base: Double, perCall: Double, share: Double
    )
        -> Int
    {
        max(0, Int(((mebibytes * share - base) / perCall + 1e-9).rounded(.down)))
    }

    package static var contradictions: [String] {
        let first = callsByCPU(cores: 1, perCall: 0.16, target: 0.7)
        let second = callsByCPU(cores: 2, perCall: 0.16, target: 0.7)
        let memory = callsByMemory(
            mebibytes: 1024, base: 512, perCall: 50, share: 0.8)
        return [
            "000: a pod of 1 core at 70 % takes \(first) calls of 0.16 cores.",
            "002: a pod of 2 cores at 70 % takes \(second) calls, yet max jobs is 10.",
            "002: 512 MB + 50 MB by call reaches 80 % of 1 Gi, where a worker drains, after \(memory) calls: max jobs 10 is never reached.",
            "000: an agent takes 500 MB to 1 GB; with 1 Gi as its limit the drain at 80 % may begin before the first call.",
        ]
    }
}
