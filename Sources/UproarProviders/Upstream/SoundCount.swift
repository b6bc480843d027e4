import UproarCore

/// How long the sound in a vendor's answer is, by its bytes: the bytes of a body, or Base64 in a member of its messages or events,
/// wherever pieces are cut.
struct SoundCount {
    let bytesPerSecond: Int
    /// What stands before the samples of a body.
    private var header: Int
    /// `"data":"`; empty where the body itself is sound.
    private let mark: [UInt8]
    private var matched = 0
    private var isInside = false
    private var letters = 0
    private var byteCount = 0

    init(_ bytesPerSecond: Int, header: Int = 0) {
        self.bytesPerSecond = max(1, bytesPerSecond)
        self.header = header
        mark = []
    }

    init(_ bytesPerSecond: Int, in member: String) {
        self.bytesPerSecond = max(1, bytesPerSecond)
        header = 0
        mark = Array("\"\(member)\":\"".utf8)
    }

    mutating func add(_ length: Duration) {
        byteCount += Int(length.inSeconds * Double(bytesPerSecond))
    }

    mutating func take(_ bytes: ArraySlice<UInt8>) {
        guard !mark.isEmpty else {
            let left = min(header, bytes.count)
            header -= left
            byteCount += bytes.count - left
            return
        }
        var rest = bytes
        while !rest.isEmpty {
            if isInside {
                let end = rest.firstIndex(of: UInt8(ascii: "\"")) ?? rest.endIndex
                letters += rest[..<end].count { $0 != UInt8(ascii: "=") }
                rest = rest[end...]
                if !rest.isEmpty { endValue() }
            } else {
                match(&rest)
            }
        }
    }

    private mutating func endValue() {
        byteCount += letters * 3 / 4
        letters = 0
        isInside = false
    }

    /// Looks for the mark; blanks after its colon are passed over.
    private mutating func match(_ rest: inout ArraySlice<UInt8>) {
        if matched == 0 {
            rest = rest.drop { $0 != mark[0] }
            guard !rest.isEmpty else { return }
        }
        let byte = rest.removeFirst()
        if byte == mark[matched] {
            matched += 1
        } else if !(byte == 0x20 && matched == mark.count - 1) {
            matched = byte == mark[0] ? 1 : 0
        }
        if matched == mark.count {
            matched = 0
            isInside = true
        }
    }

    /// Since the last time of asking.
    mutating func take() -> Duration {
        defer { byteCount = 0 }
        return .fromSeconds(Double(byteCount) / Double(bytesPerSecond))
    }
}
