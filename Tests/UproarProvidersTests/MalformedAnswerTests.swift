import Testing
import UproarCore
import UproarFaults
import UproarProviders
import UproarRuntime

/// Rubbish from a provider ends the attempt, at once and with its reason, at every client of ours.
@Suite("Malformed answers")
struct MalformedAnswerTests {
    /// What each kind is to each client. JSON alone has no base64 in it, and what has no field of its own name is no field that is missed.
    static let cases: [(ClientTrial, String)] = ClientTrial.allCases.flatMap { client in
        ["bad_json", "split_utf8", "bad_framing", "missing_field", "oversized", "bad_base64"]
            .filter { kind in
                kind != "bad_base64" || client == .cartesia || client == .elevenlabs
            }.map { (client, $0) }
    }

    @Test(
        "The attempt fails at the first broken piece, and nothing of it is handed on",
        arguments: cases)
    func fails(_ client: ClientTrial, _ kind: String) throws {
        let sound = try client.ask(nil)
        #expect(sound.isFinished && sound.failure == nil && !sound.content.isEmpty)
        let first = try #require(sound.times.first) - sound.asked
        let broken = try client.ask("malformed", [("kind", .text(kind))])
        #expect(broken.content.isEmpty, "\(String(decoding: broken.content, as: UTF8.self))")
        #expect(!broken.isFinished)
        #expect(broken.effects > 0)
        if client == .openai, kind == "missing_field" {
            // Every chunk is sound and says nothing: that is known at the end.
            #expect(broken.failure == .empty)
            return
        }
        #expect(broken.isMalformed, "\(String(describing: broken.failure))")
        // Where events run into one another the first of them is over when the answer is.
        guard kind != "bad_framing" || client != .openai else { return }
        #expect(try #require(broken.failed) - broken.asked <= first + .milliseconds(50))
    }

    @Test(
        "A kind that finds nothing to break leaves the answer as it is, and has met nothing",
        arguments: [ClientTrial.deepgram, .assemblyai, .whisper, .openai])
    func nothingToBreak(_ client: ClientTrial) throws {
        let sound = try client.ask(nil)
        let outcome = try client.ask("malformed", [("kind", .text("bad_base64"))])
        #expect(outcome.content == sound.content && outcome.isFinished)
        #expect(outcome.effects == 0)
    }
}
