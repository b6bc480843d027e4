import UproarCore

/// The files of one call's tape in the spool, a side each: `call-12.mulaw-8000.caller` and `.agent`.
///
/// They say what is in them, so that what a run has left that was killed can be read by another process.
struct TapeName: Hashable {
    let call: UInt32
    let format: AudioFormat

    init(_ call: UInt32, _ format: AudioFormat) {
        self.call = call
        self.format = format
    }

    var caller: String { stem + ".caller" }
    var agent: String { stem + ".agent" }
    /// Of the clip that is made of them, below `tapes/`.
    var clip: String { "call-\(call).wav" }

    private var stem: String {
        "call-\(call).\(format.encoding.rawValue)-\(format.rate.value)"
    }

    /// Nil for another file; either side's name will do.
    init?(_ file: String) {
        let parts = file.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].hasPrefix("call-"),
            let call = UInt32(parts[0].dropFirst(5)), parts[2] == "caller" || parts[2] == "agent"
        else { return nil }
        let format = parts[1].split(separator: "-", omittingEmptySubsequences: false)
        guard format.count == 2, let encoding = AudioEncoding(rawValue: String(format[0])),
            let rate = Int(format[1]), (8_000...48_000).contains(rate)
        else { return nil }
        self.init(call, AudioFormat(encoding, Hertz(rate)))
    }
}
