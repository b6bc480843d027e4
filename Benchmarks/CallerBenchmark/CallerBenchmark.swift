import Glibc
import UproarCore
import UproarHarness
import UproarLoad
import UproarPosix
import UproarScenario
import UproarTransports

/// What the whole caller engine costs beside the C floor of the same run: conversation, pacing, media messages, WebSocket, ear.
///
///     CallerBenchmark FLOOR [CALLERS]
///
/// FLOOR is the program `media-floor`. Prints the ratio at CALLERS (1,000), the memory a caller takes, and how many callers
/// one core carries at a send lateness p99 of 5 ms, with an agent that sends a frame for each frame and with one that only
/// listens. Each figure is of processor time of the callers' own thread.
@main
struct CallerBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else {
            print("usage: CallerBenchmark FLOOR [CALLERS]")
            exit(2)
        }
        if let far = FarEnd(rawValue: arguments[1]) { return try Mirror.serve(far, try speech()) }
        DescriptorLimit.raise()
        ThreadPriority.raise()
        let callers = arguments.count > 2 ? Int(arguments[2]) ?? 1000 : 1000
        try ratio(floor: arguments[1], callers: callers)
        for far in FarEnd.allCases { try mostCallers(far) }
    }

    /// Five rounds of each, in turn: the machine's mood is in both.
    private static func ratio(floor: String, callers: Int) throws {
        var floors: [Double] = []
        var phased: [Double] = []
        var ours: [Double] = []
        for round in 1...5 {
            let below = try floorCost(floor, callers, slots: 20)
            let samePhases = try floorCost(floor, callers, slots: CallerEngine.ticksPerFrame)
            let outcome = try Round(callers: callers, far: .answering, seconds: 5, ramp: 2).run()
            floors.append(below)
            phased.append(samePhases)
            ours.append(outcome.cost / 1000)
            print(
                "\(callers) callers: \(text(outcome.cost / 1000)) µs per frame sent and heard, floor "
                    + "\(text(below)) µs, ratio \(text(outcome.cost / 1000 / below)); with our phases "
                    + "\(text(samePhases)) µs, ratio \(text(outcome.cost / 1000 / samePhases)); "
                    + "\(outcome.turns) turns, \(outcome.lateness)")
            if round == 1 {
                print(
                    "memory: \(text(outcome.memory / 1024)) KB per caller beyond the shared audio")
            }
            flush()
        }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        print(
            "ratio of the medians: \(text(median(ours) / median(floors))); to the floor with our phases: "
                + text(median(ours) / median(phased)))
    }

    /// Climbs by 250 until the first count that is not punctual; that one is tried twice.
    private static func mostCallers(_ far: FarEnd) throws {
        var most = 0
        var misses = 0
        var callers = 1500
        while misses < 2, callers <= 6000 {
            let outcome = try Round(callers: callers, far: far, seconds: 5, ramp: 4).run()
            print(
                "\(callers) callers on one core, \(far.words): \(outcome.lateness), \(outcome.pacing.skipped) "
                    + "frames skipped, \(text(outcome.share * 100)) % of the core")
            flush()
            if outcome.isPunctual {
                most = callers
                misses = 0
                callers += 250
            } else {
                misses += 1
            }
        }
        print("callers per core at a lateness p99 of 5 ms, \(far.words): \(most)")
    }

    private static func floorCost(_ program: String, _ callers: Int, slots: Int) throws -> Double {
        let words = "--callers \(callers) --seconds 4 --slots \(slots)"
        guard let output = popen("'\(program)' \(words)", "r") else {
            throw Failure("\(program) does not start")
        }
        defer { pclose(output) }
        guard
            let field = TextLine.read(output)?.split(separator: " ").first(where: {
                $0.hasPrefix("cpu_us_per_frame=")
            }), let cost = Double(field.dropFirst("cpu_us_per_frame=".count))
        else { throw Failure("\(program) says no cpu_us_per_frame") }
        return cost
    }

    /// Two seconds of a clip that ships, as frames.
    private static func speech() throws -> [[UInt8]] {
        let scenario = try ScenarioLoading.read("quickstart", overrides: [])
        let frames = try ScenarioLoading.plan(scenario, seed: 1).lines[0].frames
        let size = AudioFormat.telephone.bytesPerFrame
        let clip = frames.first { $0.count >= 100 * size } ?? frames[0]
        return stride(from: 0, to: min(clip.count, 100 * size), by: size).map {
            Array(clip[$0..<$0 + size])
        }
    }

    static func text(_ value: Double) -> String { NumberText.fixed(value, 2) }

    /// Lines appear as they are known, also through a pipe.
    static func flush() { fflush(nil) }
}
