// Nanoseconds of processor time per 20 ms frame, without the system calls: what the caller's transport spends to send one and to hear
// one, and what the agent spends from a frame's bytes to the recogniser's batch. Beside each the time of a plain copy of
// the bytes it moved, measured in the same run.
import Glibc
import UproarAgent
import UproarCore
import UproarRuntime
import UproarTransports
import UproarWire

@main
struct MediaBenchmark {
    static func main() throws {
        print("stage                                        bytes    ns/frame   copies")
        let bench = Bench()
        try bench.run()
    }

    /// Runs `body`, which does `count` frames, until 0.5 s of processor time are used, thrice, and prints the best.
    static func measure(_ name: String, bytes: Int, count: Int, _ body: () -> Void) {
        for _ in 0..<5 { body() }
        let best = best(count, body)
        let source = [UInt8](repeating: 1, count: bytes)
        var target = [UInt8](repeating: 0, count: bytes)
        let copy = Self.best(100_000) { for _ in 0..<100_000 { copyBytes(source, &target) } }
        let label = name + String(repeating: " ", count: max(1, 42 - name.count))
        print(
            label, pad(String(bytes), 7), pad(NumberText.fixed(best, 1), 11),
            pad(NumberText.fixed(best / copy, 1), 8))
    }

    private static func best(_ count: Int, _ body: () -> Void) -> Double {
        var best = Double.infinity
        for _ in 0..<3 {
            let start = processorTime()
            var frames = 0
            repeat {
                body()
                frames += count
            } while processorTime() - start < 500_000_000
            best = min(best, Double(processorTime() - start) / Double(frames))
        }
        return best
    }

    @inline(never)
    private static func copyBytes(_ source: [UInt8], _ target: inout [UInt8]) {
        target.withUnsafeMutableBytes { target in
            source.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    private static func processorTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
