import UproarCore

/// As much of XML as call instructions need: elements, attributes, character data, entities; comments, declarations and CDATA
/// are understood, document types are not. Reads bytes from outside: bounded in size, depth and number of elements.
package struct MarkupElement: Hashable, Sendable {
    package var name: String
    package var attributes: [Attribute] = []
    package var children: [MarkupElement] = []
    /// All character data directly inside, entities resolved.
    package var text = ""

    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    /// Names are matched as written: XML tells capitals apart.
    package subscript(_ attribute: String) -> String? {
        attributes.first { $0.name == attribute }?.value
    }
}

package struct MarkupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Byte in the document.
    package var offset: Int
    package var problem: String
    package var description: String { "\(problem) at byte \(offset)" }
}

package struct MarkupParser {
    package static let byteLimit = 256 << 10
    private static let depthLimit = 32
    private static let elementLimit = 4096

    private let bytes: [UInt8]
    private var place = 0
    private var count = 0

    /// The root element; what follows it may only be blanks and comments.
    package static func parse(_ bytes: [UInt8]) throws(MarkupError) -> MarkupElement {
        var parser = MarkupParser(bytes: bytes)
        guard bytes.count <= byteLimit else { throw parser.error("more than 256 KiB") }
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { parser.place = 3 }
        try parser.skipProlog()
        let root = try parser.element(depth: 0)
        try parser.skipProlog()
        guard parser.place == bytes.count else { throw parser.error("something after the root") }
        return root
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func error(_ problem: String) -> MarkupError {
        MarkupError(offset: place, problem: problem)
    }

    private func sees(_ word: StaticString) -> Bool {
        word.withUTF8Buffer { bytes[place...].starts(with: $0) }
    }

    private mutating func take(_ word: StaticString) -> Bool {
        guard sees(word) else { return false }
        place += word.utf8CodeUnitCount
        return true
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
    }

    private mutating func skipBlanks() {
        while place < bytes.count, Self.isBlank(bytes[place]) { place += 1 }
    }

    /// Goes behind the next `end`.
    private mutating func skip(to end: StaticString, of what: String) throws(MarkupError) {
        while place < bytes.count {
            if take(end) { return }
            place += 1
        }
        throw error("\(what) without an end")
    }

    private mutating func skipProlog() throws(MarkupError) {
        while true {
            skipBlanks()
            if take("<?") {
                try skip(to: "?>", of: "a declaration")
            } else if take("<!--") {
                try skip(to: "-->", of: "a comment")
            } else if sees("<!") {
                throw error("a document type")
            } else {
                return
            }
        }
    }

    private mutating func name() throws(MarkupError) -> String {
        let start = place
        while place < bytes.count {
            let byte = bytes[place]
            let isName =
                byte >= 0x80 || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
                || TextScanner.isWordByte(byte)
            guard isName else { break }
            place += 1
        }
        guard place > start else { throw error("a name is missing") }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func element(depth: Int) throws(MarkupError) -> MarkupElement {
        count += 1
        guard depth < Self.depthLimit, count <= Self.elementLimit else {
            throw error("too many elements")
        }
        guard take("<") else { throw error("an element is missing") }
        var element = MarkupElement(name: try name())
        while true {
            skipBlanks()
            if take("/>") { return element }
            if take(">") { break }
            let attribute = try name()
            skipBlanks()
            guard take("=") else { throw error("an attribute without \"=\"") }
            skipBlanks()
            element.attributes.append(.init(name: attribute, value: try quoted()))
        }
        var text: [UInt8] = []
        while true {
            guard place < bytes.count else { throw error("<\(element.name)> has no end") }
            if take("</") {
                guard try name() == element.name else {
                    throw error("<\(element.name)> ends under another name")
                }
                skipBlanks()
                guard take(">") else { throw error("an end tag without \">\"") }
                element.text = String(decoding: text, as: UTF8.self)
                return element
            } else if take("<!--") {
                try skip(to: "-->", of: "a comment")
            } else if take("<![CDATA[") {
                let start = place
                try skip(to: "]]>", of: "CDATA")
                text += bytes[start..<(place - 3)]
            } else if take("<?") {
                try skip(to: "?>", of: "an instruction")
            } else if sees("<") {
                element.children.append(try self.element(depth: depth + 1))
            } else {
                text += try character()
            }
        }
    }

    private mutating func quoted() throws(MarkupError) -> String {
        guard place < bytes.count, [UInt8(ascii: "\""), UInt8(ascii: "'")].contains(bytes[place])
        else { throw error("a value without quotes") }
        let quote = bytes[place]
        place += 1
        var text: [UInt8] = []
        while place < bytes.count, bytes[place] != quote {
            if bytes[place] == UInt8(ascii: "<") { throw error("\"<\" inside a value") }
            text += try character()
        }
        guard place < bytes.count else { throw error("a value without an end") }
        place += 1
        return String(decoding: text, as: UTF8.self)
    }

    /// One byte of text, or an entity as the text it stands for.
    private mutating func character() throws(MarkupError) -> [UInt8] {
        let byte = bytes[place]
        guard byte == UInt8(ascii: "&") else {
            place += 1
            return [byte]
        }
        guard let end = bytes[place...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            throw error("\"&\" without \";\"")
        }
        let entity = String(decoding: bytes[(place + 1)..<end], as: UTF8.self)
        let text: [UInt8]
        switch entity {
        case "amp": text = [UInt8(ascii: "&")]
        case "lt": text = [UInt8(ascii: "<")]
        case "gt": text = [UInt8(ascii: ">")]
        case "quot": text = [UInt8(ascii: "\"")]
        case "apos": text = [UInt8(ascii: "'")]
        default:
            let number =
                entity.hasPrefix("#x")
                ? UInt32(entity.dropFirst(2), radix: 16)
                : entity.hasPrefix("#") ? UInt32(entity.dropFirst()) : nil
            guard let scalar = number.flatMap(Unicode.Scalar.init) else {
                throw error("unknown entity &\(entity);")
            }
            text = Array(String(Character(scalar)).utf8)
        }
        place = end + 1
        return text
    }
}
