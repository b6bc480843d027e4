import UproarAudio
import UproarCore
import UproarLoad
import UproarReports
import UproarStatistics

/// Writes what a finished run leaves in its folder.
enum RunFiles {
    /// Answers the result as it was left and printed: the folder's path, which is the machine's and stands in no file, is in its
    /// list of files. A disk without room for all of it makes the result invalid, and its list names what is there.
    static func write(_ results: RunResults, to folder: RunFolder) -> RunResult {
        if !results.tapes.isEmpty { folder.makeFolder("tapes") }
        for tape in results.tapes { write(tape, to: folder) }
        let environment = MachineFacts.gather(started: results.startedAt ?? 0)
        folder.write(environment.text(pretty: true) + "\n", to: "environment.json")
        // Before the files: what the journal could not take counts.
        results.evidence?.ended(
            results.result.outcome.word.rawValue, exitCode: results.result.outcome.exitCode.rawValue
        )
        folder.write(results.result.encoded(), to: "result.json")
        var lacking: [String] = []
        for (name, text) in reports(of: results.result, environment: environment)
        where !folder.write(text, to: name) {
            lacking.append(name)
        }
        if let failure = folder.failure {
            results.lack(lacking, because: failure)
            folder.write(results.result.encoded(), to: "result.json")
        }
        var printed = results.result
        if let first = printed.files.first { printed.files[0] = folder.path + "/" + first }
        return printed
    }

    /// Every report, by file name: all of them are made from the result, and the page also says what the run ran on.
    static func reports(of result: RunResult, environment: JSONValue?) -> [(
        name: String, text: String
    )] {
        (result.faults.isEmpty ? [] : [("postmortem.md", PostmortemReport(result).text)]) + [
            ("junit.xml", JUnitReport(result).text), ("summary.md", MarkdownReport(result).text),
            ("metrics.prom", OpenMetricsReport(result).text),
            ("report.html", HTMLReport(result, environment: environment).text),
        ]
    }

    /// `tapes/call-ID.wav`: 16-bit stereo, caller left, agent right, from the answer on.
    private static func write(_ tape: CallTape, to folder: RunFolder) {
        let left = FrameBytes.decode(tape.caller, tape.format)
        let right = FrameBytes.decode(tape.agent, tape.format)
        folder.write(
            StereoWave.bytes(left: left, right: right, rate: tape.format.rate),
            to: "tapes/call-\(tape.call).wav")
    }
}

/// RIFF WAVE, PCM, two channels (Microsoft "Multimedia Programming Interface", 1991): what every player and Python's `wave` read.
enum StereoWave {
    static func bytes(left: [Int16], right: [Int16], rate: Hertz) -> [UInt8] {
        let count = max(left.count, right.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(44 + 4 * count)
        func put(_ value: Int, _ width: Int) {
            for shift in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
        }
        bytes += "RIFF".utf8
        put(36 + 4 * count, 4)
        bytes += "WAVEfmt ".utf8
        put(16, 4)
        put(1, 2)
        put(2, 2)
        put(rate.value, 4)
        put(rate.value * 4, 4)
        put(4, 2)
        put(16, 2)
        bytes += "data".utf8
        put(4 * count, 4)
        for index in 0..<count {
            put(Int(index < left.count ? left[index] : 0), 2)
            put(Int(index < right.count ? right[index] : 0), 2)
        }
        return bytes
    }
}
