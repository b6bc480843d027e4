import Glibc
import UproarCore
import UproarStatistics

/// How often `uproar compare` is wrong: pairs of runs of the same agent (false alarms), and of an agent made slower by so much
/// (detections); and the same of `--adaptive`, which looks again after every round. Prints two tables; nothing is asserted.
///
///     CompareBenchmark [PAIRS [CALLS …]]        (default 1000, of 2 to 500 calls)
@main
enum CompareBenchmark {
    /// Calls have a level of their own (CV 7 %) and turns vary around it (CV 15 %), as the quickstart's do; four turns a call.
    static func run(_ calls: Int, scale: Double, seed: UInt64) -> CallDraw {
        var draw = CallDraw()
        var random = Seed(seed).stream("run")
        func around(_ share: Double, _ random: inout RandomStream) -> Double {
            exp(share * normalQuantile(max(1e-9, min(1 - 1e-9, random.unit()))))
        }
        for id in 0..<calls {
            var call = CallRecord(
                CallDescription(id: UInt32(id), tags: .init(), patience: .seconds(10)),
                outcome: .completed)
            call.due = .zero
            let level = 480 * around(0.07, &random)
            for turn in 1...4 {
                var record = TurnRecord(
                    utterance: UInt32(turn), clip: 0, began: .zero, ended: .zero)
                record.outcome = .answered
                record.voiceToVoice = .exact(
                    .microseconds(Int(level * around(0.15, &random) * scale * 1000)))
                call.turns.append(record)
            }
            draw.add(call)
        }
        return draw
    }

    static func main() {
        let given = CommandLine.arguments.dropFirst(2).compactMap { Int($0) }
        let sizes = given.isEmpty ? [2, 5, 10, 20, 50, 100, 200, 500] : given
        let pairs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1000
        print("\(pairs) pairs each, voice_to_voice p50 and p95, limits 10 % and 30 ms, 1,000 draws")
        print("calls  slower by  regressed  inconclusive  unchanged  improved")
        for calls in sizes {
            for percent in [0, 5, 10, 15, 20, 30] {
                var counts: [RunComparison.Verdict: Int] = [:]
                let tries = percent == 0 ? pairs : max(1, pairs / 5)
                for pair in 0..<tries {
                    let seed = UInt64(calls * 1_000_000 + percent * 10_000 + pair * 2)
                    let comparison = RunComparison(
                        run(calls, scale: 1, seed: seed),
                        run(calls, scale: 1 + Double(percent) / 100, seed: seed + 1))
                    counts[comparison.verdict, default: 0] += 1
                }
                func share(_ verdict: RunComparison.Verdict) -> String {
                    let text =
                        NumberText.fixed(Double(counts[verdict] ?? 0) / Double(tries) * 100, 1)
                        + "%"
                    return String(repeating: " ", count: max(0, 9 - text.count)) + text
                }
                print(
                    "\(String(repeating: " ", count: 5 - String(calls).count))\(calls)  "
                        + "\(String(repeating: " ", count: 7 - String(percent).count))+\(percent)%  "
                        + "\(share(.regressed))     \(share(.inconclusive))  \(share(.unchanged)) \(share(.improved))"
                )
            }
        }
        print()
        adaptive(pairs, rounds: 5)
        adaptive(pairs, rounds: 20)
    }

    /// A baseline of 200 calls, and rounds of so many calls until it is decided, at most 40 of them.
    static func adaptive(_ pairs: Int, rounds size: Int) {
        print("--adaptive: rounds of \(size) calls against a baseline of 200, at most 40")
        print("slower by  regressed  inconclusive  unchanged  improved   calls p50   p95")
        for percent in [0, 5, 10, 15, 20, 30] {
            var counts: [RunComparison.Verdict: Int] = [:]
            var calls: [Int] = []
            let tries = percent == 0 ? pairs : max(1, pairs / 5)
            for pair in 0..<tries {
                let seed = UInt64(900_000_000 + percent * 1_000_000 + pair * 100)
                let baseline = run(200, scale: 1, seed: seed)
                var draw = CallDraw()
                var verdict = RunComparison.Verdict.inconclusive
                for round in 0..<40 where verdict == .inconclusive {
                    draw.add(
                        run(
                            size, scale: 1 + Double(percent) / 100, seed: seed + UInt64(round) + 1),
                        round: round)
                    verdict = RunComparison(baseline, draw, growing: .after).verdict
                }
                counts[verdict, default: 0] += 1
                calls.append(draw.entries.count)
            }
            calls.sort()
            let shares = [RunComparison.Verdict.regressed, .inconclusive, .unchanged, .improved].map
            {
                NumberText.fixed(Double(counts[$0] ?? 0) / Double(tries) * 100, 1) + "%"
            }
            print(
                "+\(percent)%  " + shares.joined(separator: "  ")
                    + "  \(calls[calls.count / 2])  \(calls[calls.count * 95 / 100])")
        }
    }
}
