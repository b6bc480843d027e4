import UproarCore

/// Spans of an OpenTelemetry export (OTLP as JSON; opentelemetry-proto, `trace/v1`), as Pipecat, LiveKit Agents, the conventions for
/// generative AI, and `uproar run --otlp` write them.
enum TraceFile {
    /// Attributes that hold the time to the first content in seconds: Pipecat's, LiveKit's, and the semantic conventions'.
    static let firstContent = [
        "metrics.ttfb", "lk.response.ttft", "lk.response.ttfb",
        "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token",
    ]
    /// Attributes that name the provider, the surest first.
    private static let providerNames = [
        "uproar.provider", "gen_ai.provider.name", "gen_ai.system", "server.address",
        "net.peer.name", "peer.service", "lk.tts.label", "lk.stt.label", "lk.llm.label",
        "url.full", "http.url",
    ]
    /// Spans of ours whose whole length is the time to the first content.
    private static let ownStages: [(String, ProviderRole)] = [
        ("stt", .speechToText), ("llm_first_token", .languageModel),
        ("tts_first_byte", .textToSpeech),
    ]

    static func take(_ json: JSONValue, into ledger: inout LatencyLedger) {
        for resource in json["resourceSpans"]?.items ?? [] {
            let scopes = (resource["scopeSpans"] ?? resource["instrumentationLibrarySpans"])?.items
            for scope in scopes ?? [] {
                for span in scope["spans"]?.items ?? [] { take(span: span, into: &ledger) }
            }
        }
    }

    private static func take(span: JSONValue, into ledger: inout LatencyLedger) {
        let name = (span["name"]?.text ?? "").lowercased()
        var attributes: [String: JSONValue] = [:]
        for attribute in span["attributes"]?.items ?? [] {
            if let key = attribute["key"]?.text, let value = attribute["value"] {
                attributes[key] = value
            }
        }
        let word =
            providerNames.lazy.compactMap { attributes[$0]?["stringValue"]?.text }
            .first { LatencyLedger.provider($0) != nil } ?? name
        // Spans of the agent itself are no provider's.
        guard LatencyLedger.provider(word) != nil else { return }
        let stage = ownStages.first { $0.0 == name }
        let role = stage?.1 ?? self.role(of: name, attributes)
        guard span["status"]?["code"]?.int != 2,
            span["status"]?["code"]?.text != "STATUS_CODE_ERROR"
        else { return ledger.leave("spans that failed") }
        let seconds =
            firstContent.lazy.compactMap { attributes[$0].flatMap(number) }.first
            ?? (stage != nil || role == nil && isService(word) ? length(of: span) : nil)
        guard let seconds else {
            return ledger.leave(
                "spans without a time to the first content (\(firstContent.joined(separator: ", ")))"
            )
        }
        guard seconds < 3600 else { return ledger.leave("times above an hour") }
        if let key = ledger.key(provider: word, operation: nil, role: role) {
            ledger.add(.nanoseconds(Int64(seconds * 1e9)), key)
        }
    }

    /// Its answer comes whole: the span's length is the time to it.
    private static func isService(_ word: String) -> Bool {
        switch LatencyLedger.provider(word)?.role {
        case .objectStore, .webhook: true
        default: false
        }
    }

    private static func role(of name: String, _ attributes: [String: JSONValue]) -> ProviderRole? {
        let operation = attributes["gen_ai.operation.name"]?["stringValue"]?.text ?? ""
        let words = name + " " + operation.lowercased()
        if words.contains("tts") || words.contains("speech") { return .textToSpeech }
        if words.contains("stt") || words.contains("transcri") { return .speechToText }
        if ["llm", "chat", "completion", "message"].contains(where: words.contains) {
            return .languageModel
        }
        return nil
    }

    private static func number(_ value: JSONValue) -> Double? {
        value["doubleValue"]?.double ?? value["intValue"]?.double
            ?? (value["intValue"]?.text ?? value["stringValue"]?.text).flatMap { Double($0) }
    }

    private static func length(of span: JSONValue) -> Double? {
        func time(_ key: String) -> Double? {
            span[key]?.double ?? span[key]?.text.flatMap { Double($0) }
        }
        // Nanoseconds since 1970 as text; their difference as integers keeps all digits.
        if let start = span["startTimeUnixNano"]?.text.flatMap({ Int64($0) }),
            let end = span["endTimeUnixNano"]?.text.flatMap({ Int64($0) })
        {
            return Double(end - start) / 1e9
        }
        guard let start = time("startTimeUnixNano"), let end = time("endTimeUnixNano") else {
            return nil
        }
        return (end - start) / 1e9
    }
}
