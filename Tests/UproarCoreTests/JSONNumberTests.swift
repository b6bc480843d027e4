import Testing
import UproarCore

/// Most numbers are read without the standard library's parser: that must show in nothing.
@Suite struct JSONNumberTests {
    private func read(_ text: String) -> JSONValue? { try? JSONParser.parse(text) }

    @Test func fractionsAreWhatTheStandardLibraryReads() {
        var random = Seed(7).stream("numbers")
        for _ in 0..<20_000 {
            let whole = String(random.below(1 << (1 + random.below(40))))
            let places = 1 + random.below(18)
            let fraction = (0..<places).map { _ in String(random.below(10)) }.joined()
            let text = (random.below(2) == 0 ? "-" : "") + whole + "." + fraction
            guard case .number(let value) = read(text) else {
                Issue.record("\(text) is no number")
                return
            }
            #expect(value.bitPattern == Double(text)?.bitPattern, "\(text)")
        }
    }

    @Test(arguments: [
        ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("999999999999999", 999_999_999_999_999),
        ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
    ])
    func wholeNumbersAreIntegers(_ text: String, _ value: Int64) {
        #expect(read(text) == .integer(value))
    }

    @Test func aNegativeZeroWithAFractionKeepsItsSign() {
        guard case .number(let value) = read("-0.0") else {
            Issue.record("-0.0 is no number")
            return
        }
        #expect(value == 0 && value.sign == .minus)
    }

    @Test(arguments: ["1e3", "-2.5E-2", "0.1e1", "12345678901234567890", "0.12345678901234567890"])
    func whatIsNotShortIsReadToo(_ text: String) {
        #expect(read(text) == .number(Double(text) ?? .nan))
    }
}
