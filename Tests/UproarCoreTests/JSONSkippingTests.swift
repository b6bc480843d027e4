import Testing
import UproarCore

@Suite struct JSONSkippingTests {
    private let text = """
        {"type":"Results","words":[{"word":"a \\"b\\" \u{e4}","n":[1,-2.5e3,true,null]},[]],"deep":{"words":{},"kept":1},
         "model":"x","wordsy":2}
        """

    @Test func membersThatNobodyAsksForAreLeftOut() throws {
        let json = try JSONParser.parse(text, without: ["words", "model"])
        #expect(json == ["type": "Results", "deep": ["kept": 1], "wordsy": 2])
    }

    @Test func nothingIsLeftOutUnasked() throws {
        let all = try JSONParser.parse(text)
        #expect(try JSONParser.parse(text, without: ["nobody"]) == all)
        #expect(all["words"]?[0]?["word"]?.text == "a \"b\" \u{e4}")
    }

    /// What is skipped is held to the same rules: cut anywhere, or with one byte wrong, it is no JSON either.
    @Test func whatIsSkippedIsCheckedAllTheSame() {
        let bytes = Array(text.utf8)
        func isJSON(_ bytes: [UInt8], _ skipped: [StaticString]) -> Bool {
            (try? JSONParser.parse(bytes, without: skipped)) != nil
        }
        for end in 0..<bytes.count {
            #expect(!isJSON(Array(bytes[..<end]), ["words", "deep", "model"]))
        }
        for place in bytes.indices {
            for byte in Array("{}[]:,\"x1\u{1}".utf8) + [0xff] {
                var broken = bytes
                broken[place] = byte
                #expect(isJSON(broken, ["words", "model"]) == isJSON(broken, []))
                // A check says of all of it what parsing says.
                #expect(((try? JSONParser.check(broken)) != nil) == isJSON(broken, []))
            }
        }
    }
}
