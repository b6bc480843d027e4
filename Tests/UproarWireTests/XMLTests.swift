import Testing

@testable import UproarWire

@Suite struct XMLTests {
    @Test func readsTwiML() throws {
        let document = try XMLReader.read(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <!-- answer -->
            <Response><Connect><Stream url='wss://agent.example.test/ws?a=1&amp;b=2'>
              <Parameter name="from_number" value="+15550001111"/>
              <Parameter name="quote" value="&quot;&#x1F3A7;&#228;&apos;"></Parameter>
            </Stream></Connect></Response>

            """)
        let stream = document.first("Stream")
        #expect(document.name == "Response")
        #expect(stream?["url"] == "wss://agent.example.test/ws?a=1&b=2")
        #expect(stream?.children("Parameter").map { $0["value"] } == ["+15550001111", "\"🎧ä'"])
        #expect(document.child("Connect")?.child("Stream") == stream)
        #expect(document.first("Dial") == nil)
    }

    @Test func readsTextOfEveryKind() throws {
        let element = try XMLReader.read(
            "\u{feff}<a>1 &lt; 2<!-- no -->, <![CDATA[<b>&]]><b/>!<?x y?></a > <!-- end -->")
        #expect(element.text == "1 < 2, <b>&!")
        #expect(element.children == [XMLElement("b")])
        #expect(try XMLReader.read("<a x=\"1\n2\"/>")["x"] == "1 2")
    }

    @Test(arguments: [
        "", "text", "<a>", "<a", "<a></b>", "<a/><b/>", "<a/>x", "<a b/>", "<a b=c/>", "<a b=\"c/>",
        "<a b=\"<\"/>", "<a b=\"1\"c=\"2\"/>", "<a b=\"1\" b=\"2\"/>", "<a>&nbsp;</a>", "<a>&</a>",
        "<a>&#0;</a>",
        "<a>&#xd800;</a>", "<a>&#+65;</a>", "<a>&#;</a>", "<1/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a><!-- </a>", "<a><![CDATA[</a>", "<?xml", "<a>&#1114112;</a>",
    ])
    func refuses(text: String) {
        #expect(throws: XMLError.self) { try XMLReader.read(text) }
    }

    @Test func refusesWhatIsNestedTooDeeply() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(throws: Never.self) { try XMLReader.read(nested(64)) }
        #expect(throws: XMLError.self) { try XMLReader.read(nested(65)) }
        #expect(throws: XMLError.self) { try XMLReader.read(nested(100_000)) }
        #expect(throws: XMLError.self) { try XMLReader.read([0x3c, 0x61, 0x3e, 0xff]) }
    }

    @Test func readsWhatItWrites() throws {
        let element = XMLElement(
            "Error", ["a": "\"<&>\n\t'", "b": ""], text: "x < y & \"z\"",
            children: [XMLElement("Code", text: "SlowDown"), XMLElement("Empty")])
        #expect(try XMLReader.read(element.document) == element)
        #expect(
            XMLElement("Say", text: "a\u{0}b\nc").document
                == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Say>a\u{fffd}b&#10;c</Say>")
    }
}
