// Nanoseconds of processor time per message of every codec on the media path and beside it. Each line also says how many plain copies
// (memcpy, measured in the same run) of the same bytes would fit into that time, so that machines compare.
import Glibc
import UproarCore
import UproarWire

@main
struct CodecBenchmark {
    static func main() {
        print("codec                                          bytes    ns/message   copies")
        webSocket()
        json()
        http()
        serverSentEvents()
        redis()
    }

    /// Runs `body` for `count` messages at a time until 0.3 s of processor time are used, thrice, and prints the best.
    static func measure(_ name: String, bytes: Int, count: Int, _ body: () -> Void) {
        // `CodecBenchmark http` measures only what has "http" in its name.
        if let wanted = CommandLine.arguments.dropFirst().first,
            !name.lowercased().contains(wanted.lowercased())
        {
            return
        }
        body()
        let best = best(count, body)
        let source = [UInt8](repeating: 1, count: bytes)
        var target = [UInt8](repeating: 0, count: bytes)
        let copy = Self.best(100_000) {
            for _ in 0..<100_000 {
                copyBytes(source, &target)
            }
        }
        let label = name + String(repeating: " ", count: max(1, 44 - name.count))
        print(
            label, pad(String(bytes), 7), pad(NumberText.fixed(best, 1), 13),
            pad(NumberText.fixed(best / copy, 1), 8))
    }

    private static func best(_ count: Int, _ body: () -> Void) -> Double {
        var best = Double.infinity
        for _ in 0..<3 {
            let start = now()
            var messages = 0
            repeat {
                body()
                messages += count
            } while now() - start < 300_000_000
            best = min(best, Double(now() - start) / Double(messages))
        }
        return best
    }

    @inline(never)
    private static func copyBytes(_ source: [UInt8], _ target: inout [UInt8]) {
        target.withUnsafeMutableBytes { target in
            source.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
