import UproarCore

/// The scenario with every default filled in: `result.json` holds it as `scenario.resolved`, and the hash is made of it.
extension Scenario {
    /// `seed` is the one the run used. Always the same members in the same order.
    package func resolved(seed: UInt64?) -> JSONValue {
        // Only where they are set, so that scenarios without them keep their hash.
        var members = members(seed: seed)
        if let callLength {
            members.append(.init("call_length", .string(DistributionText.exact(callLength))))
        }
        if let resumption { members.append(.init("resumption", .string(resumption))) }
        if let callers { members.append(.init("callers", callers.json)) }
        if let alerts {
            members.append(.init("alerts", .array(alerts.map { .string($0.text) })))
        }
        if let safety = safety.json { members.append(.init("safety", safety)) }
        if !breakers.isEmpty {
            members.append(
                .init("breakers", .object(breakers.map { .init($0.role.rawValue, $0.json) })))
        }
        return .object(members)
    }

    private func members(seed: UInt64?) -> [JSONValue.Member] {
        [
            .init("name", .string(name)), .init("summary", .string(summary)),
            // Seeds use all 64 bits, which JSON numbers of other readers do not keep.
            .init("seed", seed.map { .string(String($0)) } ?? .null),
            .init("target", targetJSON), .init("transport", .string(transport)),
            .init(
                "channels",
                .object(channels.map { .init($0.channel.rawValue, .string($0.share.text)) })),
            .init("conversation", conversation.json), .init("audio", audio.json),
            .init("load", .array(load.map(\.json))), .init("patience", Self.json(patience)),
            .init("redial", Self.json(redial)),
            .init("on_drop", .array(onDrop.map(Self.json))),
            .init("call_setup_limit", Self.json(callSetupLimit)), .init("drain", Self.json(drain)),
            .init("providers", providers.json), .init("agent", agent.json),
            .init("prices", .string(prices.name)), .init("tagging", .bool(isTagging)),
            .init("recording", .bool(isRecording)),
            .init("links", .string(links == .all ? "all" : "as_needed")),
            .init("timeline", .array(timeline.map(\.json))),
            .init("gates", .array(gates.map { .string($0.text) })),
        ]
    }

    private var targetJSON: JSONValue {
        var members = target.json.members ?? []
        if let streamURL { members.append(.init("stream_url", .string(streamURL))) }
        if let browserURL { members.append(.init("browser_url", .string(browserURL))) }
        if let agentCores {
            let text = NumberText.fixed(agentCores.value, agentCores.places)
            members.append(.init("cpu", .string(text)))
        }
        return .object(members)
    }

    /// What two runs must share to be compared: the resolved scenario without seed and ports, and the annotations of the
    /// audio. The run's digest of it (SHA-256) is the scenario's hash.
    package var canonicalBytes: [UInt8] {
        var copy = self
        switch target {
        case .embedded: break
        case .url(let url): copy.target = .url(Self.withoutPort(url))
        case .command(var command):
            // Where the program lies is no part of what it is.
            command.directory = command.directory.map { _ in "" }
            if let url = try? TargetTemplate(Self.withoutPort(command.url.source)) {
                command.url = url
            }
            copy.target = .command(command)
        }
        copy.streamURL = copy.streamURL.map(Self.withoutPort)
        copy.browserURL = copy.browserURL.map(Self.withoutPort)
        // Ports apart, only whether the run hears its target's providers is part of what it is.
        switch (providers.place, target) {
        case (.own, _): break
        case (.listen, .url): copy.providers.place = .listen(host: "", port: 0)
        case (.attach, .url): copy.providers.place = .attach("")
        default: copy.providers.place = .own
        }
        for index in copy.providers.upstreams.indices {
            copy.providers.upstreams[index].url = Self.withoutPort(
                copy.providers.upstreams[index].url)
        }
        // Where the corpus lies is no part of what it is.
        if case .corpora(var corpora) = audio {
            for index in corpora.indices {
                let folder = corpora[index].folder + "/"
                for clip in corpora[index].clips.indices
                where corpora[index].clips[clip].file.hasPrefix(folder) {
                    corpora[index].clips[clip].file.removeFirst(folder.count)
                }
                corpora[index].folder = ""
            }
            copy.audio = .corpora(corpora)
        }
        copy.callers?.file = ""
        var bytes = copy.resolved(seed: nil).encoded()
        JSONValue.array(copy.audio.clips.map(\.json)).write(into: &bytes)
        JSONValue.array(prices.prices.map(\.json)).write(into: &bytes)
        for row in callers?.rows ?? [] {
            JSONValue.array(row.map { .string($0) }).write(into: &bytes)
        }
        return bytes
    }

    /// `digest` answers the hash of bytes as text; this module has none of its own.
    package func hash(digest: ([UInt8]) -> String) -> String { digest(canonicalBytes) }

