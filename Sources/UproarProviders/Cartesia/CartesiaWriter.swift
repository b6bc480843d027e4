import UproarCore
import UproarRuntime

/// What the server says on a context.
package struct CartesiaWriter: Sendable {
    /// nil on `/tts/sse`, which has no contexts.
    private let tail: [UInt8]

    package init(contextID: String?) {
        var tail: [UInt8] = []
        if let contextID {
            tail.append(contentsOf: ",\"context_id\":".utf8)
            JSONValue.write(contextID, into: &tail)
        }
        tail.append(UInt8(ascii: "}"))
        self.tail = tail
    }

    package func chunk(
        _ audio: RawSpan, step: Duration, flushID: Int?, into output: inout [UInt8]
    ) {
        output.append(contentsOf: "{\"type\":\"chunk\",\"data\":\"".utf8)
        Base64.encode(audio, into: &output)
        let step = NumberText.fixed(step.inMilliseconds, 3)
        output.append(
            contentsOf: "\",\"done\":false,\"status_code\":206,\"step_time\":\(step)".utf8)
        end(flushID, into: &output)
    }

    package func timestamps(_ words: [SpokenWord], flushID: Int?, into output: inout [UInt8]) {
        output.append(
            contentsOf: "{\"type\":\"timestamps\",\"done\":false,\"status_code\":206".utf8)
        output.append(contentsOf: ",\"word_timestamps\":{\"words\":[".utf8)
        for (index, word) in words.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONValue.write(word.text, into: &output)
        }
        output.append(contentsOf: "],\"start\":[".utf8)
        append(words.map(\.start), to: &output)
        output.append(contentsOf: "],\"end\":[".utf8)
        append(words.map(\.end), to: &output)
        output.append(contentsOf: "]}".utf8)
        end(flushID, into: &output)
    }

    private func append(_ times: [Duration], to output: inout [UInt8]) {
        for (index, time) in times.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            output.append(contentsOf: NumberText.fixed(time.inSeconds, 3).utf8)
        }
    }

    package func flushDone(_ flushID: Int, into output: inout [UInt8]) {
        output.append(
            contentsOf:
                "{\"type\":\"flush_done\",\"done\":false,\"flush_done\":true,\"status_code\":206"
                .utf8)
        end(flushID, into: &output)
    }

    package func done(into output: inout [UInt8]) {
        output.append(contentsOf: "{\"type\":\"done\",\"done\":true,\"status_code\":200".utf8)
        end(nil, into: &output)
    }

    private func end(_ flushID: Int?, into output: inout [UInt8]) {
        if let flushID { output.append(contentsOf: ",\"flush_id\":\(flushID)".utf8) }
        output.append(contentsOf: tail)
    }
}
