import UproarCore

/// The form on the control socket and in the journal.
extension FaultPlan {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(id)), .init("number", .integer(Int64(number))),
            .init("fault", .string(fault)), .init("seed", .string(String(seed.value))),
            .init("from_ns", .integer(window.from.nanoseconds)),
            .init("until_ns", .integer(window.until.nanoseconds)),
        ]
        if let pulse = window.pulse {
            members.append(.init("on_ns", .integer(pulse.on.nanoseconds)))
            members.append(.init("off_ns", .integer(pulse.off.nanoseconds)))
        }
        if let count = window.count { members.append(.init("count", .integer(Int64(count)))) }
        members.append(
            .init(
                "attributes",
                .object(attributes.values.map { .init($0.name, Self.json($0.value)) })))
        members.append(.init("scope", scope.json))
        return .object(members)
    }

    private static func json(_ value: FaultDescriptor.Value) -> JSONValue {
        switch value {
        case .duration(let value): ["ns": .integer(value.nanoseconds)]
        case .distribution(let value): ["distribution": .string(DistributionText.exact(value))]
        case .integer(let value): ["integer": .integer(Int64(value))]
        case .chance(let value): ["chance": value.pair]
        case .number(let value): ["number": .number(value)]
        case .isOn(let value): ["on": .bool(value)]
        case .text(let value): ["text": .string(value)]
        }
    }

    /// nil when something is missing or holds something else.
    package init?(json: JSONValue) {
        guard let id = json["id"]?.text, let number = json["number"]?.int,
            let fault = json["fault"]?.text,
            let seed = json["seed"]?.text.flatMap({ UInt64($0) }),
            let from = json["from_ns"]?.int, let until = json["until_ns"]?.int,
            let scope = json["scope"].flatMap(FaultScope.init(json:)),
            let members = json["attributes"]?.members
        else { return nil }
        var window = FaultWindow(
            from: Instant(nanoseconds: Int64(from)), until: Instant(nanoseconds: Int64(until)))
        if let on = json["on_ns"]?.int, let off = json["off_ns"]?.int, on > 0, off >= 0 {
            window.pulse = .init(on: .nanoseconds(Int64(on)), off: .nanoseconds(Int64(off)))
        }
        window.count = json["count"]?.int
        var values: [(String, FaultDescriptor.Value)] = []
        for member in members {
            guard let value = Self.value(member.value) else { return nil }
            values.append((member.key, value))
        }
        self.init(
            id: id, number: UInt32(clamping: number), fault: fault,
            attributes: FaultAttributes(values), scope: scope, window: window, seed: Seed(seed))
    }

    private static func value(_ json: JSONValue) -> FaultDescriptor.Value? {
        if let value = json["ns"]?.int { return .duration(.nanoseconds(Int64(value))) }
        if let text = json["distribution"]?.text {
            return (try? DistributionText.parse(text)).map { .distribution($0) }
        }
        if let value = json["integer"]?.int { return .integer(value) }
        if let value = json["chance"].flatMap(Chance.init(pair:)) { return .chance(value) }
        if let value = json["number"]?.double { return .number(value) }
        if let value = json["on"]?.isTrue { return .isOn(value) }
        return json["text"]?.text.map { .text($0) }
    }
}

extension FaultScope {
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("on", .array(on.map { .string($0) })),
            .init("where", .object(conditions.map { .init($0.key, .string($0.value)) })),
            .init("chance", chance.pair), .init("ramp_ns", .integer(ramp.nanoseconds)),
        ]
        if let unit { members.append(.init("per", .string(unit.rawValue))) }
        if let maxActive { members.append(.init("max_active", .integer(Int64(maxActive)))) }
        switch cohort {
        case .share(let chance)?: members.append(.init("share", chance.pair))
        case .every(let count)?: members.append(.init("every", .integer(Int64(count))))
        case .calls(let calls)?:
            members.append(.init("calls", .array(calls.map { .integer(Int64($0)) })))
        case nil: break
        }
        return .object(members)
    }

    init?(json: JSONValue) {
        guard let on = json["on"]?.texts, let conditions = json["where"]?.members,
            let chance = json["chance"].flatMap(Chance.init(pair:)), let ramp = json["ramp_ns"]?.int
        else { return nil }
        self.on = on
        self.conditions = conditions.map { Condition($0.key, $0.value.text ?? "") }
        self.chance = chance
        self.ramp = .nanoseconds(Int64(ramp))
        unit = json["per"]?.text.flatMap(Unit.init)
        maxActive = json["max_active"]?.int
        if let share = json["share"].flatMap(Chance.init(pair:)) {
            cohort = .share(share)
        } else if let count = json["every"]?.int, count > 0 {
            cohort = .every(count)
        } else if let calls = json["calls"]?.items {
            cohort = .calls(calls.compactMap { $0.int.flatMap { UInt32(exactly: $0) } })
        }
    }
}

extension Chance {
    fileprivate var pair: JSONValue {
        [.integer(Int64(clamping: numerator)), .integer(Int64(clamping: denominator))]
    }

    fileprivate init?(pair: JSONValue) {
        guard let numerator = pair[0]?.int, let denominator = pair[1]?.int, denominator > 0,
            (0...denominator).contains(numerator)
        else { return nil }
        self.init(UInt64(numerator), of: UInt64(denominator))
    }
}
