import UproarCore

/// Price files: what providers charge, each figure with its date and source.
///
/// ```yaml
/// name: guides-2025
/// prices:
///   - {provider: deepgram, model: nova-3, unit: audio_minute, dollars: $0.0077, as_of: 2025-06-01, source: "…"}
/// ```
package enum PriceFile {
    static let page = "docs/scenario.md#prices"

    package static func read(_ bytes: [UInt8], file: String) throws(FileProblems) -> PriceBook {
        let reading = Reading(file: file)
        let book = read(bytes, file: file, reading)
        guard let book, reading.problems.isEmpty else {
            throw FileProblems(reading.sortedProblems)
        }
        return book
    }

    static func read(_ bytes: [UInt8], file: String, _ reading: Reading) -> PriceBook? {
        guard let root = reading.document(bytes, file: file),
            let map = MapReader(reading, root, path: "", keys: ["name", "prices"], page: page)
        else { return nil }
        let name = map.required("name", "a name for reports", ScalarText.text)
        guard map.hasRequired("prices", "a list of prices"), let node = map.node("prices"),
            let items = reading.list(node, path: "prices", page: page, of: "prices")
        else { return nil }
        var prices: [PriceBook.Price] = []
        for (index, item) in items.enumerated() {
            guard let price = price(item, "prices[\(index)]", reading) else { continue }
            if prices.contains(where: {
                $0.provider == price.provider && $0.model == price.model && $0.unit == price.unit
            }) {
                reading.report(
                    item.mark, "a second price for the same provider, model and unit",
                    allowed: "each once", page: page)
            }
            prices.append(price)
        }
        return name.map { PriceBook(name: $0, prices: prices) }
    }

    private static func price(_ node: YAMLNode, _ path: String, _ reading: Reading)
        -> PriceBook.Price?
    {
        let keys = ["provider", "model", "unit", "dollars", "as_of", "source"]
        guard let map = MapReader(reading, node, path: path, keys: keys, page: page) else {
            return nil
        }
        let providers = ProviderID.allCases.map { ($0.name, $0) }
        let units = PriceBook.Unit.allCases.map { ($0.rawValue, $0) }
        let provider = map.required("provider", "a provider") { text throws(TextProblem) in
            try ScalarText.word(text, of: providers, what: "provider")
        }
        let unit = map.required("unit", "what the price pays for") { text throws(TextProblem) in
            try ScalarText.word(text, of: units, what: "unit")
        }
        let model = map.required("model", "the model's name", ScalarText.text)
        let dollars = map.required("dollars", "US dollars, such as $0.0077") {
            text throws(TextProblem) in try QuantityText.parse(text, .money)
        }
        let date = map.required("as_of", "the date of the figure, such as 2025-11-01", date)
        let source = map.required("source", "where the figure comes from", ScalarText.text)
        guard let provider, let unit, let model, let dollars, let date, let source else {
            return nil
        }
        return PriceBook.Price(
            provider, model: model, unit: unit, dollars: dollars, asOf: date, source: source)
    }

    private static func date(_ text: String) throws(TextProblem) -> String {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard [2, 3].contains(parts.count), parts[0].count == 4,
            parts.allSatisfy({ $0.utf8.allSatisfy(TextScanner.isDigit) && $0.count >= 2 }),
            let month = Int(parts[1]), (1...12).contains(month),
            parts.count == 2 || (1...31).contains(Int(parts[2]) ?? 0)
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no date",
                allowed: "a day or a month, such as 2025-11-01 or 2025-11")
        }
        return text
    }
}
