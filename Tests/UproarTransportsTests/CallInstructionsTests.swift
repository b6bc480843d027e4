import Testing
import UproarCore
import UproarRuntime
import UproarWire

@testable import UproarTransports

@Suite struct CallInstructionsTests {
    private func read(_ text: String) throws(CallInstructions.Problem) -> CallInstructions {
        try CallInstructions(Array(text.utf8))
    }

    @Test func theStreamWithItsParametersIsFound() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <!-- who calls? -->
            <Response>
              <Say voice="alice">One &amp; two</Say><Pause length="1"/>
              <Start><Stream url="wss://fork.test/"/></Start>
              <Connect>
                <Stream url=" wss://agent.example.test/ws " name='x'>
                  <Parameter name="from" value="+15550001111"/>
                  <Parameter name="note" value="&quot;a&#x20AC;&#33;&apos; &lt;b&gt;"></Parameter>
                  <Parameter value="nameless"/>
                </Stream>
              </Connect>
              <Hangup/>
            </Response>
            """
        let expected = CallInstructions.stream(
            url: try WireURL("wss://agent.example.test/ws"),
            parameters: [
                HTTPField("from", "+15550001111"), HTTPField("note", "\"a€!' <b>"),
            ])
        #expect(try read(text) == expected)
        // Byte order marks and CDATA are what some libraries write.
        #expect(try read("\u{feff}" + text) == expected)
        #expect(
            try read("<Response><Redirect><![CDATA[/next?a=1&b=2]]></Redirect></Response>")
                == .redirect("/next?a=1&b=2"))
    }

    @Test(arguments: [
        ("", "an element is missing"), ("hello", "an element is missing"),
        ("<html></html>", "its root is <html>"), ("<Response/>", "no <Connect><Stream>"),
        ("<Response><Say>Hi</Say></Response>", "no <Connect><Stream>"),
        ("<Response><Reject/></Response>", "ends the call with <Reject>"),
        ("<Response><Dial>+1</Dial></Response>", "asks for <Dial>"),
        ("<Response><Connect><Room>x</Room></Connect></Response>", "holds <Room>"),
        ("<Response><Connect/></Response>", "holds nothing"),
        ("<Response><Connect><Stream/></Connect></Response>", "no ws:// or wss:// url"),
        (
            "<Response><Connect><Stream url=\"https://x\"/></Connect></Response>",
            "no ws:// or wss:// url: \"https://x\""
        ),
        ("<Response><Connect></Response>", "ends under another name"),
        ("<Response>&nbsp;</Response>", "unknown entity &nbsp;"),
        ("<Response a=b/>", "without quotes"), ("<!DOCTYPE x><Response/>", "a document type"),
        ("<Response/><Response/>", "something after the root"),
        (String(repeating: "<a>", count: 40), "too many elements"),
    ])
    func whatLeadsNowhereSaysWhy(_ text: String, _ reason: String) {
        let error = #expect(throws: CallInstructions.Problem.self) { try read(text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test func everyPrefixOfADocumentIsRefused() {
        let text =
            "<Response><Connect><Stream url=\"ws://a/\"><Parameter name='b' value='&#99;'/>"
            + "</Stream><!-- c --></Connect></Response>"
        for count in 0..<text.utf8.count {
            #expect(throws: CallInstructions.Problem.self) {
                try CallInstructions(Array(text.utf8.prefix(count)))
            }
        }
    }
}
