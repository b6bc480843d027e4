import UproarCore

/// The form of a conversation in `result.json`.
extension ConversationScript {
    package var json: JSONValue {
        let repeated: JSONValue =
            switch repetition {
            case .times(let count): JSONValue(count)
            case .forever: "forever"
            }
        let greeted: JSONValue =
            switch greeting {
            case .expected(let limit): ["within": Scenario.json(limit)]
            case .none: "none"
            }
        return [
            "name": .string(name), "greeting": greeted,
            "pause": .string(DistributionText.exact(pause)),
            "patience": patience.map(Scenario.json) ?? .null,
            "on_silence": .string(onSilence.rawValue),
            "turns": .array(steps.map(\.json)), "repeat": repeated,
            "check": check?.json ?? .null,
            "language_model": languageModel.json,
        ]
    }
}

extension ConversationScript.Check {
    /// `tools_succeed` only where it is on: runs of other scenarios stay comparable with those of before it was there.
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("tools", .array(tools.map { .string($0) })),
            .init("every_turn_answered", .bool(isEveryTurnAnswered)),
        ]
        if doToolsSucceed { members.append(.init("tools_succeed", .bool(true))) }
        return .object(members)
    }
}

extension ConversationScript.Step {
    var json: JSONValue {
        switch self {
        case .say(let turn): turn.json
        case .pool(let count, let turns):
            ["turns": JSONValue(count), "pool": .array(turns.map(\.json))]
        case .wait(let time): ["wait": .string(DistributionText.exact(time))]
        case .digits(let digits): ["dtmf": .string(digits)]
        // Where the picture lies is no part of what it is.
        case .show(let path):
            ["show": .string(path.split(separator: "/").last.map(String.init) ?? path)]
        case .hangUp: ["hang_up": "on"]
        case .only(let channels, let step):
            .object(
                (step.json.members ?? []) + [
                    .init("channel", .array(channels.map { .string($0) }))
                ])
        }
    }
}

extension ConversationScript.Turn {
    var json: JSONValue {
        var members = [JSONValue.Member("say", clips.json)]
        if let pause { members.append(.init("pause", .string(DistributionText.exact(pause)))) }
        if let patience { members.append(.init("patience", Scenario.json(patience))) }
        if let onSilence { members.append(.init("on_silence", .string(onSilence.rawValue))) }
        switch expect {
        case .intent(let name)?: members.append(.init("expect", ["intent": .string(name)]))
        case .text(let texts)?:
            members.append(.init("expect", ["text": .array(texts.map { .string($0) })]))
        case .silence?: members.append(.init("expect", "silence"))
        case nil: break
        }
        if let bargeIn { members.append(.init("barge_in", bargeIn.json)) }
        if let noise { members.append(.init("noise", noise.json)) }
        return .object(members)
    }
}

extension ConversationScript.BargeIn {
    var json: JSONValue {
        [
            "kind": .string("\(kind)"), "after": .string(DistributionText.exact(after)),
            "say": clips.json, "then": then?.json ?? .null, "p": .string(chance.text),
        ]
    }
}

extension ConversationScript.Noise {
    var json: JSONValue {
        [
            "after": .string(DistributionText.exact(after)), "say": clips.json,
            "p": .string(chance.text),
        ]
    }
}

extension ConversationScript.ClipChoice {
    var json: JSONValue {
        switch self {
        case .named(let names): ["any_of": .array(names.map { .string($0) })]
        case .any(let kind): ["any": .string(kind.rawValue)]
        }
    }
}
