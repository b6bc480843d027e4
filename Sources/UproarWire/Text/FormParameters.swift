import UproarCore

/// Names with values as queries and `application/x-www-form-urlencoded` bodies carry them; names may repeat, order is kept.
package struct FormParameters: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Item: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var items: [Item] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        items = elements.map { Item($0.0, $0.1) }
    }

    /// Reads `a=1&b=two+words&c`: a name without `=` has an empty value. Never fails; see `PercentEncoding.decode`.
    package init(parsing text: some StringProtocol) {
        for pair in text.pieces(cutAt: UInt8(ascii: "&")) where !pair.isEmpty {
            let halves = pair.pieces(cutAt: UInt8(ascii: "="), most: 1)
            items.append(
                Item(
                    PercentEncoding.decode(halves[0], plusIsBlank: true),
                    halves.count > 1 ? PercentEncoding.decode(halves[1], plusIsBlank: true) : ""))
        }
    }

    package init(parsing bytes: [UInt8]) {
        self.init(parsing: String(decoding: bytes, as: UTF8.self))
    }

    package var isEmpty: Bool { items.isEmpty }

    /// The first value of this name.
    package subscript(_ name: String) -> String? { items.first { $0.name == name }?.value }

    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    package mutating func add(_ name: String, _ value: String) { items.append(Item(name, value)) }

    /// `a=1&b=two%20words`: blanks as `%20`, which queries and forms both read.
    package var encoded: String {
        items.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
            .joined(separator: "&")
    }
}
