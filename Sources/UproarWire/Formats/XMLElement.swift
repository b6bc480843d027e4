/// An element of a small XML document: TwiML, S3's answers. Names keep their prefix; namespaces are not resolved.
package struct XMLElement: Hashable, Sendable {
    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    package var name: String
    package var attributes: [Attribute]
    /// The text between the tags, that of children left out, blanks kept.
    package var text: String
    package var children: [XMLElement]

    package init(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String = "",
        children: [XMLElement] = []
    ) {
        self.name = name
        self.attributes = attributes.map { Attribute(name: $0.key, value: $0.value) }
        self.text = text
        self.children = children
    }

    /// The value of an attribute.
    package subscript(_ attribute: String) -> String? {
        attributes.first { $0.name == attribute }?.value
    }

    /// The first child of this name.
    package func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    package func children(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// The first descendant of this name, in document order: `document.first("Stream")`.
    package func first(_ name: String) -> XMLElement? {
        for child in children {
            if child.name == name { return child }
            if let found = child.first(name) { return found }
        }
        return nil
    }

    /// The whole document, on one line behind its declaration.
    package var document: String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + encoded
    }

    /// The element alone. Text stands before the children.
    package var encoded: String {
        let start =
            "<" + name
            + attributes.map { " \($0.name)=\"\(Self.escaped($0.value))\"" }.joined()
        if text.isEmpty, children.isEmpty { return start + "/>" }
        return start + ">" + Self.escaped(text) + children.map(\.encoded).joined() + "</\(name)>"
    }

    /// What XML 1.0 cannot hold at all (most control characters) becomes U+FFFD.
    package static func escaped(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "\n", "\r", "\t": output += "&#\(scalar.value);"
            default:
                output.unicodeScalars.append(XMLReader.isAllowed(scalar) ? scalar : "\u{fffd}")
            }
        }
        return output
    }
}
