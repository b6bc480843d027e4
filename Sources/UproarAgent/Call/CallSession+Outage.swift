import UproarCore
import UproarRuntime

/// The end of a call: what it has cost, and what is done when it could not be served.
extension CallSession {
    /// What the providers of this call have cost, at the end of it.
    func settleCost() {
        if let chain = worker.chains.recognisers, let feed {
            for (place, bytes) in feed.heardBytes.enumerated() where bytes > 0 {
                cost.heard(
                    hearingFormat.duration(bytes: bytes), by: chain[place].provider,
                    model: worker.model(of: chain[place].provider))
            }
        }
        if let chain = worker.chains.voices, let voice {
            for (place, bytes) in voice.spokenBytes.enumerated() where bytes > 0 {
                let provider = chain[place].client.provider
                cost.spoke(
                    speakingFormat.duration(bytes: bytes),
                    characters: voice.spokenCharacters[place],
                    by: provider, model: worker.model(of: provider))
            }
        }
        for (provider, dollars) in cost.dollars(at: worker.parts.prices) {
            metrics.count(.providerCost, [provider.name], by: dollars)
        }
        metrics.observe(
            .costPerCall, [introduction.channel], cost.total(at: worker.parts.prices))
    }

    // MARK: When nothing works

    /// The caller cannot be served by voice any more: he is told by other means, and the call ends.
    func giveUp(_ text: String) {
        guard !isOver, !isLost, let channel else { return }
        isLost = true
        worker.parts.log.say(.error, "voice has failed entirely", call: introduction)
        worker.outage.tell(introduction, over: channel, text: text, unixTime: worker.unixTime)
        // A browser's caller goes on in text.
        guard settings.degrades, introduction.channel == "phone" else { return }
        if let goodbye = worker.phrases.audio(of: settings.outagePhrase, in: format) {
            fill(goodbye)
        }
        let end = max(loop.now, busyUntil) + .milliseconds(300)
        loop.schedule(at: end) { [self] in
            guard !isOver else { return }
            self.channel?.hangUp()
            self.channel?.flush()
        }
    }

    func turnFailed(_ text: String = "") {
        failedTurns += 1
        if failedTurns >= max(1, settings.outageAfter) { giveUp(text) }
    }
}
