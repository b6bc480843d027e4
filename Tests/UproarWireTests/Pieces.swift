import Testing

/// Feeds `bytes` to a codec whole, cut in two at every offset, and byte by byte: each must read the same. Returns what
/// the whole gave.
///
/// `decode` gets the pieces in order and must start from a fresh codec each time. Long inputs are cut at about 500 places.
@discardableResult
func expectSameInPieces<Output: Equatable>(
    _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation,
    _ decode: ([[UInt8]]) -> Output
) -> Output {
    let whole = decode([bytes])
    let step = max(1, bytes.count / 500)
    for cut in stride(from: 0, through: bytes.count, by: step) {
        let halves = decode([Array(bytes[..<cut]), Array(bytes[cut...])])
        if halves != whole {
            #expect(halves == whole, "cut at \(cut)", sourceLocation: sourceLocation)
            return whole
        }
    }
    let single = decode(bytes.map { [$0] })
    #expect(single == whole, "byte by byte", sourceLocation: sourceLocation)
    return whole
}
