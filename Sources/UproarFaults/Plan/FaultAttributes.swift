import UproarCore

/// The attributes of an armed fault by name, in the order of its descriptor; what was not given is absent.
package struct FaultAttributes: Hashable, Sendable {
    package private(set) var values: [Entry]

    package struct Entry: Hashable, Sendable {
        package var name: String
        package var value: FaultDescriptor.Value
    }

    package init(_ values: [(String, FaultDescriptor.Value)] = []) {
        self.values = values.map { Entry(name: $0.0, value: $0.1) }
    }

    package subscript(_ name: String) -> FaultDescriptor.Value? {
        values.first { $0.name == name }?.value
    }

    package func duration(_ name: String) -> Duration? {
        if case .duration(let value)? = self[name] { value } else { nil }
    }
    package func distribution(_ name: String) -> Distribution? {
        switch self[name] {
        case .distribution(let value)?: value
        case .duration(let value)?: .constant(value)
        default: nil
        }
    }
    package func integer(_ name: String) -> Int? {
        if case .integer(let value)? = self[name] { value } else { nil }
    }
    package func chance(_ name: String) -> Chance? {
        if case .chance(let value)? = self[name] { value } else { nil }
    }
    /// Bytes, bits per second, tokens per second or a factor.
    package func number(_ name: String) -> Double? {
        if case .number(let value)? = self[name] { value } else { nil }
    }
    package func isOn(_ name: String) -> Bool? {
        if case .isOn(let value)? = self[name] { value } else { nil }
    }
    package func text(_ name: String) -> String? {
        if case .text(let value)? = self[name] { value } else { nil }
    }
}
