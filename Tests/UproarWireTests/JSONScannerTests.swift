import Testing
import UproarCore

@testable import UproarWire

@Suite struct JSONScannerTests {
    static let media = Array(
        #"{"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"2","timestamp":"20","payload":"AAEC/w=="},"streamSid":"MZ1"}"#
            .utf8)

    func text(_ bytes: [UInt8], _ found: JSONScanner.Text?) -> String? {
        found.map { String(decoding: bytes[$0.range], as: UTF8.self) }
    }

    func string(
        _ bytes: [UInt8], _ key: StaticString, _ inner: StaticString? = nil
    ) -> JSONScanner.Text? {
        guard let inner else { return JSONScanner.string(bytes.span.bytes, at: key) }
        return JSONScanner.string(bytes.span.bytes, at: key, inner)
    }

    func integer(_ bytes: [UInt8], _ key: StaticString, _ inner: StaticString? = nil) -> Int? {
        guard let inner else { return JSONScanner.integer(bytes.span.bytes, at: key) }
        return JSONScanner.integer(bytes.span.bytes, at: key, inner)
    }

    func holds(_ bytes: [UInt8], _ key: StaticString, _ value: StaticString) -> Bool {
        JSONScanner.holds(bytes.span.bytes, at: key, value)
    }

    func unescaped(_ bytes: [UInt8], _ found: JSONScanner.Text?) -> String? {
        found.flatMap { JSONScanner.unescaped(bytes.span.bytes, $0) }
    }

    @Test func findsTheFieldsOfAMediaMessage() {
        let bytes = Self.media
        #expect(text(bytes, string(bytes, "event")) == "media")
        #expect(text(bytes, string(bytes, "media", "payload")) == "AAEC/w==")
        #expect(text(bytes, string(bytes, "streamSid")) == "MZ1")
        #expect(holds(bytes, "event", "media"))
        #expect(!holds(bytes, "event", "medi"))
        #expect(!holds(bytes, "event", "mediaa"))
        #expect(integer(bytes, "sequenceNumber") == 4)
        #expect(integer(bytes, "media", "timestamp") == 20)
        #expect(string(bytes, "payload") == nil)
        #expect(string(bytes, "media") == nil)
        #expect(string(bytes, "event", "payload") == nil)
    }

    @Test func doesNotCareForBlanksAndOrder() {
        let bytes = Array(
            " {\n \"a\" : [1, {\"payload\":\"no\"}, \"}\\\"]\"], \"n\": null,\t\"x\":-1.5e3, \"o\":{}, \"media\" : { \"deep\":{\"payload\":\"no\"}, \"payload\" :\r\n \"yes\" } , \"event\":\"e\"}"
                .utf8)
        #expect(text(bytes, string(bytes, "media", "payload")) == "yes")
        #expect(text(bytes, string(bytes, "event")) == "e")
        #expect(integer(bytes, "x") == nil)
    }

    @Test func leavesEscapesToTheParser() {
        let bytes = Array(#"{"event":"me\u0064ia","mark":{"name":"a\"b\\"},"x":1}"#.utf8)
        let name = string(bytes, "mark", "name")
        #expect(name?.hasEscapes == true)
        #expect(unescaped(bytes, name) == "a\"b\\")
        #expect(
            unescaped(bytes, string(bytes, "event"))
                == "media")
        #expect(!holds(bytes, "event", "media"))
        #expect(integer(bytes, "x") == 1)
        let bad = Array(#"{"a":"\q"}"#.utf8)
        let found = string(bad, "a")
        #expect(unescaped(bad, found) == nil)
    }

    @Test(arguments: [
        ("{\"n\":7}", 7), ("{\"n\":\"-7\"}", -7), ("{\"n\": 0 }", 0),
        ("{\"n\":1.5}", nil), ("{\"n\":1e5}", nil), ("{\"n\":\"7x\"}", nil), ("{\"n\":\"\"}", nil),
        ("{\"n\":99999999999999999999}", nil), ("{\"n\":-}", nil), ("{\"n\":true}", nil),
    ])
    func readsWholeNumbers(json: String, expected: Int?) {
        #expect(integer(Array(json.utf8), "n") == expected)
    }

    @Test func givesUpOnWhatIsCutOff() {
        for count in 0..<Self.media.count {
            let bytes = Array(Self.media[..<count])
            let payload = text(bytes, string(bytes, "media", "payload"))
            #expect(payload == nil || payload == "AAEC/w==")
            #expect(string(bytes, "none") == nil)
        }
        for odd in ["", "[]", "{", "{,}", "{\"a\"}", "{\"a\":}", "{]}", "\"", "{\"b\":]}", "{\"\\"]
        {
            #expect(string(Array(odd.utf8), "a") == nil)
        }
    }

    /// The scanner finds what the parser finds, in random documents of the parser's own writing.
    @Test func agreesWithTheParser() {
        var random = Seed(3).stream("json")
        func value(_ depth: Int) -> JSONValue {
            switch random.below(depth > 2 ? 4 : 6) {
            case 0: .null
            case 1: .integer(Int64(random.below(1000)) - 500)
            case 2: .string(["", "a\"b", "}", "x\\", "[{"][random.below(5)])
            case 3: .bool(true)
            case 4: .array((0..<random.below(4)).map { _ in value(depth + 1) })
            default:
                .object(
                    (0..<random.below(4)).map { .init(["a", "b", "c", "d"][$0], value(depth + 1)) })
            }
        }
        for _ in 0..<2000 {
            let document = value(0)
            let bytes = document.encoded(pretty: random.chance(1, 2))
            let found = unescaped(bytes, string(bytes, "b"))
            #expect(found == document["b"]?.text)
            let inner = unescaped(bytes, string(bytes, "a", "c"))
            #expect(inner == document["a"]?["c"]?.text)
            if case .integer(let number)? = document["c"] {
                #expect(integer(bytes, "c") == Int(number))
            }
        }
    }
}
