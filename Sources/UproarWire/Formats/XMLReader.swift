/// Why a text is not the XML we read, and where (byte offset from 0).
package struct XMLError: Error, Hashable, Sendable, CustomStringConvertible {
    package var offset: Int
    package var reason: String
    package var description: String { "not XML at byte \(offset): \(reason)" }
}

/// Reads small XML 1.0 documents in UTF-8: elements, attributes, text, CDATA, comments, the five named entities and numbers. Document
/// type declarations are refused, and with them every entity of the document's own.
package struct XMLReader {
    private static let depthLimit = 64

    private let bytes: [UInt8]
    private var index = 0

    /// The document's outermost element.
    package static func read(_ bytes: [UInt8]) throws(XMLError) -> XMLElement {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw XMLError(offset: 0, reason: "not UTF-8")
        }
        var reader = XMLReader(bytes: bytes)
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { reader.index = 3 }
        try reader.skipOutside()
        guard reader.take("<") else { throw reader.error("an element is due") }
        let element = try reader.element(depth: 0)
        try reader.skipOutside()
        guard reader.index == bytes.count else { throw reader.error("text after the document") }
        return element
    }

    package static func read(_ text: String) throws(XMLError) -> XMLElement {
        try read(Array(text.utf8))
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func error(_ reason: String) -> XMLError { XMLError(offset: index, reason: reason) }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private func isNext(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[index...].starts(with: $0) }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        guard isNext(text) else { return false }
        index += text.utf8CodeUnitCount
        return true
    }

    @discardableResult
    private mutating func skipBlanks() -> Bool {
        let start = index
        while let byte = current, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { index += 1 }
        return index > start
    }

    /// Past the next `end`; what lies between is returned.
    private mutating func skip(
        past end: StaticString, _ reason: String
    ) throws(XMLError) -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count {
            if take(end) { return bytes[start..<(index - end.utf8CodeUnitCount)] }
            index += 1
        }
        throw error(reason)
    }

    /// Blanks, comments and instructions, which may stand around the outermost element.
    private mutating func skipOutside() throws(XMLError) {
        while true {
            skipBlanks()
            if take("<?") {
                _ = try skip(past: "?>", "an instruction has no end")
            } else if take("<!--") {
                _ = try skip(past: "-->", "a comment has no end")
            } else if isNext("<!") {
                throw error("document type declarations are not read")
            } else {
                return
            }
        }
    }

    /// From behind the `<` of its start tag to behind its end tag.
    private mutating func element(depth: Int) throws(XMLError) -> XMLElement {
        guard depth < Self.depthLimit else {
            throw error("nested deeper than \(Self.depthLimit)")
        }
        var element = XMLElement(try name())
        while true {
            let hasBlanks = skipBlanks()
            if take("/>") { return element }
            if take(">") { break }
            guard hasBlanks else { throw error("a blank, '>' or '/>' is due") }
            let name = try name()
            guard element[name] == nil else { throw error("attribute \(name) comes twice") }
            skipBlanks()
            guard take("=") else { throw error("'=' is due") }
            skipBlanks()
            element.attributes.append(.init(name: name, value: try attributeValue()))
        }
        var text: [UInt8] = []
        while true {
            guard let byte = current else { throw error("element \(element.name) has no end") }
            if take("</") {
                let name = try name()
                guard name == element.name else {
                    throw error("</\(name)> ends <\(element.name)>")
                }
                skipBlanks()
                guard take(">") else { throw error("'>' is due") }
                element.text = String(decoding: text, as: UTF8.self)
                return element
            } else if take("<!--") {
                _ = try skip(past: "-->", "a comment has no end")
            } else if take("<![CDATA[") {
                text += try skip(past: "]]>", "a CDATA section has no end")
            } else if take("<?") {
                _ = try skip(past: "?>", "an instruction has no end")
            } else if take("<") {
                element.children.append(try self.element(depth: depth + 1))
            } else if byte == UInt8(ascii: "&") {
                text += try entity()
            } else {
                text.append(byte)
                index += 1
            }
        }
    }

    private mutating func name() throws(XMLError) -> String {
        let start = index
        while let byte = current {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"), UInt8(ascii: ":"), 0x80...0xff:
                index += 1
                continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                guard index > start else { throw error("a name is due") }
                index += 1
                continue
            default: break
            }
            break
        }
        guard index > start else { throw error("a name is due") }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func attributeValue() throws(XMLError) -> String {
        guard let quote = current, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw error("a quoted value is due")
        }
        index += 1
        var text: [UInt8] = []
        while let byte = current {
            switch byte {
            case quote:
                index += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "<"): throw error("'<' inside a value")
            case UInt8(ascii: "&"): text += try entity()
            case 0x09, 0x0a, 0x0d:
                // Attribute values are normalised (XML 1.0 §3.3.3).
                text.append(0x20)
                index += 1
            default:
                text.append(byte)
                index += 1
            }
        }
        throw error("the value has no end")
    }

    private mutating func entity() throws(XMLError) -> [UInt8] {
        let start = index
        index += 1
        while let byte = current, byte != UInt8(ascii: ";"), index - start < 12 { index += 1 }
        guard current == UInt8(ascii: ";") else {
            index = start
            throw error("'&' stands for itself only as &amp;")
        }
        let name = String(decoding: bytes[(start + 1)..<index], as: UTF8.self)
        index += 1
        switch name {
        case "amp": return [UInt8(ascii: "&")]
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default:
            let digits = name.dropFirst(name.hasPrefix("#x") ? 2 : 1)
            // A number alone: `UInt32` would also take a sign.
            guard name.hasPrefix("#"), digits.first?.isHexDigit == true,
                let value = UInt32(digits, radix: name.hasPrefix("#x") ? 16 : 10),
                let scalar = Unicode.Scalar(value), Self.isAllowed(scalar)
            else {
                index = start
                throw error("&\(name); is unknown")
            }
            return Array(String(scalar).utf8)
        }
    }

    /// The characters of XML 1.0 (§2.2).
    static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0a, 0x0d, 0x20...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }
}
