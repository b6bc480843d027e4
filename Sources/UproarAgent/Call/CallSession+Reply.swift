import UproarCore
import UproarRuntime

/// What replies ask of their call.
extension CallSession: ReplyHost {
    var phrases: PhraseBook { worker.phrases }

    /// Replies wait for the end of an announcement: it may not be cut, and what lies behind it at the far end could not be taken
    /// back without it when the caller goes on.
    var maySpeak: Bool { loop.now >= announcedUntil }

    func question(
        _ messages: [ChatMessage], since: Instant, handler: any ModelQuestionHandler
    ) -> ModelQuestion? {
        guard let chain = worker.chains.models else { return nil }
        return ModelQuestion(
            chain, messages, tools: settings.offersTools ? TaskTools.declarations : [],
            deadlines: .init(
                connect: settings.connectDeadline, firstContent: settings.firstTokenDeadline,
                stall: settings.stallDeadline, patience: settings.answerPatience), since: since,
            loop: loop, metrics: metrics, random: worker.drawStream(), handler: handler)
    }

    func messages(about words: String?) -> [ChatMessage] {
        var messages = conversation.request(about: words)
        // The picture goes with the caller's latest words, and never into the history.
        if let screen, case .caller(let text)? = messages.last,
            isScreenNew || ScreenWords.refer(text)
        {
            messages[messages.count - 1] = .callerShowing(text, screen)
        }
        return messages
    }

    func onlyLooks(_ calls: [ToolCall]) -> Bool {
        calls.allSatisfy { TaskTools.onlyLooks($0.name) }
    }

    func run(_ calls: [ToolCall], then: @escaping ([ChatMessage]) -> Void) {
        var results = [String?](repeating: nil, count: calls.count)
        let began = loop.now
        for (index, call) in calls.enumerated() {
            tools.run(call, now: worker.unixMilliseconds) { [self, metrics, loop] result in
                guard results[index] == nil else { return }
                let hasFailed = result.hasPrefix(#"{"error""#)
                metrics.toolCalled(
                    server: ToolServer.name, call.name, hasFailed ? "error" : "success",
                    after: loop.now - began)
                func goOn() {
                    results[index] = result
                    let known = results.compactMap(\.self)
                    guard known.count == calls.count else { return }
                    then(zip(calls, known).map { .toolResult(id: $0.id, content: $1) })
                    channel?.flush()
                }
                let waits = settings.workflowWaits
                if !hasFailed { report(call, done: waits ? goOn : nil) }
                // The conversation never waits for a workflow, unless it is told to.
                if hasFailed || !waits || worker.workflows == nil { goOn() }
            }
        }
    }

    /// What a tool has changed is told to the systems that live on it.
    private func report(_ call: ToolCall, done: (() -> Void)?) {
        guard !TaskTools.onlyLooks(call.name) else { return done?() ?? () }
        worker.workflows?.emit(
            call.name == "create_task" ? .calendar : .crm, call.name,
            session: introduction.session,
            [
                "user_id": .string(introduction.person),
                "arguments": (try? JSONParser.parse(call.arguments)) ?? .null,
            ], unixTime: worker.unixTime, done: done)
    }

    var historyEnd: Int { conversation.end }

    func keepLate(_ calls: [ToolCall], _ results: [ChatMessage], at place: Int) {
        guard settings.keepsLateResults else { return }
        conversation.calledTools(calls, results: results, at: place)
    }

    func keep(_ calls: [ToolCall], _ results: [ChatMessage]) {
        conversation.calledTools(calls, results: results)
    }

    func used(_ usage: LanguageModelUsage, of model: String) {
        guard let chain = worker.chains.models,
            let member = chain.members.first(where: { $0.port.model == model })
        else { return }
        cost.thought(usage, by: member.port.client.provider, model: model)
    }

    func answered(after time: Duration) {
        metrics.observe(.voiceLatency, [introduction.channel], time.inSeconds)
    }

    func play(_ audio: RawSpan, of reply: Reply) {
        guard !isOver, let channel else { return }
        toldOfResumption()
        let now = loop.now
        let markEvery = settings.markEvery.nanoseconds
        if let waited = silence?.broken(at: now) {
            metrics.observe(.silence, [], waited.inSeconds)
        }
        send(audio, to: channel) { count in
            reply.spoken.sentAudio(
                nanoseconds: format.duration(bytes: count).nanoseconds, at: now,
                busyUntil: busyUntil)
            if reply.spoken.unmarked >= markEvery { channel.mark(reply.spoken.addMark()) }
        }
        busyUntil = reply.spoken.playedAt
        // What follows is still owed: a tool, or the rest of an answer that stalls.
        silence?.owed(at: busyUntil)
        if reply.isAnswering { failedTurns = 0 }
        machine.speakingBegan(reply: reply.number)
    }

    func completed(_ reply: Reply) {
        guard !isOver, let channel, reply === self.reply else { return }
        silence?.settled()
        reply.spoken.complete()
        // Nobody could say it.
        if isLost, settings.degrades, reply.spoken.sent == 0, !reply.spoken.text.isEmpty {
            channel.show(reply.spoken.text)
        }
        if reply.spoken.unmarked > 0 { channel.mark(reply.spoken.addMark()) }
        if reply.spoken.sent == 0 { finish(reply) }
    }

    func thoughtless(_ reply: Reply) {
        metrics.count(.errors, ["unanswered", "llm"])
        reply.end(saying: settings.apology)
        channel?.flush()
        turnFailed()
    }

    func speechless(_ reply: Reply, text: String) {
        metrics.count(.errors, ["speechless", "tts"])
        // Without a voice there is nothing to wait for.
        let isShown = introduction.channel != "phone"
        giveUp(isShown ? "" : text)
        if isShown { reply.drain() }
    }
}
