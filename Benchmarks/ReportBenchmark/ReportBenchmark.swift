import Glibc
import UproarCore
import UproarReports
import UproarStatistics

/// What a long run's measurement costs: calls folded into the tally, then every file of the run made from it. Prints seconds and the
/// resident memory after each step; run with fewer turns beside it, memory shows not to grow with them.
///
///     ReportBenchmark [TURNS]         (default 1000000)
///     ReportBenchmark hours           the tally alone, a call a second, after 1, 2, 4, 8 and 16 hours
@main
enum ReportBenchmark {
    static func main() throws {
        if CommandLine.arguments.dropFirst().first == "hours" { return hours() }
        let turns = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
        var tally = RunTally(FoldSettings(prices: PriceBook(name: "none", prices: [])))
        var random = Seed(42).stream("turns")
        let calls = max(1, turns / 5)
        // A day's run has a day's seconds, however many turns.
        let seconds = max(60, turns / 40)
        step("start", 0)
        var start = clock()
        for id in 0..<calls {
            tally.add(call(UInt32(id), at: Double(id) / Double(calls) * Double(seconds), &random))
        }
        step("\(turns) turns of \(calls) calls added, \(seconds) s of run", clock() - start)
        var result = RunResult(
            scenario: .init(name: "benchmark"), seed: 42, world: .simulated, commit: "",
            version: "",
            command: "", target: "embedded", priceBook: "none")
        result.take(tally)
        result.load.duration = .seconds(seconds)
        let first = clock()
        func timed(_ name: String, _ body: () throws -> Int) rethrows {
            start = clock()
            let count = try body()
            step("\(name), \(count) bytes", clock() - start)
        }
        var stored: [UInt8] = []
        timed("result.json") {
            stored = result.encoded()
            return stored.count
        }
        timed("report.html") { HTMLReport(result).text.utf8.count }
        timed("summary, junit.xml, metrics.prom, summary.md") {
            TerminalSummary(result).text.utf8.count + JUnitReport(result).text.utf8.count
                + OpenMetricsReport(result).text.utf8.count + MarkdownReport(result).text.utf8.count
        }
        print("all reports: \(NumberText.fixed(clock() - first, 2)) s (goal: under 10 s)")
        try timed("result.json read again") { try RunResult(decoding: stored).encoded().count }
    }

    /// What is held does not grow with the hours: counts of it, and resident memory.
    private static func hours() {
        var tally = RunTally(FoldSettings(prices: PriceBook(name: "none", prices: [])))
        var random = Seed(42).stream("turns")
        for second in 0..<16 * 3600 {
            tally.add(call(UInt32(second), at: Double(second), &random))
            let hours = (second + 1) / 3600
            guard (second + 1) % 3600 == 0, hours & (hours - 1) == 0 else { continue }
            print(
                "\(hours) h  \(resident() >> 20) MB  \(5 * (second + 1)) turns, \(tally.recorder.series.count) series of "
                    + "\(tally.recorder.intervalCount) intervals of \(Int(tally.recorder.width.inSeconds)) s, "
                    + "\(tally.draw.entries.count) calls drawn, \(tally.worst.calls.count) worst")
        }
    }

    private static func call(_ id: UInt32, at: Double, _ random: inout RandomStream) -> CallRecord {
        var call = CallRecord(
            CallDescription(
                id: id, tags: ["channel": "phone", "transport": "twilio", "load": "hold-1"],
                patience: .seconds(10)), outcome: .completed)
        let due = Instant.zero + .nanoseconds(Int64(at * 1e9))
        call.due = due
        call.dialed = due
        call.answered = due + .milliseconds(1)
        call.connected = .seconds(25)
        for turn in 0..<5 {
            let began = due + .seconds(5 * turn)
            let ended = began + .milliseconds(1500)
            var record = TurnRecord(
                utterance: UInt32(turn + 1), clip: 0, began: began, ended: ended)
            record.outcome = .answered
            var sum = Duration.zero
            for stage in Stage.allCases {
                let part = Duration.microseconds(1000 + random.below(120_000))
                record[stage] = part
                sum += part
            }
            record.voiceToVoice = .exact(sum)
            record.voiceToVoiceActual = .exact(sum)
            record.voiceToVoiceWire = sum
            record.voiceToAnswer = .exact(sum)
            record.deadAir = .exact(sum)
            record.speechToText = .deepgram
            record.languageModel = .openai
            record.textToSpeech = .cartesia
            call.turns.append(record)
        }
        return call
    }

    private static func step(_ name: String, _ seconds: Double) {
        print("\(NumberText.fixed(seconds, 2)) s  \(resident() >> 20) MB  \(name)")
    }

    private static func clock() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }

    /// Resident bytes, from /proc/self/statm.
    private static func resident() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return 0 }
        let text = String(
            decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            * sysconf(Int32(_SC_PAGESIZE))
    }
}
