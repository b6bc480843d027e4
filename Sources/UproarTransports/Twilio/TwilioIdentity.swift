import UproarCore

/// The names Twilio gives a call: two letters and 32 hex digits each. Ours are drawn from the run's seed.
package struct TwilioIdentity: Hashable, Sendable {
    package var account: String
    package var call: String
    package var stream: String

    package init(seed: Seed, call number: UInt32) {
        account = Self.sid("AC", seed.stream("twilio-account"))
        call = Self.sid("CA", seed.stream("twilio-call", UInt64(number)))
        stream = Self.sid("MZ", seed.stream("twilio-stream", UInt64(number)))
    }

    private static func sid(_ kind: String, _ random: RandomStream) -> String {
        var random = random
        let digits = Array("0123456789abcdef".utf8)
        var text = Array(kind.utf8)
        for _ in 0..<2 {
            let word = random.next()
            for shift in stride(from: 60, through: 0, by: -4) {
                text.append(digits[Int(word >> UInt64(shift) & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
