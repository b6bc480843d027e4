import UproarCore

/// The form of an event in `result.json`; its texts are those of the plan.
extension TimelineEvent {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(id)), .init("when", .string(when.text)),
            .init("action", .string(action.text)),
        ]
        if let life { members.append(.init("life", .string(life.text))) }
        if case .inject = action { members.append(.init("scope", .string(scope.text))) }
        return .object(members)
    }
}

extension TimelineEvent.When {
    package var text: String {
        func time(_ value: Duration) -> String { DurationText.exact(value) }
        switch self {
        case .at(let at): return "at \(time(at))"
        case .after(let id, let delay):
            return "after \(id)" + (delay == .zero ? "" : " + \(time(delay))")
        case .condition(let rule, let within): return "when \(rule.text), within \(time(within))"
        case .every(let period, let jitter, let from, let to):
            return "every \(time(period))" + (jitter == .zero ? "" : " jitter \(time(jitter))")
                + " from \(time(from)) to \(time(to))"
        }
    }
}

extension TimelineEvent.Action {
    package var text: String {
        switch self {
        case .inject(let fault, let attributes):
            "inject \(fault)" + attributes.map { " \($0.name)=\($0.text)" }.joined()
        case .clear(let id): "clear \(id)"
        case .clearAll: "clear all"
        case .probe(let id): "probe \(id)"
        case .expect(let rule, let within):
            "expect \(rule.text) within \(DurationText.exact(within))"
        case .mark(let text): "mark \(text)"
        }
    }
}

extension TimelineEvent.Life {
    package var text: String {
        func time(_ value: Duration) -> String { DurationText.exact(value) }
        return switch self {
        case .lasting(let duration): "for \(time(duration))"
        case .untilEvent(let id, let longest): "until \(id), max \(time(longest))"
        case .untilCondition(let rule, let longest): "until \(rule.text), max \(time(longest))"
        case .pulse(let on, let off, let duration):
            "pulse \(time(on))/\(time(off)) for \(time(duration))"
        case .count(let count, let longest): "count \(count), max \(time(longest))"
        }
    }
}

extension TimelineEvent.Scope {
    package var text: String {
        var parts: [String] = []
        if !on.isEmpty { parts.append("on " + on.joined(separator: ", ")) }
        if !conditions.isEmpty {
            parts.append(
                "where " + conditions.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
        }
        switch cohort {
        case .share(let chance)?: parts.append("cohort \(chance.text)")
        case .every(let count)?: parts.append("cohort calls \(count)")
        case .tag(let key, let value)?: parts.append("cohort \(key)=\(value)")
        case nil: break
        }
        if let unit { parts.append("per \(unit.rawValue)") }
        if chance != .always { parts.append("p \(chance.text)") }
        if let maxActive { parts.append("max_active \(maxActive)") }
        if ramp > .zero { parts.append("ramp \(DurationText.exact(ramp))") }
        return parts.isEmpty ? "everywhere" : parts.joined(separator: ", ")
    }
}
