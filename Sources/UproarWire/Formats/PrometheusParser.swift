import UproarCore

extension PrometheusText {
    /// Reads a scrape. Samples without a TYPE line become families of kind untyped; unknown comments are skipped.
    package static func parse(_ bytes: [UInt8]) throws(PrometheusError) -> [PrometheusFamily] {
        var families: [PrometheusFamily] = []
        var places: [String: Int] = [:]
        /// The family that the latest TYPE or HELP line named.
        var current: Int?

        func place(of name: String) -> Int {
            if let place = places[name] { return place }
            places[name] = families.count
            families.append(PrometheusFamily(name: name, kind: .untyped))
            return families.count - 1
        }

        let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw PrometheusError(line: index + 1, reason: "not UTF-8")
            }
            var line = PrometheusLine(text, number: index + 1)
            line.skipBlanks()
            guard !line.isAtEnd else { continue }
            if line.take("#") {
                line.skipBlanks()
                let word = line.word()
                guard word == "HELP" || word == "TYPE" else { continue }
                line.skipBlanks()
                let name = try line.name(allowsColon: true)
                line.skipBlanks()
                let place = place(of: name)
                current = place
                if word == "HELP" {
                    families[place].help = line.unescapedRest()
                } else {
                    let kind = line.word()
                    guard let known = PrometheusFamily.Kind(rawValue: kind) else {
                        throw line.error("'\(kind)' is no type of metric")
                    }
                    families[place].kind = known
                }
                continue
            }
            let sample = try line.sample()
            if let current, families[current].owns(sample.name) {
                families[current].samples.append(sample)
            } else {
                families[place(of: sample.name)].samples.append(sample)
            }
        }
        return families
    }
}

/// A line being read.
private struct PrometheusLine {
    private let bytes: [UInt8]
    private let number: Int
    private var index = 0

    init(_ text: String, number: Int) {
        bytes = Array(text.utf8)
        self.number = number
    }

    func error(_ reason: String) -> PrometheusError {
        PrometheusError(line: number, reason: reason)
    }

    var isAtEnd: Bool { index == bytes.count }
    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// A carriage return at the end counts as a blank: some exporters write them.
    mutating func skipBlanks() {
        while let byte = current, Self.isBlank(byte) || byte == 0x0d { index += 1 }
    }

    mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: byte) else { return false }
        index += 1
        return true
    }

    /// Everything up to a blank.
    mutating func word() -> String {
        let start = index
        while let byte = current, !Self.isBlank(byte), byte != 0x0d { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    mutating func name(allowsColon: Bool) throws(PrometheusError) -> String {
        let start = index
        while let byte = current {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"):
                break
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > start: break
            case UInt8(ascii: ":") where allowsColon: break
            default:
                guard index > start else { throw error("a name is due") }
                return String(decoding: bytes[start..<index], as: UTF8.self)
            }
            index += 1
        }
        guard index > start else { throw error("a name is due") }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// The rest of a HELP line.
    mutating func unescapedRest() -> String {
        var text: [UInt8] = []
        while let byte = current {
            index += 1
            if byte == UInt8(ascii: "\\"), let next = current {
                index += 1
                if next == UInt8(ascii: "n") {
                    text.append(0x0a)
                } else {
                    if next != UInt8(ascii: "\\") { text.append(byte) }
                    text.append(next)
                }
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    mutating func sample() throws(PrometheusError) -> PrometheusSample {
        let name = try name(allowsColon: true)
        skipBlanks()
        var labels: [PrometheusSample.Label] = []
        if take("{") { labels = try self.labels() }
        skipBlanks()
        let valueText = word()
        guard let value = Double(valueText) else {
            throw error(valueText.isEmpty ? "a value is due" : "'\(valueText)' is no value")
        }
        skipBlanks()
        let timestampText = word()
        guard timestampText.isEmpty || Int64(timestampText) != nil else {
            throw error("'\(timestampText)' is no timestamp")
        }
        skipBlanks()
        guard isAtEnd else { throw error("text after the sample") }
        return PrometheusSample(name, labels: labels, value, timestamp: Int64(timestampText))
    }

    private mutating func labels() throws(PrometheusError) -> [PrometheusSample.Label] {
        var labels: [PrometheusSample.Label] = []
        while true {
            skipBlanks()
            // A comma may stand before the closing bracket.
            if take("}") { return labels }
            let name = try name(allowsColon: false)
            skipBlanks()
            guard take("=") else { throw error("'=' is due") }
            skipBlanks()
            guard take("\"") else { throw error("a quoted value is due") }
            labels.append(.init(name, try quoted()))
            skipBlanks()
            if take(",") { continue }
            guard take("}") else { throw error("',' or '}' is due") }
            return labels
        }
    }

    private mutating func quoted() throws(PrometheusError) -> String {
        var text: [UInt8] = []
        while let byte = current {
            index += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            switch current {
            case UInt8(ascii: "n"): text.append(0x0a)
            case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
            default: throw error("an unknown escape")
            }
            index += 1
        }
        throw error("the quoted value has no end")
    }
}
