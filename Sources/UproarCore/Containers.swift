/// A binary min-heap. Ties are the element's own business: give it a sequence number.
///
/// Inlinable, because a heap that is not specialised where it is used costs ten times as much.
@frozen
package struct Heap<Element: Comparable> {
    @usableFromInline package private(set) var elements: [Element] = []

    @inlinable package init() {}

    @inlinable package var first: Element? { elements.first }
    @inlinable package var isEmpty: Bool { elements.isEmpty }
    @inlinable package var count: Int { elements.count }

    @inlinable package mutating func insert(_ element: Element) {
        elements.append(element)
        var index = elements.count - 1
        while index > 0, elements[index] < elements[(index - 1) / 2] {
            elements.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    @inlinable package mutating func popFirst() -> Element? {
        guard let first = elements.first else { return nil }
        let last = elements.removeLast()
        guard !elements.isEmpty else { return first }
        elements[0] = last
        var index = 0
        while true {
            var least = index
            if 2 * index + 1 < elements.count, elements[2 * index + 1] < elements[least] {
                least = 2 * index + 1
            }
            if 2 * index + 2 < elements.count, elements[2 * index + 2] < elements[least] {
                least = 2 * index + 2
            }
            if least == index { return first }
            elements.swapAt(index, least)
            index = least
        }
    }
}

extension Heap: Sendable where Element: Sendable {}

/// A table that keeps the order of insertion, so that iterating it gives the same bytes each time.
///
/// Inlinable for the same reason.
@frozen
package struct OrderedTable<Key: Hashable, Value> {
    @usableFromInline package private(set) var keys: [Key] = []
    @usableFromInline package private(set) var values: [Value] = []
    @usableFromInline var places: [Key: Int] = [:]

    @inlinable package init() {}

    @inlinable package var count: Int { keys.count }
    @inlinable package var isEmpty: Bool { keys.isEmpty }

    @inlinable package subscript(key: Key) -> Value? {
        get { places[key].map { values[$0] } }
        set {
            if let place = places[key] {
                if let newValue { values[place] = newValue } else { remove(at: place) }
            } else if let newValue {
                places[key] = keys.count
                keys.append(key)
                values.append(newValue)
            }
        }
    }

    @inlinable package subscript(key: Key, default make: @autoclosure () -> Value) -> Value {
        get { places[key].map { values[$0] } ?? make() }
        _modify {
            let place: Int
            if let known = places[key] {
                place = known
            } else {
                place = keys.count
                places[key] = place
                keys.append(key)
                values.append(make())
            }
            yield &values[place]
        }
    }

    @inlinable mutating func remove(at place: Int) {
        places[keys[place]] = nil
        keys.remove(at: place)
        values.remove(at: place)
        for index in place..<keys.count { places[keys[index]] = index }
    }
}

extension OrderedTable: Sendable where Key: Sendable, Value: Sendable {}
