import UproarCore

/// One thing that a client asked of an emulator, as the request log has it: an HTTP request, a WebSocket from its upgrade to its
/// end, or one exchange on a WebSocket (an utterance understood, a context spoken, a response).
///
/// It holds no header, key, address or text of anybody: operation, times, counts and the reference are all there is.
package struct ProviderRequest: Hashable, Sendable {
    package enum Outcome: String, CaseIterable, Sendable {
        /// To its end.
        case answered
        /// With a status of 400 or above.
        case refused
        /// The client cancelled it or went away before the end.
        case cancelled
        /// A fault kept it from its end: cut, reset, stalled, never answered.
        case broken
        /// Still under way when the emulators ended.
        case open
    }

    package enum Kind: String, CaseIterable, Sendable {
        case request, socket, exchange
    }

    package var provider: ProviderID
    /// A name of `ProviderOperation`, or `other`.
    package var operation: String
    package var kind: Kind
    /// In the order in which the process began them, from 1.
    package var number: UInt64
    /// The whole request came; of an utterance, its last voiced sample; of speech, its first text.
    package var at: Instant
    /// The first content left: the final result of an utterance, the first token or tool call, the first audio, the first byte of
    /// any other body. Nil when none did.
    package var first: Instant?
    package var end: Instant
    /// Of the HTTP answer, 101 of a WebSocket; nil when there was none.
    package var status: Int?
    /// With which the emulator closed a WebSocket; nil when the client did.
    package var closeCode: Int?
    package var outcome = Outcome.answered
    package var call: UInt32?
    package var reference: TurnReference?
    /// References left out. A socket's own is what belongs to no exchange of it.
    package var usage = ProviderUsage()

    package init(
        _ provider: ProviderID, _ operation: String, _ kind: Kind, number: UInt64, at: Instant
    ) {
        self.provider = provider
        self.operation = operation
        self.kind = kind
        self.number = number
        self.at = at
        end = at
    }
}

// MARK: Between processes

extension ProviderRequest {
    /// As it travels from the emulators' process to the run's: times in nanoseconds of the sender's clock.
    package var message: JSONValue {
        var members: [JSONValue.Member] = [
            .init("provider", .string(provider.name)), .init("operation", .string(operation)),
            .init("kind", .string(kind.rawValue)), .init("number", .integer(Int64(number))),
            .init("at", .integer(at.nanoseconds)), .init("end", .integer(end.nanoseconds)),
            .init("outcome", .string(outcome.rawValue)),
        ]
        if let first { members.append(.init("first", .integer(first.nanoseconds))) }
        if let status { members.append(.init("status", JSONValue(status))) }
        if let closeCode { members.append(.init("close_code", JSONValue(closeCode))) }
        if let call { members.append(.init("call", .integer(Int64(call)))) }
        if let reference { members.append(.init("reference", .integer(Int64(reference.rawValue)))) }
        if usage != ProviderUsage() {
            members.append(
                .init(
                    "usage",
                    [
                        .integer(usage.audio.nanoseconds), .integer(usage.promptTokens),
                        .integer(usage.completionTokens), .integer(usage.characters),
                        .integer(usage.requests), .integer(usage.uncounted),
                    ]))
        }
        return .object(members)
    }

    /// Nil for what is no such message.
    package init?(message: JSONValue) {
        guard let provider = message["provider"]?.text.flatMap(ProviderID.init(name:)),
            let operation = message["operation"]?.text,
            let kind = message["kind"]?.text.flatMap(Kind.init(rawValue:)),
            let number = message["number"]?.int, number >= 0, let at = message["at"]?.int,
            let end = message["end"]?.int,
            let outcome = message["outcome"]?.text.flatMap(Outcome.init(rawValue:))
        else { return nil }
        self.init(
            provider, operation, kind, number: UInt64(number),
            at: Instant(nanoseconds: Int64(at)))
        self.end = Instant(nanoseconds: Int64(end))
        self.outcome = outcome
        first = message["first"]?.int.map { Instant(nanoseconds: Int64($0)) }
        status = message["status"]?.int
        closeCode = message["close_code"]?.int
        call = message["call"]?.int.flatMap { UInt32(exactly: $0) }
        reference = message["reference"]?.int.flatMap { UInt32(exactly: $0) }.map {
            TurnReference(rawValue: $0)
        }
        if let counts = message["usage"]?.items?.compactMap(\.int), counts.count == 6 {
            usage.audio = .nanoseconds(Int64(counts[0]))
            usage.promptTokens = Int64(counts[1])
            usage.completionTokens = Int64(counts[2])
            usage.characters = Int64(counts[3])
            usage.requests = Int64(counts[4])
            usage.uncounted = Int64(counts[5])
        }
    }
}

// MARK: In files

extension ProviderRequest {
    /// A line of `requests.jsonl` and of `/uproar/requests`. Times are milliseconds since `origin`.
    ///
    /// - words: a reference as the conversation has it; - prices: nil where nobody knows them.
    package func line(since origin: Instant, words: (TurnReference) -> String, prices: PriceBook?)
        -> JSONValue
    {
        func time(_ instant: Instant) -> JSONValue { .number((instant - origin).inMilliseconds) }
        var members: [JSONValue.Member] = [
            .init("number", .integer(Int64(number))), .init("provider", .string(provider.name)),
            .init("operation", .string(operation)), .init("kind", .string(kind.rawValue)),
            .init("at_ms", time(at)),
        ]
        if let first { members.append(.init("first_ms", time(first))) }
        members.append(.init("end_ms", time(end)))
        if let status { members.append(.init("status", JSONValue(status))) }
        if let closeCode { members.append(.init("close_code", JSONValue(closeCode))) }
        members.append(.init("outcome", .string(outcome.rawValue)))
        if let call = reference?.call ?? call {
            members.append(.init("call", .integer(Int64(call))))
        }
        if let reference {
            members.append(.init("utterance", .integer(Int64(reference.utterance))))
            if reference.reply > 0 {
                members.append(.init("reply", .integer(Int64(reference.reply))))
            }
            members.append(.init("reference", .string(words(reference))))
        }
        var used: [JSONValue.Member] = []
        if usage.audio > .zero {
            used.append(.init("audio_ms", .number(usage.audio.inMilliseconds)))
        }
        for (name, count) in [
            ("prompt_tokens", usage.promptTokens), ("completion_tokens", usage.completionTokens),
            ("characters", usage.characters), ("uncounted", usage.uncounted),
        ] where count > 0 {
            used.append(.init(name, .integer(count)))
        }
        if !used.isEmpty {
            members.append(.init("usage", .object(used)))
            if let cost = prices?.cost(of: usage, provider: provider) {
                members.append(.init("cost_dollars", .number(cost)))
            }
        }
        return .object(members)
    }
}
