import UproarCore

/// The part of Prometheus' query language that the shipped alert rules are written in, and no more: what a rule says beyond it is an
/// error, never a guess (prometheus.io/docs/prometheus/latest/querying/basics).
///
/// ```
/// or          a > 0 or b > 0
/// comparison  > >= < <= == !=      of a vector with a number: keeps what holds
/// arithmetic  + - * /              between vectors by equal labels, `ignoring(…)` some
/// functions   rate(m[5m])  increase(m[5m])  histogram_quantile(0.95, v)
/// sums        sum(v)  sum by (a, b) (v)
/// selectors   m  m{a="x"}
/// ```
indirect enum AlertExpression: Hashable {
    case number(Double)
    case selector(Selector)
    case change(Selector, over: Duration, isPerSecond: Bool)
    case quantile(Double, AlertExpression)
    case sum(AlertExpression, by: [String])
    case operation(Operator, AlertExpression, AlertExpression, ignoring: [String])
    case either(AlertExpression, AlertExpression)

    struct Selector: Hashable {
        var name: String
        var labels: [Label]
    }

    struct Label: Hashable {
        var key: String
        var value: String
    }

    enum Operator: String, CaseIterable {
        // Longer ones first: they are looked for in this order.
        case greaterOrEqual = ">="
        case lessOrEqual = "<="
        case equal = "=="
        case unequal = "!="
        case greater = ">"
        case less = "<"
        case plus = "+"
        case minus = "-"
        case times = "*"
        case over = "/"

        var level: Int {
            switch self {
            case .greaterOrEqual, .lessOrEqual, .equal, .unequal, .greater, .less: 0
            case .plus, .minus: 1
            case .times, .over: 2
            }
        }

        var isComparison: Bool { level == 0 }
    }

    struct Problem: Error, Hashable, CustomStringConvertible {
        /// Bytes from the beginning.
        var offset: Int
        var reason: String
        var description: String { "at \(offset): \(reason)" }
    }

    init(_ text: String) throws(Problem) {
        var parser = AlertExpressionParser(text)
        self = try parser.whole()
    }
}

/// Reads an expression by descent; every step says what it wanted.
struct AlertExpressionParser {
    private let bytes: [UInt8]
    private var place = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func whole() throws(AlertExpression.Problem) -> AlertExpression {
        let expression = try either()
        skipSpace()
        guard place == bytes.count else { throw problem("the end, or an operator") }
        return expression
    }

    private mutating func either() throws(AlertExpression.Problem) -> AlertExpression {
        var left = try operation(0)
        while takeWord("or") { left = .either(left, try operation(0)) }
        return left
    }

    private mutating func operation(_ level: Int) throws(AlertExpression.Problem)
        -> AlertExpression
    {
        guard level <= 2 else { return try primary() }
        var left = try operation(level + 1)
        while let sign = takeOperator(level) {
            let ignored = try takeWord("ignoring") ? names() : []
            left = .operation(sign, left, try operation(level + 1), ignoring: ignored)
        }
        return left
    }

    private mutating func primary() throws(AlertExpression.Problem) -> AlertExpression {
        skipSpace()
        if take("(") {
            let inner = try either()
            try want(")")
            return inner
        }
        if let number = takeNumber() { return .number(number) }
        let name = takeName()
        guard !name.isEmpty else { throw problem("a number, a name or \"(\"") }
        switch name {
        case "rate", "increase":
            try want("(")
            let selector = try selector(takeName())
            try want("[")
            let time = try duration()
            try want("]")
            try want(")")
            return .change(selector, over: time, isPerSecond: name == "rate")
        case "histogram_quantile":
            try want("(")
            guard let quantile = takeNumber() else { throw problem("a quantile") }
            try want(",")
            let inner = try either()
            try want(")")
            return .quantile(quantile, inner)
        case "sum":
            let kept = try takeWord("by") ? names() : []
            try want("(")
            let inner = try either()
            try want(")")
            return .sum(inner, by: kept)
        default: return .selector(try selector(name))
        }
    }

    private mutating func selector(_ name: String) throws(AlertExpression.Problem)
        -> AlertExpression.Selector
    {
        guard !name.isEmpty else { throw problem("a metric's name") }
        var selector = AlertExpression.Selector(name: name, labels: [])
        guard take("{") else { return selector }
        while true {
            skipSpace()
            let key = takeName()
            try want("=")
            try want("\"")
            let start = place
            while place < bytes.count, bytes[place] != UInt8(ascii: "\"") { place += 1 }
            let value = String(decoding: bytes[start..<place], as: UTF8.self)
            try want("\"")
            selector.labels.append(.init(key: key, value: value))
            guard take(",") else { break }
        }
        try want("}")
        return selector
    }

    /// `(a, b)`.
    private mutating func names() throws(AlertExpression.Problem) -> [String] {
        try want("(")
        var names: [String] = []
        repeat {
            skipSpace()
            names.append(takeName())
        } while take(",")
        try want(")")
        return names
    }

    private mutating func duration() throws(AlertExpression.Problem) -> Duration {
        guard let number = takeNumber() else { throw problem("a duration such as 5m") }
        let unit = takeName()
        let seconds: Double
        switch unit {
        case "s": seconds = number
        case "m": seconds = number * 60
        case "h": seconds = number * 3600
        default: throw problem("s, m or h")
        }
        return .fromSeconds(seconds)
    }

    // MARK: Signs

    private mutating func takeOperator(_ level: Int) -> AlertExpression.Operator? {
        skipSpace()
        let rest = bytes[place...]
        for sign in AlertExpression.Operator.allCases where rest.starts(with: sign.rawValue.utf8) {
            guard sign.level == level else { return nil }
            place += sign.rawValue.utf8.count
            return sign
        }
        return nil
    }

    private mutating func takeWord(_ word: String) -> Bool {
        skipSpace()
        let end = place + word.utf8.count
        guard bytes[place...].starts(with: word.utf8),
            end >= bytes.count || !Self.isNameByte(bytes[end])
        else { return false }
        place = end
        return true
    }

    private mutating func take(_ sign: String) -> Bool {
        skipSpace()
        guard bytes[place...].starts(with: sign.utf8) else { return false }
        place += sign.utf8.count
        return true
    }

    private mutating func want(_ sign: String) throws(AlertExpression.Problem) {
        guard take(sign) else { throw problem("\"\(sign)\"") }
    }

    private mutating func takeName() -> String {
        skipSpace()
        let start = place
        while place < bytes.count, Self.isNameByte(bytes[place]) { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func takeNumber() -> Double? {
        skipSpace()
        var end = place
        while end < bytes.count, Self.isDigit(bytes[end]) || bytes[end] == UInt8(ascii: ".") {
            end += 1
        }
        guard end > place, Self.isDigit(bytes[place]),
            let number = Double(String(decoding: bytes[place..<end], as: UTF8.self))
        else { return nil }
        place = end
        return number
    }

    private mutating func skipSpace() {
        while place < bytes.count, bytes[place] == 0x20 || bytes[place] == 0x0a { place += 1 }
    }

    private func problem(_ wanted: String) -> AlertExpression.Problem {
        .init(offset: place, reason: "wanted \(wanted)")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
