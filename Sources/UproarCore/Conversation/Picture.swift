/// A picture as a caller shows it: a whole file of a kind that browsers and models take.
package struct Picture: Hashable, Sendable {
    /// `image/png`, `image/jpeg`, `image/webp` or `image/gif`.
    package var mime: String
    package var bytes: [UInt8]

    /// Larger ones fit no message.
    package static let byteLimit = 512 << 10
    package static let kinds = ["image/png", "image/jpeg", "image/webp", "image/gif"]

    package init(mime: String, bytes: [UInt8]) {
        self.mime = mime
        self.bytes = bytes
    }

    /// `data:image/png;base64,…` (RFC 2397).
    package var dataURL: String {
        var data: [UInt8] = []
        Base64.encode(bytes.span.bytes, into: &data)
        return "data:\(mime);base64," + String(decoding: data, as: UTF8.self)
    }

    /// Nil when it is no data URL of a picture.
    package init?(dataURL text: String) {
        guard text.hasPrefix("data:image/"), let comma = text.firstIndex(of: ","),
            text[..<comma].hasSuffix(";base64")
        else { return nil }
        var bytes: [UInt8] = []
        let data = String(text[text.index(after: comma)...])
        guard data.utf8.count <= 2 * Self.byteLimit,
            Base64.decode(data.utf8Span.span.bytes, into: &bytes)
        else { return nil }
        self.init(bytes)
    }

    /// The kind is told by the file's first bytes; nil when they are of none of the kinds.
    package init?(_ bytes: [UInt8]) {
        let heads: [([UInt8], String)] = [
            ([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], "image/png"),
            ([0xff, 0xd8, 0xff], "image/jpeg"), (Array("GIF8".utf8), "image/gif"),
            (Array("RIFF".utf8), "image/webp"),
        ]
        guard let mime = heads.first(where: { bytes.starts(with: $0.0) })?.1 else { return nil }
        self.init(mime: mime, bytes: bytes)
    }
}
