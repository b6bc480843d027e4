import UproarCore
import UproarCrypto

/// A store's ETag: the MD5 of an object, or the MD5 of its parts' and their number (AWS, "Checking object integrity"); anything else says nothing.
///
/// ```
/// "5d41402abc4b2a76b9719d911017c592"       one piece
/// "a54357aff0632cce46d942af68356b38-2"     two parts
/// ```
struct ObjectTag {
    /// Without quotes; empty when there was none.
    let text: String
    private let digest: [UInt8]?
    private let count: Int?

    /// - text: with its quotes or without.
    init(_ text: String?) {
        let text = (text ?? "").filter { $0 != "\"" }
        self.text = text
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        let digest = halves.first.flatMap { Hex.decode(String($0)) }
        self.digest = digest?.count == 16 && halves.count <= 2 ? digest : nil
        count = halves.count == 2 ? Int(halves[1]) : nil
    }

    /// False only when it is the digest of one piece, and of another than this.
    func fits(_ bytes: [UInt8]) -> Bool {
        guard let digest, count == nil else { return true }
        return digest == Digest.md5.hash(bytes)
    }

    /// False only when it is the digest of parts, and of others than these.
    func fits(parts: [ObjectTag]) -> Bool {
        guard let digest, let count, parts.allSatisfy({ $0.digest != nil }) else { return true }
        return count == parts.count && digest == Digest.md5.hash(parts.flatMap { $0.digest ?? [] })
    }
}
