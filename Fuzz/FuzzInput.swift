// What all entry points share. Each gets bytes and must not crash; most also check that pieces read like the whole.

/// Bytes to feed, and how to cut them: the first byte chooses an option, the second one seeds the sizes of pieces.
struct FuzzInput {
    let option: UInt8
    let bytes: [UInt8]
    private let seed: UInt8

    init(_ data: UnsafePointer<UInt8>?, _ count: Int) {
        let all = Array(UnsafeBufferPointer(start: data, count: count))
        option = all.first ?? 0
        seed = all.dropFirst().first ?? 0
        bytes = Array(all.dropFirst(2))
    }

    /// The same bytes in pieces of 1 to 16.
    var pieces: [[UInt8]] {
        var pieces: [[UInt8]] = []
        var state = UInt32(seed)
        var start = 0
        while start < bytes.count {
            state = state &* 1_664_525 &+ 1_013_904_223
            let end = min(bytes.count, start + 1 + Int(state >> 28))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }
}

/// Fed whole and in pieces, a codec must say the same.
func expectSame(_ input: FuzzInput, _ decode: ([[UInt8]]) -> [String]) {
    let whole = decode([input.bytes])
    let pieces = decode(input.pieces)
    precondition(whole == pieces, "whole: \(whole) pieces: \(pieces)")
}

extension [String] {
    /// Joins pieces of a body, because where they are cut means nothing.
    mutating func append(body bytes: [UInt8]) {
        let text = bytes.map { "\($0) " }.joined()
        if let last, last.hasPrefix("body ") {
            self[count - 1] = last + text
        } else {
            append("body " + text)
        }
    }
}
