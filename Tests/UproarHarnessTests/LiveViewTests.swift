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

    /// The same with a pseudo-terminal, which polls writable while it has room for a byte, and waits for the rest.
    @Test func aTerminalThatStallsHoldsUpNobodyEither() throws {
        let person = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        defer { close(person) }
        // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2): the functions around them are not in the Glibc module.
        var isLocked: Int32 = 0
        var number: UInt32 = 0
        #expect(ioctl(person, 0x4004_5431, &isLocked) == 0)
        #expect(ioctl(person, 0x8004_5430, &number) == 0)
        let terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        defer { close(terminal) }
        let view = LiveView(descriptor: terminal, isQuiet: false)
        var snapshot = LiveSnapshot()
        snapshot.scenario = "stalled"
        for second in 0..<300 {
            snapshot.elapsed = .seconds(second)
            view.show(snapshot)
            view.say("second \(second)")
        }
        view.clear()
        // It reads again, and hears from where it stopped.
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = bytes.withUnsafeMutableBytes { read(person, $0.baseAddress, $0.count) }
        #expect(count > 0)
        // Nobody else's writes have become non-blocking.
        #expect(fcntl(terminal, F_GETFL) & O_NONBLOCK == 0)
    }

    @Test func aSummaryThatNobodyTakesIsDroppedAndTheRestOfItKept() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        // More than a pipe holds: it comes back, and the reader finds the beginning.
        PatientOutput.write(String(repeating: "y", count: 1 << 17), to: ends[1])
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = bytes.withUnsafeMutableBytes { read(ends[0], $0.baseAddress, $0.count) }
        #expect(count == 1 << 16)
    }

    @Test func aSummaryThatIsReadArrivesWhole() throws {
        let file = "/tmp/uproar-summary-\(getpid())"
        defer { unlink(file) }
        // Sixteen times what a pipe holds.
        let reader = try #require(popen("wc -c >\(file)", "w"))
        PatientOutput.write(String(repeating: "y", count: 1 << 20), to: fileno(reader))
        pclose(reader)
        #expect(try TextFile.read(file).starts(with: "1048576".utf8))
    }
}
