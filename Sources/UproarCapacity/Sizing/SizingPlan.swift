import Glibc
import UproarCore
import UproarStatistics

/// How many pods and nodes carry so many calls, which limit binds, and what it costs. Pure: every number follows from the
/// basis and the request, and every assumption is listed.
package struct SizingPlan: Hashable, Sendable {
    package struct Request: Hashable, Sendable {
        /// Calls under way at the same time, at the peak.
        package var calls: Int
        package var callsNote: String
        /// Connected minutes a month; nil: of the peak and `utilisation`.
        package var minutes: Double?
        package var minutesNote = ""
        /// Mean calls under way by peak ones, over a month.
        package var utilisation = 0.3
        /// Seconds of a call.
        package var callLength = 180.0
        package var callLengthNote = "assumed"
        package var podCores = 1.0
        package var podMemory = 1024.0 * 1_048_576
        package var maxJobs: Int?
        package var cpuTarget = 0.7
        package var memoryTarget = 0.8
        /// Calls of a pod by those it sustained.
        package var callsTarget = 0.8
        package var zones = 3
        /// The share of calls that come by telephone.
        package var phoneShare = 1.0
        /// Calls within a minute at the steepest; nil: not known.
        package var burst: Int?

        package init(calls: Int, callsNote: String) {
            self.calls = calls
            self.callsNote = callsNote
        }
    }

    package struct Limit: Hashable, Sendable {
        package var name: String
        package var calls: Int
        package var text: String
        package var origin: SizingBasis.Origin
    }

    package struct Survival: Hashable, Sendable {
        package var name: String
        package var pods: Int
        package var nodes: Int
    }

    package let basis: SizingBasis
    package let request: Request
    package let node: NodeBook.Node
    package let book: NodeBook
    package private(set) var limits: [Limit] = []
    package private(set) var callsPerPod = 0
    package private(set) var binding = ""
    package private(set) var podsPerNode = 0
    package private(set) var survivals: [Survival] = []
    package private(set) var assumptions: [String] = []

    /// Cores and bytes of a node that its own software keeps.
    package static let reservedCores = 0.25
    package static let reservedMemory = 1.25 * 1_073_741_824
    package static let hoursPerMonth = 730.0

    package init(_ basis: SizingBasis, _ request: Request, node: NodeBook.Node, book: NodeBook)
        throws(CapacityFileError)
    {
        self.basis = basis
        self.request = request
        self.node = node
        self.book = book
        limits = Self.limits(basis, request)
        guard let least = limits.min(by: { $0.calls < $1.calls }), least.calls > 0 else {
            let which = limits.min { $0.calls < $1.calls }?.text ?? ""
            throw CapacityFileError(
                path: "pod",
                reason:
                    "a pod of \(NumberText.fixed(request.podCores, 2)) cores carries no call: \(which)"
            )
        }
        callsPerPod = least.calls
        binding = least.name
        podsPerNode = min(
            110,
            Int((node.cores - Self.reservedCores) / request.podCores),
            Int((node.memory - Self.reservedMemory) / request.podMemory))
        guard podsPerNode > 0 else {
            throw CapacityFileError(
                path: "node",
                reason:
                    "no pod of \(NumberText.fixed(request.podCores, 2)) cores and \(Self.mebibytes(request.podMemory)) Mi fits a \(node.name)"
            )
        }
        survivals = survive()
        assumptions = assume()
    }

    private static func limits(_ basis: SizingBasis, _ request: Request) -> [Limit] {
        func fixed(_ value: Double, _ places: Int) -> String { NumberText.fixed(value, places) }
        var limits: [Limit] = []
        let room = request.podCores * request.cpuTarget - basis.coresAtRest.value
        limits.append(
            Limit(
                name: "cpu", calls: max(0, Int(room / max(1e-6, basis.coresPerCall.value) + 1e-9)),
                text:
                    "\(fixed(request.podCores, 2)) cores at \(fixed(request.cpuTarget * 100, 0)) %, \(fixed(basis.coresAtRest.value, 3)) at rest, \(fixed(basis.coresPerCall.value, 4)) a call",
                origin: basis.coresPerCall.origin))
        let memory = request.podMemory * request.memoryTarget - basis.bytesAtRest.value
        limits.append(
            Limit(
                name: "memory",
                calls: max(0, min(100_000, Int(memory / max(1, basis.bytesPerCall.value) + 1e-9))),
                text:
                    "\(mebibytes(request.podMemory)) Mi at \(fixed(request.memoryTarget * 100, 0)) %, \(fixed(basis.bytesAtRest.value / 1e6, 0)) MB at rest, \(fixed(basis.bytesPerCall.value / 1e6, 2)) MB a call",
                origin: basis.bytesPerCall.origin))
        if let most = basis.maximumCalls {
            limits.append(
                Limit(
                    name: "refusals", calls: most,
                    text: "the agent refuses more than \(most) calls, whatever its cores",
                    origin: .measured))
        } else if let sustained = basis.sustainedCalls, let cores = basis.sustainedCores, cores > 0
        {
            let scaled = Double(sustained) * request.podCores / cores * request.callsTarget
            limits.append(
                Limit(
                    name: "gates", calls: Int(scaled + 1e-9),
                    text:
                        "\(sustained) calls held every gate on \(fixed(cores, 2)) cores; of them \(fixed(request.callsTarget * 100, 0)) %, by cores",
                    origin: .measured))
        }
        if let jobs = request.maxJobs {
            limits.append(
                Limit(
                    name: "max_jobs", calls: jobs, text: "--max-jobs \(jobs)", origin: .assumed))
        }
        return limits
    }

    /// Pods that carry the peak, and no more.
    package var pods: Int { (request.calls + callsPerPod - 1) / callsPerPod }
    package var nodes: Int { (pods + podsPerNode - 1) / podsPerNode }

    private func survive() -> [Survival] {
        let bare = pods
        var result = [Survival(name: "nothing", pods: bare, nodes: nodes)]
        result.append(
            Survival(
                name: "a pod", pods: bare + 1,
                nodes: (bare + 1 + podsPerNode - 1) / podsPerNode))
        // A node takes its share of evenly spread pods with it.
        var machines = nodes + 1
        var count = bare
        while true {
            count = bare
            while count - (count + machines - 1) / machines < bare { count += 1 }
            if count <= machines * podsPerNode { break }
            machines += 1
        }
        result.append(Survival(name: "a node", pods: count, nodes: machines))
        if request.zones > 1 {
            let each = (bare + request.zones - 2) / (request.zones - 1)
            result.append(
                Survival(
                    name: "a zone", pods: each * request.zones,
                    nodes: (each + podsPerNode - 1) / podsPerNode * request.zones))
        }
        return result
    }

    /// What is deployed: survives the most that was asked for.
    package var deployed: Survival { survivals[survivals.count - 1] }

    /// Connected minutes of a month.
    package var minutesPerMonth: Double {
        request.minutes ?? Double(request.calls) * request.utilisation * Self.hoursPerMonth * 60
    }

    private func assume() -> [String] {
        func fixed(_ value: Double, _ places: Int) -> String { NumberText.fixed(value, places) }
        var list = [
            "peak: \(request.calls) calls under way (\(request.callsNote))",
            "a call lasts \(fixed(request.callLength, 0)) s (\(request.callLengthNote))",
            "a pod's request equals its limit: \(fixed(request.podCores, 2)) cores, \(Self.mebibytes(request.podMemory)) Mi",
            "a node keeps \(fixed(Self.reservedCores, 2)) cores and \(Self.mebibytes(Self.reservedMemory)) Mi for itself; 110 pods at the most",
            "a pod is filled to \(fixed(request.cpuTarget * 100, 0)) % of its processor, \(fixed(request.memoryTarget * 100, 0)) % of its memory and \(fixed(request.callsTarget * 100, 0)) % of the calls that held every gate",
            "pods are spread evenly over nodes and zones",
            "\(request.zones) zones with the same number of nodes; one zone's calls dial again and find places in the others",
            "calls by pod grow with the pod's cores: a larger pod was not measured",
            "a month has \(fixed(Self.hoursPerMonth, 0)) h; \(request.minutes == nil ? "the mean load is \(fixed(request.utilisation * 100, 0)) % of the peak" : request.minutesNote)",
            "\(fixed(request.phoneShare * 100, 0)) % of the calls come by telephone",
            "nodes run all month: what the autoscaler saves is not taken off",
            "quotas: a peak minute as the measured mean, with \(fixed((Self.quotaHeadroom - 1) * 100, 0)) % on top",
            "Redis: a session is kept an hour, 600 B and 450 B a turn; its limit is three times that, for the allocator and for rewriting the append-only file",
            "autoscaler: metrics 45 s old, a pod placed and pulled in 20 s; at night a fifth of the pods",
            "prices: \(basis.priceBook) for providers, \(book.name) for the rest; taxes, volume discounts and traffic out of the region are left out",
        ]
        for (name, value) in values where value.origin == .assumed {
            list.append("\(name): \(value.note)")
        }
        return list
    }

    private var values: [(String, SizingBasis.Value)] {
        [
            ("cores by call", basis.coresPerCall), ("cores at rest", basis.coresAtRest),
            ("memory by call", basis.bytesPerCall), ("memory at rest", basis.bytesAtRest),
            ("media by call", basis.bitsPerCall), ("cold start", basis.coldStart),
            ("turns by minute", basis.turnsPerMinute),
        ]
    }

    package static func mebibytes(_ bytes: Double) -> String {
        NumberText.fixed(bytes / 1_048_576, 0)
    }
}
