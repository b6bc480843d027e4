/// Header fields in their order on the wire; names are found without regard to case (RFC 9110 §5.1).
package struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    package var count: Int { fields.count }
    package var isEmpty: Bool { fields.isEmpty }

    /// The first value of this name; setting replaces all of them, nil removes them.
    package subscript(_ name: String) -> String? {
        get { fields.first { Self.isSame($0.name, name) }?.value }
        set {
            guard let newValue else { return remove(name) }
            if let place = fields.firstIndex(where: { Self.isSame($0.name, name) }) {
                let kept = fields[place].name
                remove(name)
                fields.insert(Field(name: kept, value: newValue), at: min(place, fields.count))
            } else {
                add(name, newValue)
            }
        }
    }

    /// Every value of this name, in order.
    package func all(_ name: String) -> [String] {
        fields.filter { Self.isSame($0.name, name) }.map(\.value)
    }

    package func contains(_ name: String) -> Bool {
        fields.contains { Self.isSame($0.name, name) }
    }

    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    package mutating func remove(_ name: String) {
        fields.removeAll { Self.isSame($0.name, name) }
    }

    /// The elements of a comma list over all fields of this name, trimmed, empty ones left out: `Upgrade: a, b`.
    package func list(_ name: String) -> [String] {
        guard contains(name) else { return [] }
        return all(name).flatMap { $0.pieces(cutAt: UInt8(ascii: ",")).map { $0.trimmed() } }
            .filter { !$0.isEmpty }
    }

    /// Whether such a list names `token`, without regard to case.
    package func lists(_ name: String, _ token: String) -> Bool {
        list(name).contains { Self.isSame($0, token) }
    }

    /// The media type of Content-Type in small letters without its parameters: `application/json`.
    package var mediaType: String? {
        self["Content-Type"]?.pieces(cutAt: UInt8(ascii: ";")).first?.trimmed().lowercased()
    }

    /// Equal but for the case of ASCII letters.
    static func isSame(_ a: String, _ b: String) -> Bool {
        guard a.utf8.count == b.utf8.count else { return false }
        return a == b || zip(a.utf8, b.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
    }
}

extension HTTPHeaders: Hashable {
    /// The same fields in the same order; the case of names does not count.
    package static func == (a: HTTPHeaders, b: HTTPHeaders) -> Bool {
        a.fields.count == b.fields.count
            && zip(a.fields, b.fields).allSatisfy {
                $0.value == $1.value && isSame($0.name, $1.name)
            }
    }

    package func hash(into hasher: inout Hasher) {
        for field in fields { hasher.combine(field.value) }
    }
}
