import Testing

@testable import UproarCore

@Suite struct Base64Tests {
    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func theStandardsOwnVectors(plain: String, coded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == coded)
        #expect(Base64.decode(coded) == Array(plain.utf8))
        // Padding may be missing.
        #expect(Base64.decode(coded.filter { $0 != "=" }) == Array(plain.utf8))
    }

    @Test func everyByteAtEveryPlaceComesBack() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            let text = Base64.encode(bytes)
            #expect(text.utf8.count == Base64.encodedCount(count))
            #expect(Base64.decode(text) == bytes)
        }
        let all = (0...255).map { UInt8($0) }
        #expect(Base64.decode(Base64.encode(all)) == all)
    }

    /// Long runs are decoded many letters at a time: silence, sixteen of anything, and what is left, in every order.
    @Test func longTextsComeBackWhateverTheyAreMixedOf() {
        var random = Seed(7).stream("base64")
        for _ in 0..<300 {
            var bytes: [UInt8] = []
            for _ in 0..<1 + random.below(6) {
                let count = random.below(90)
                let isSilent = random.below(2) == 0
                bytes += (0..<count).map { _ in isSilent ? 0xff : UInt8(random.below(256)) }
            }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test func oneBadLetterAnywhereIsSeen() {
        let good = Array(Base64.encode([UInt8](repeating: 0xff, count: 60) + (0..<60)).utf8)
        for place in good.indices {
            for letter in "*\"\\ =~@[`{:\u{7f}".utf8 {
                var text = good
                text[place] = letter
                var output: [UInt8] = [1]
                let isPadding = letter == UInt8(ascii: "=") && place == good.count - 1
                let isRead = Base64.decode(text.span.bytes, into: &output)
                #expect(isRead == isPadding)
                if !isPadding { #expect(output == [1]) }
            }
        }
    }

    @Test func theURLSafeLettersAreReadToo() {
        #expect(Base64.decode("-_-_") == Base64.decode("+/+/"))
    }

    @Test(arguments: ["A", "AAAAA", "A*==", "AA=A", "====", "Zg===", "Zm9v!", "\u{e4}aaa"])
    func whatIsNoBase64IsRefusedAndLeavesTheOutputAlone(text: String) {
        var output: [UInt8] = [1, 2, 3]
        #expect(!Base64.decode(text.utf8Span.span.bytes, into: &output))
        #expect(output == [1, 2, 3])
    }

    @Test func whatIsAppendedStandsBehindWhatWasThere() {
        var output = Array("x".utf8)
        Base64.encode(([1, 2, 3] as [UInt8]).span.bytes, into: &output)
        Base64.encode(([4] as [UInt8]).span.bytes, into: &output)
        #expect(String(decoding: output, as: UTF8.self) == "xAQIDBA==")
        var decoded: [UInt8] = [9]
        let text = Array("AQID".utf8)
        #expect(Base64.decode(text.span.bytes, into: &decoded))
        #expect(decoded == [9, 1, 2, 3])
    }
}
