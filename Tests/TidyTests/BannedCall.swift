/// A call that must not be made in some modules, and what to use there.
struct BannedCall: Sendable {
    var phrase: String
    var instead: String
    /// Whether the rule holds in this file.
    var holds: @Sendable (SourceTree.File) -> Bool

    init(
        _ phrase: String, instead: String, in holds: @escaping @Sendable (SourceTree.File) -> Bool
    ) {
        self.phrase = phrase
        self.instead = instead
        self.holds = holds
    }

    /// Lines of `file` that break the rule.
    func lines(in file: SourceTree.File, text: SwiftText) -> [Int] {
        holds(file) ? text.lines(with: phrase) : []
    }
}

extension BannedCall {
    private static let aboveTheLoop = ["UproarHarness", "uproar", "render-fixtures"]

    /// Below the harness: whatever runs on a loop, in either world.
    @Sendable private static func onALoop(_ file: SourceTree.File) -> Bool {
        file.path.hasPrefix("Sources/") && !aboveTheLoop.contains(file.target)
    }

    /// The same without the module that is the real world.
    @Sendable private static func inBothWorlds(_ file: SourceTree.File) -> Bool {
        onALoop(file) && file.target != "UproarPosix"
    }

    @Sendable private static func inTheAgent(_ file: SourceTree.File) -> Bool {
        file.target == "UproarAgent"
    }

    static let all: [BannedCall] =
        ["Task {", "Task(", "Task.init", "Task.immediate"].map {
            BannedCall(
                $0,
                instead:
                    "structured child tasks, or EventLoop.start for a root: a bare Task leaves the loop",
                in: { onALoop($0) && $0.path != "Sources/UproarRuntime/Loop/EventLoop.swift" })
        } + [
            BannedCall(
                "Task.sleep", instead: "EventLoop.sleep, which sleeps in virtual time as well",
                in: onALoop),
            BannedCall("Task.detached", instead: "EventLoop.start", in: onALoop),
            BannedCall(
                "withCheckedContinuation",
                instead: "withUnsafeContinuation in the loop's own primitives, a handler elsewhere",
                in: onALoop),
            BannedCall(
                "withCheckedThrowingContinuation",
                instead:
                    "withUnsafeThrowingContinuation in the loop's own primitives, a handler elsewhere",
                in: onALoop),
            BannedCall(
                "DispatchQueue", instead: "EventLoop.submit, or a BackgroundWorker", in: onALoop),
            BannedCall("DispatchSemaphore", instead: "a handler on the loop", in: onALoop),
            BannedCall("DispatchTime", instead: "the loop's now", in: onALoop),
            BannedCall("ContinuousClock", instead: "the loop's now", in: onALoop),
            BannedCall("SuspendingClock", instead: "the loop's now", in: onALoop),
            BannedCall("Date", instead: "Instant, handed in", in: inBothWorlds),
            BannedCall("clock_gettime", instead: "Instant, handed in", in: inBothWorlds),
            BannedCall("gettimeofday", instead: "Instant, handed in", in: inBothWorlds),
            BannedCall("usleep", instead: "a timer on the loop", in: inBothWorlds),
            BannedCall("nanosleep", instead: "a timer on the loop", in: inBothWorlds),
            BannedCall("pthread_create", instead: "a BackgroundWorker", in: inBothWorlds),
            BannedCall(
                "SystemRandomNumberGenerator", instead: "Seed.stream(label, index)",
                in: inBothWorlds),
            BannedCall(
                ".random(in:", instead: "RandomStream.below or unit of a Seed.stream",
                in: inBothWorlds),
            BannedCall(
                ".randomElement()", instead: "RandomStream.below of a Seed.stream",
                in: inBothWorlds),
            BannedCall(
                ".shuffled()", instead: "shuffled(using:) with a Seed.stream", in: inBothWorlds),
            BannedCall(
                ".shuffle()", instead: "shuffle(using:) with a Seed.stream", in: inBothWorlds),
            BannedCall(
                ".hashValue", instead: "Seed.key: Swift's hashes differ from process to process",
                in: inBothWorlds),
            BannedCall(
                "print(", instead: "a fact, or a value that the command prints", in: onALoop),
            BannedCall("fatalError", instead: "preconditionFailure with the state", in: onALoop),
            BannedCall(
                "try!", instead: "a typed throw, or a precondition that says why", in: onALoop),
        ]
        + [
            "Proquint", "TurnReference", "ReferenceKey", "AudioTag", "TagScanner", "TagCode",
            "TagDecoder", "TagEncoder",
        ].map {
            BannedCall(
                $0, instead: "nothing: the agent must not know how it is measured", in: inTheAgent)
        }
}
