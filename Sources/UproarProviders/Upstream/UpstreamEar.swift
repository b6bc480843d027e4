import UproarAudio
import UproarCore

/// Looks for the tags of utterances in the audio that passes to a recogniser.
final class UpstreamEar {
    private var scanner: TagScanner
    /// A byte of a sample whose other byte is still to come.
    private var half: UInt8?

    /// Nil for a rate that tags are not looked for in.
    init?(_ format: AudioFormat) {
        guard TagScanner.accepts(format.rate) else { return nil }
        scanner = TagScanner(format, findsTails: false)
    }

    /// The tag that ended in these bytes.
    func hear(_ bytes: RawSpan) -> UInt32? {
        guard scanner.format.encoding.bytesPerSample == 2,
            half != nil || bytes.byteCount % 2 == 1
        else { return scan(bytes) }
        var whole = half.map { [$0] } ?? []
        bytes.withUnsafeBytes { whole.append(contentsOf: $0) }
        half = whole.count % 2 == 1 ? whole.removeLast() : nil
        return scan(whole.span.bytes)
    }

    private func scan(_ bytes: RawSpan) -> UInt32? {
        var found: UInt32?
        scanner.feed(bytes) { event in
            if case .tagDecoded(let wire, .head, _, _) = event { found = wire }
        }
        return found
    }
}