    /// `ws://host:8080/path` as `ws://host/path`.
    static func withoutPort(_ url: String) -> String {
        guard let colons = url.range(of: "://") else { return url }
        let rest = url[colons.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        // A port is what follows the last colon outside the brackets of an IPv6 address.
        guard let colon = authority.lastIndex(of: ":"),
            authority[colon...].dropFirst().allSatisfy({
                $0.isNumber || "${}media.port".contains($0)
            })
        else { return url }
        return String(url[..<colon] + rest[end...])
    }

    static func json(_ duration: Duration) -> JSONValue { .string(DurationText.exact(duration)) }
}

extension String {
    /// The first place of `text`; the standard library's own needs another module.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var place = startIndex
        while place < endIndex {
            if self[place...].hasPrefix(text) {
                return place..<index(place, offsetBy: text.count)
            }
            place = index(after: place)
        }
        return nil
    }
}

extension Chance {
    /// `30%` where percent are whole, else the ratio.
    package var text: String {
        let (percent, rest) = (numerator * 100).quotientAndRemainder(dividingBy: denominator)
        return rest == 0 ? "\(percent)%" : "\(numerator)/\(denominator)"
    }
}

extension Scenario.Target {
    var json: JSONValue {
        switch self {
        case .embedded(let workers, let delay):
            // Without a supervisor there is nothing more to say, as before there was one.
            delay.map {
                ["embedded": ["workers": JSONValue(workers), "restart_delay": Scenario.json($0)]]
            } ?? ["embedded": ["workers": JSONValue(workers)]]
        case .url(let url): ["url": .string(url)]
        case .command(let command): command.json
        }
    }
}

extension Scenario.AudioSource {
    var json: JSONValue {
        switch self {
        case .file(let path): ["file": .string(path)]
        case .corpora(let corpora):
            .array(
                corpora.map { corpus in
                    [
                        "corpus": .string(corpus.name), "folder": .string(corpus.folder),
                        "variant": JSONValue(corpus.variant),
                        "clips": JSONValue(corpus.clips.count),
                    ]
                })
        }
    }

    /// The clips of all corpora in order: conversation plans and steps name them by their index here. Empty for a file.
    package var clips: [ClipDescription] {
        if case .corpora(let corpora) = self { corpora.flatMap(\.clips) } else { [] }
    }

    /// For summaries: `task-manager (clean, 54 clips)`.
    package var label: String {
        switch self {
        case .file(let path): path
        case .corpora(let corpora):
            corpora.map {
                "\($0.name) (\($0.variant ?? "all variants"), \($0.clips.count) clips)"
            }.joined(separator: ", ")
        }
    }
}

extension LoadLine {
    var json: JSONValue {
        .object([.init(shape.key, .string(shape.text)), .init("name", .string(name))])
    }
}

extension ProviderSettings {
    var json: JSONValue {
        .object(
            [.init("preset", .string(preset.rawValue))] + place.json
                + (upstreams.isEmpty
                    ? []
                    : [
                        .init(
                            "upstream",
                            .object(upstreams.map { .init($0.provider.name, .string($0.url)) }))
                    ])
                + timings.map { .init($0.provider.name, $0.pace.json) }
                // Only where something is said, so that scenarios without them keep their hash.
                + (terms.isEmpty
                    ? []
                    : [
                        .init(
                            "terms",
                            .object(
                                terms.map {
                                    .init(
                                        ([$0.provider.name] + ($0.operation.map { [$0] } ?? []))
                                            .joined(separator: "."), $0.json)
                                }))
                    ]))
    }
}

extension ProviderPace {
    package var json: JSONValue {
        func text(_ value: Distribution) -> JSONValue { .string(DistributionText.exact(value)) }
        switch self {
        case .speechToText(let latency): return ["latency": text(latency)]
        case .languageModel(let firstToken, let pace):
            return [
                "first_token": text(firstToken),
                "pace": .string("\(NumberText.fixed(pace, 0)) tokens/s"),
            ]
        case .textToSpeech(let firstByte, let factor):
            return [
                "first_byte": text(firstByte),
                "pace": .string(NumberText.fixed(factor.value, factor.places) + "x"),
            ]
        }
    }
}

extension AgentSettings {
    package var json: JSONValue {
        func time(_ value: Duration?) -> JSONValue { value.map(Scenario.json) ?? .null }
        return .object(
            [
                .init("endpointing", time(endpointing)),
                .init("stable_interim", time(stableInterim)),
                .init("finish_after", time(finishAfter)), .init("barge_in", time(bargeIn)),
                .init("greeting", JSONValue(greeting)),
            ] + others.map { .init($0.key, .string($0.text)) })
    }
}

extension PriceBook.Price {
    var json: JSONValue {
        [
            "provider": .string(provider.name), "model": .string(model),
            "unit": .string(unit.rawValue), "dollars": .number(dollars), "as_of": .string(asOf),
        ]
    }
}
