import UproarCore

/// A number with the unit its dimension demands: what gates compare with, and what settings hold.
package enum QuantityText {
    package static func allowed(_ dimension: MetricDescriptor.Dimension) -> String {
        switch dimension {
        case .time: DurationText.allowed
        case .money: "US dollars, such as $0.07"
        case .count: "a number without unit"
        case .share: "a share in percent, such as 99.5%"
        case .bytes: "bytes with their unit, such as 20MB, 64KB or 512MiB"
        case .bitrate: "a bit rate with its unit, such as 100Kbps or 1.5Mbps"
        case .cores: "processor cores, such as 0.16cores"
        }
    }

    private static let byteUnits: [(StaticString, Double)] = [
        ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("KB", 1e3), ("MB", 1e6),
        ("GB", 1e9), ("B", 1),
    ]
    private static let bitUnits: [(StaticString, Double)] = [
        ("Kbps", 1e3), ("kbps", 1e3), ("Mbps", 1e6), ("Gbps", 1e9), ("bps", 1),
    ]
    private static let coreUnits: [(StaticString, Double)] = [("cores", 1), ("core", 1)]

    /// A quantity at the scanner's place, in the dimension's own unit (nanoseconds, dollars, a share of 1, bytes, bits per
    /// second, cores). `signed` allows a minus before times and counts.
    package static func scan(
        _ scanner: inout TextScanner, _ dimension: MetricDescriptor.Dimension, signed: Bool = false
    ) throws(TextProblem) -> Double {
        scanner.skipSpaces()
        let start = scanner.offset
        switch dimension {
        case .time:
            let isNegative = signed && scanner.take("-")
            let value = Double(try DurationText.scan(&scanner).nanoseconds)
            return isNegative ? -value : value
        case .money:
            guard scanner.take("$"), let number = scanner.decimal() else {
                scanner.offset = start
                throw scanner.problem("\(scanner.found) is no money", allowed: allowed(.money))
            }
            try noUnit(&scanner, start, dimension)
            return number.value
        case .count:
            let number = try decimal(&scanner, dimension, signed: signed)
            try noUnit(&scanner, start, dimension)
            return number.value
        case .share:
            let number = try decimal(&scanner, dimension)
            guard scanner.take("%") else { throw noUnitProblem(scanner, start, dimension) }
            return number.hundredth.value
        case .bytes: return try scan(&scanner, start, byteUnits, dimension)
        case .bitrate: return try scan(&scanner, start, bitUnits, dimension)
        case .cores: return try scan(&scanner, start, coreUnits, dimension)
        }
    }

    package static func parse(_ text: String, _ dimension: MetricDescriptor.Dimension)
        throws(TextProblem) -> Double
    {
        var scanner = TextScanner(text)
        let value = try scan(&scanner, dimension)
        try scanner.end(allowed: allowed(dimension))
        return value
    }

    private static func scan(
        _ scanner: inout TextScanner, _ start: Int, _ units: [(StaticString, Double)],
        _ dimension: MetricDescriptor.Dimension
    ) throws(TextProblem) -> Double {
        let number = try decimal(&scanner, dimension)
        for (name, size) in units where scanner.takeWord(name) { return number.value * size }
        throw noUnitProblem(scanner, start, dimension)
    }

    private static func decimal(
        _ scanner: inout TextScanner, _ dimension: MetricDescriptor.Dimension, signed: Bool = false
    ) throws(TextProblem) -> Decimal {
        guard let number = scanner.decimal(signed: signed) else {
            throw scanner.problem("\(scanner.found) is no number", allowed: allowed(dimension))
        }
        return number
    }

    private static func noUnit(
        _ scanner: inout TextScanner, _ start: Int, _ dimension: MetricDescriptor.Dimension
    ) throws(TextProblem) {
        if let next = scanner.next, TextScanner.isLetter(next) || next == UInt8(ascii: "%") {
            throw noUnitProblem(scanner, start, dimension)
        }
    }

    private static func noUnitProblem(
        _ scanner: TextScanner, _ start: Int, _ dimension: MetricDescriptor.Dimension
    ) -> TextProblem {
        let number = scanner.text(from: start)
        let next = scanner.next.map { TextScanner.isLetter($0) || $0 == UInt8(ascii: "%") } ?? false
        return TextProblem(
            offset: start,
            reason: next
                ? "\"\(number)\" has the wrong unit: \(scanner.found)"
                : "\"\(number)\" has no unit",
            allowed: allowed(dimension))
    }
}
