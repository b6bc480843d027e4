import Glibc
import UproarCapacity
import UproarCore

/// A million calls a day through four autoscalers, beside the floor of the same day: every call into a heap of ends and out again.
///
///     AutoscaleBenchmark [CALLS]        (default 1000000)
@main
enum AutoscaleBenchmark {
    private static func seconds(_ body: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        body()
        return now() - start
    }

    static func main() {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Double($0) } ?? 1_000_000
        let length = Distribution.lognormal(p50: .seconds(150), p95: .seconds(600))
        let day = TrafficShape.evening.day(calls: count, seed: Seed(1)) {
            length.draw(&$0).inSeconds
        }
        let model = FleetSimulation.PodModel(
            coresAtRest: 0.02, coresPerCall: 0.02, bytesAtRest: 5e7, bytesPerCall: 1e6, start: 25,
            dollarsPerHour: 0.05
        ) { calls, _ in (0.4, 0.45 + 0.005 * Double(calls)) }
        var peak = 0
        let floor = seconds { peak = day.peak.calls }
        print("\(NumberText.grouped(day.calls.count)) calls, \(peak) under way at the peak")
        print("floor: ends in a heap    \(NumberText.fixed(floor, 2)) s")
        for policy in [AutoscalePolicy.guide000, .guide002, .guide004] {
            // As many replicas as the day needs: the guides' own limit would refuse nearly everybody.
            var wide = policy
            wide.maximum = 500
            wide.maxJobs = 35
            var report: FleetReport?
            let taken = seconds { report = FleetSimulation.run(day, wide, model) }
            guard let report else { continue }
            print(
                "\(policy.name), up to 500 pods    \(NumberText.fixed(taken, 2)) s, "
                    + "\(NumberText.fixed(taken / floor, 1)) × the floor; refused "
                    + "\(NumberText.grouped(report.refused)), cut \(NumberText.grouped(report.cut))"
            )
        }
    }
}
