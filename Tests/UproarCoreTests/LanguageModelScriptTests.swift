import Testing
import UproarCore

@Suite struct LanguageModelScriptTests {
    static let script = LanguageModelScript(
        greeting: "Hello! How can I help?",
        intents: [
            .init(
                name: "add_task", patterns: [try! UtterancePattern("add {title} to my list")],
                tool: .init(name: "create_task", arguments: [.init("title", "{title}")]),
                repliesAfterTool: ["Okay, {title} is on your list.", "Done, I added {title}."]),
            .init(
                name: "thanks", patterns: [try! UtterancePattern("thank you")],
                replies: ["Sure, any time."]),
        ], fallback: ["Sorry, I did not get that."])

    @Test func callsTheToolThenReplies() {
        let said = "Add buy milk to my list."
        #expect(
            Self.script.answer(to: said, tools: ["create_task"])
                == .tool(name: "create_task", arguments: ["title": "buy milk"], intent: 0))
        #expect(
            Self.script.answer(to: said, tools: ["create_task"], afterTool: true, key: 1)
                == .reply("Done, I added buy milk.", intent: 0))
        #expect(
            Self.script.answer(to: said, tools: [])
                == .reply("Okay, buy milk is on your list.", intent: 0))
        #expect(
            Self.script.answer(to: "what?") == .reply("Sorry, I did not get that.", intent: nil))
    }

    @Test func everyReplyIsKnownAhead() {
        #expect(
            Self.script.everyReply(to: ["Add tea to my list", "thank you", "Thank you!", "eh"])
                == [
                    "Hello! How can I help?", "Sorry, I did not get that.",
                    "Okay, tea is on your list.", "Done, I added tea.", "Sure, any time.",
                ])
    }

    @Test func travelsAsJSON() throws {
        let bytes = Self.script.json.encoded()
        #expect(LanguageModelScript(json: try JSONParser.parse(bytes)) == Self.script)
        #expect(LanguageModelScript(json: ["greeting": "x"]) == nil)
    }

    @Test(arguments: [("{a} and {b}", "x and {b}"), ("{a", "{a"), ("no", "no"), ("{a}{a}", "xx")])
    func fillsOnlyWhatItKnows(_ text: String, _ filled: String) {
        #expect(LanguageModelScript.fill(text, [.init("a", "x")]) == filled)
    }
}
