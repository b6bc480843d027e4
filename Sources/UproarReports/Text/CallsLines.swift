import UproarCore
import UproarStatistics

/// `calls.jsonl`: one line as each call ends, so that a run that dies has left its calls.
package enum CallsLines {
    package static let fileName = "calls.jsonl"

    /// One line with its end.
    package static func line(_ call: CallRecord) -> [UInt8] {
        call.json.encoded() + [UInt8(ascii: "\n")]
    }
}
