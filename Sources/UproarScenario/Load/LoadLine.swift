import UproarCore

/// One line of `load:`, with its name for windows and reports.
package struct LoadLine: Hashable, Sendable {
    /// Given by `name:`, else the key and its number: `ramp-1`, `hold-1`, `ramp-2`.
    package var name: String
    package var shape: LoadShape

    package init(name: String, shape: LoadShape) {
        self.name = name
        self.shape = shape
    }

    /// `hold-1: hold 200 callers for 60s`.
    package var text: String { "\(name): \(shape.key) \(shape.text)" }
}

/// The grammar of load lines.
package enum LoadText {
    static let callerRamp = "ramp: A -> B callers over 10s, or ramp: 1/s -> 10/s over 30s"
    static let hold = "hold: N callers for 60s"
    static let arrive =
        "arrive: 10/s constant|poisson|poisson-free|gamma(0.5) for 60s"
    static let steps = "steps: A -> B callers by S every 30s"
    static let spike = "spike: N callers at once"
    static let replay = "replay: calls.csv, or replay: calls.csv x2"
    /// More callers at once than this do not fit the call numbers of one run.
    package static let callerLimit = Int(TurnReference.callLimit) - 1

    /// Reads what stands after the key. `readLog` answers the offsets of a call log.
    package static func parse(
        _ text: String, key: String,
        readLog: (String) throws(TextProblem) -> [Duration]
    ) throws(TextProblem) -> LoadShape {
        var scanner = TextScanner(text)
        let shape: LoadShape
        switch key {
        case "ramp": shape = try ramp(&scanner)
        case "hold":
            let callers = try count(&scanner, hold)
            try word(&scanner, "callers", hold)
            try word(&scanner, "for", hold)
            shape = .hold(HoldShape(callers: callers, duration: try time(&scanner)))
        case "arrive": shape = try arrival(&scanner)
        case "steps": shape = try stair(&scanner)
        case "spike":
            let calls = try count(&scanner, spike)
            try word(&scanner, "callers", spike)
            try word(&scanner, "at", spike)
            try word(&scanner, "once", spike)
            shape = .spike(SpikeShape(calls: calls))
        default: shape = try replayed(&scanner, readLog)
        }
        try scanner.end(allowed: "nothing more: the line is complete")
        return shape
    }

    private static func ramp(_ scanner: inout TextScanner) throws(TextProblem) -> LoadShape {
        let start = scanner.offset
        scanner.skipSpaces()
        _ = scanner.decimal()
        let isRate = scanner.next == UInt8(ascii: "/")
        scanner.offset = start
        if isRate {
            let from = try Rate.scan(&scanner)
            try arrow(&scanner, callerRamp)
            let to = try Rate.scan(&scanner)
            guard from.count.digits > 0 || to.count.digits > 0 else {
                throw TextProblem(offset: start, reason: "both rates are 0", allowed: callerRamp)
            }
            try word(&scanner, "over", callerRamp)
            return .rateRamp(RateRampShape(from: from, to: to, over: try time(&scanner)))
        }
        let from = try count(&scanner, callerRamp, least: 0)
        try arrow(&scanner, callerRamp)
        let to = try count(&scanner, callerRamp, least: 0)
        guard from != to else {
            throw TextProblem(
                offset: start, reason: "the ramp from \(from) to \(to) goes nowhere",
                allowed: "two different numbers; \(hold) keeps a level")
        }
        try word(&scanner, "callers", callerRamp)
        try word(&scanner, "over", callerRamp)
        return .callerRamp(CallerRampShape(from: from, to: to, over: try time(&scanner)))
    }

    private static func arrival(_ scanner: inout TextScanner) throws(TextProblem) -> LoadShape {
        let rate = try Rate.scan(&scanner)
        guard rate.count.digits > 0 else {
            throw TextProblem(offset: 0, reason: "the rate is 0", allowed: arrive)
        }
        scanner.skipSpaces()
        let start = scanner.offset
        let name = scanner.word()
        let process: ArriveShape.Process
        switch name {
        case "constant": process = .constant
        case "poisson": process = .poisson
        case "poisson-free": process = .poissonFree
        case "gamma":
            guard scanner.take("("), let shape = scanner.decimal(), scanner.take(")"),
                (0.01...100).contains(shape.value)
            else {
                throw TextProblem(
                    offset: start, reason: "gamma needs its shape in brackets, 0.01 to 100",
                    allowed: arrive)
            }
            process = .gamma(shape)
        default:
            let near = ScalarText.suggestion(
                name, among: ["constant", "poisson", "poisson-free", "gamma"])
            throw TextProblem(
                offset: start, reason: "unknown arrival process \"\(name)\"\(near)", allowed: arrive
            )
        }
        try word(&scanner, "for", arrive)
        return .arrive(ArriveShape(rate: rate, process: process, duration: try time(&scanner)))
    }

    private static func stair(_ scanner: inout TextScanner) throws(TextProblem) -> LoadShape {
        let from = try count(&scanner, steps, least: 0)
        try arrow(&scanner, steps)
        let to = try count(&scanner, steps, least: 0)
        try word(&scanner, "callers", steps)
        try word(&scanner, "by", steps)
        let step = try count(&scanner, steps)
        try word(&scanner, "every", steps)
        let shape = StepsShape(from: from, to: to, step: step, every: try time(&scanner))
        guard abs(to - from) / step <= 10_000 else {
            throw TextProblem(offset: 0, reason: "more than 10000 steps", allowed: steps)
        }
        return .steps(shape)
    }

    private static func replayed(
        _ scanner: inout TextScanner, _ readLog: (String) throws(TextProblem) -> [Duration]
    ) throws(TextProblem) -> LoadShape {
        scanner.skipSpaces()
        let start = scanner.offset
        var words = scanner.rest.split(separator: " ").map(String.init)
        scanner.offset = scanner.bytes.count
        var speed = Decimal(digits: 1)
        if words.count > 1, let last = words.last, last.first == "x" {
            do { speed = try ScalarText.factor(String(last.dropFirst()) + "x") } catch {
                throw TextProblem(
                    offset: start, reason: "\"\(last)\" is no speed", allowed: replay)
            }
            words.removeLast()
        }
        let file = words.joined(separator: " ")
        guard !file.isEmpty else {
            throw TextProblem(offset: start, reason: "no file is named", allowed: replay)
        }
        do {
            return .replay(ReplayShape(file: file, offsets: try readLog(file), speed: speed))
        } catch {
            throw TextProblem(offset: start, reason: error.reason, allowed: error.allowed)
        }
    }

    private static func count(_ scanner: inout TextScanner, _ form: String, least: Int = 1)
        throws(TextProblem) -> Int
    {
        scanner.skipSpaces()
        let start = scanner.offset
        guard let number = scanner.decimal(), number.places == 0 else {
            throw scanner.problem("\(scanner.found) is no number of callers", allowed: form)
        }
        guard (least...callerLimit).contains(Int(number.digits)) else {
            throw TextProblem(
                offset: start, reason: "\(number.digits) callers",
                allowed: "\(least) to \(callerLimit) callers: \(form)")
        }
        return Int(number.digits)
    }

    private static func time(_ scanner: inout TextScanner) throws(TextProblem) -> Duration {
        scanner.skipSpaces()
        let start = scanner.offset
        let value = try DurationText.scan(&scanner)
        guard value > .zero else {
            throw TextProblem(
                offset: start, reason: "the line takes no time", allowed: DurationText.allowed)
        }
        return value
    }

    private static func arrow(_ scanner: inout TextScanner, _ form: String) throws(TextProblem) {
        scanner.skipSpaces()
        guard scanner.take("->") || scanner.take("→") else {
            throw scanner.problem("-> is due, \(scanner.found) stands", allowed: form)
        }
    }

    private static func isCallers(_ word: StaticString) -> Bool { "\(word)" == "callers" }

    private static func word(_ scanner: inout TextScanner, _ word: StaticString, _ form: String)
        throws(TextProblem)
    {
        // One caller is no callers.
        guard scanner.takeWord(word) || isCallers(word) && scanner.takeWord("caller") else {
            scanner.skipSpaces()
            throw scanner.problem("\"\(word)\" is due, \(scanner.found) stands", allowed: form)
        }
    }
}
