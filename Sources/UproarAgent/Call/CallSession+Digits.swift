import UproarCore
import UproarRuntime

/// What single digits do: `0` passes the caller on to a person, `*` says the last answer again. All others are the caller's words.
extension CallSession {
    /// However long the goodbye is not heard to its end.
    private static let handOffLimit = Duration.seconds(10)

    func repeatAnswer() {
        for case .agent(let text) in conversation.messages.reversed() {
            return say(text)
        }
        say(settings.greeting)
    }

    /// The person who takes over finds what was said at `voice:handoff:{session}` for 300 s, and is paged. When
    /// the stream has ended Twilio asks `/voice/after`, which dials the number for hand-offs.
    func handOff() {
        guard !isHandingOff, !isLost else { return }
        isHandingOff = true
        metrics.count(.handOffs, [introduction.channel])
        worker.parts.log.say(.info, "the caller is passed on to a person", call: introduction)
        worker.sessions.keepHandOff(record)
        worker.noteHandOff(introduction.call)
        worker.outage.handOff(introduction, unixTime: worker.unixTime)
        say(settings.handOffPhrase)
        loop.schedule(at: loop.now + Self.handOffLimit) { [self] in
            guard !isOver else { return }
            channel?.hangUp()
            channel?.flush()
        }
    }

    /// Says a fixed phrase in place of whatever is being said.
    private func say(_ phrase: String) {
        if let reply {
            channel?.clear()
            keepHeard(of: reply)
            reply.cancel()
            busyUntil = loop.now
        }
        machine.silenced()
        silence?.settled()
        let phraseReply = Reply(number: 0, to: "", host: self, isConfirmed: true)
        reply = phraseReply
        machine.greetingBegan()
        phraseReply.say(phrase)
        channel?.flush()
    }
}
