import UproarCore

/// What an emulated model sees in a picture: the caption that the file carries, a PNG's `tEXt` chunk named `Description`
/// (PNG specification, third edition, §11.3.3). A real model looks at the pixels; ours reads what whoever drew them wrote beside.
enum PictureCaption {
    private static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    private static let keyword = Array("Description".utf8) + [0]
    private static let longest = 200

    /// Nil when there is none, or the file is no PNG or broken before it.
    static func read(_ bytes: [UInt8]) -> String? {
        guard bytes.starts(with: signature) else { return nil }
        var place = signature.count
        // length, type, data, checksum
        while bytes.count - place >= 12 {
            let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            let data = place + 8
            guard length <= bytes.count - data - 4 else { return nil }
            let type = bytes[place + 4..<data]
            if type.elementsEqual("tEXt".utf8), bytes[data..<data + length].starts(with: keyword) {
                let text = bytes[data + keyword.count..<data + length]
                // Latin-1, as the chunk is defined.
                let caption = String(String.UnicodeScalarView(text.map { Unicode.Scalar($0) }))
                return caption.isEmpty || caption.count > longest ? nil : caption
            }
            if type.elementsEqual("IEND".utf8) { return nil }
            place = data + length + 4
        }
        return nil
    }
}
