import Glibc
import Testing

@testable import UproarHarness

/// What the live view does to those who read it slowly, or not at all.
@Suite struct LiveViewTests {
    @Test func aReaderThatStallsCostsLinesAndNeverHoldsUpTheRun() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let view = LiveView(descriptor: ends[1], isQuiet: false)
        // Two megabytes into a pipe of 64 KB that nobody reads: a view that waited would never come back.
        let rest = String(repeating: "x", count: 90)
        for number in 0..<20_000 { view.say("line \(number) \(rest)") }
        view.clear()
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = bytes.withUnsafeMutableBytes { read(ends[0], $0.baseAddress, $0.count) }
        #expect((1...1 << 17).contains(count))
        #expect(bytes.starts(with: "line 0 x".utf8))
        // Once it reads again it hears what is said from then on.
        view.say("last")
        var heard: [UInt8] = []
        while !heard.suffix(5).elementsEqual("last\n".utf8) {
            let count = bytes.withUnsafeMutableBytes { read(ends[0], $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            heard += bytes.prefix(count)
            view.say("last")
        }
        #expect(heard.suffix(5).elementsEqual("last\n".utf8))
    }
}
