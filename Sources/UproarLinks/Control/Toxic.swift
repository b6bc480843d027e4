import UproarCore
import UproarFaults

/// A toxic as Toxiproxy's interface has it (github.com/Shopify/toxiproxy, README, "Toxics"), and the fault that it is here.
struct Toxic: Hashable {
    /// Each kind with its attributes, whole numbers all of them.
    static let kinds: [(name: String, attributes: [String])] = [
        ("latency", ["latency", "jitter"]), ("bandwidth", ["rate"]), ("slow_close", ["delay"]),
        ("timeout", ["timeout"]), ("reset_peer", ["timeout"]),
        ("slicer", ["average_size", "size_variation", "delay"]), ("limit_data", ["bytes"]),
    ]

    var name: String
    var kind: String
    var stream: String
    var toxicity: Double
    var attributes: [String: Int]

    init(_ json: JSONValue) throws(ProxyProblem) {
        guard let kind = json["type"]?.text,
            let known = Self.kinds.first(where: { $0.name == kind })
        else { throw .invalidKind }
        self.kind = kind
        stream = json["stream"]?.text.map { $0.isEmpty ? "downstream" : $0 } ?? "downstream"
        guard ["upstream", "downstream"].contains(stream) else { throw .invalidStream }
        name = json["name"]?.text.flatMap { $0.isEmpty ? nil : $0 } ?? "\(kind)_\(stream)"
        toxicity = json["toxicity"]?.double ?? 1
        attributes = Dictionary(uniqueKeysWithValues: known.attributes.map { ($0, 0) })
        try take(json)
    }

    /// Attributes and toxicity may be changed; kind and stream stay.
    mutating func take(_ json: JSONValue) throws(ProxyProblem) {
        if let value = json["toxicity"]?.double {
            guard (0...1).contains(value) else {
                throw .bad("toxicity is a number from 0 to 1")
            }
            toxicity = value
        }
        for member in json["attributes"]?.members ?? [] {
            // Attributes of other kinds are nobody's here, and are ignored there, too.
            guard attributes[member.key] != nil else { continue }
            guard let value = member.value.int ?? member.value.double.map({ Int($0) }), value >= 0,
                value < 1 << 40
            else { throw .bad("attribute \(member.key) is a whole number from 0") }
            attributes[member.key] = value
        }
    }

    var chance: Chance { Chance(UInt64((toxicity * 1_000_000).rounded()), of: 1_000_000) }

    /// Sorted by name: the same every time.
    var json: JSONValue {
        let values = attributes.sorted { $0.key < $1.key }
        return [
            "name": .string(name), "type": .string(kind), "stream": .string(stream),
            "toxicity": .number(toxicity),
            "attributes": .object(values.map { .init($0.key, .integer(Int64($0.value))) }),
        ]
    }

    /// nil for a toxic that does nothing.
    var fault: (name: String, attributes: FaultAttributes)? {
        func value(_ key: String) -> Int { attributes[key] ?? 0 }
        func ms(_ key: String) -> FaultDescriptor.Value { .duration(.milliseconds(value(key))) }
        let direction = (
            "direction", FaultDescriptor.Value.text(stream == "upstream" ? "up" : "down")
        )
        switch kind {
        case "latency":
            return (
                "delay",
                .init([("delay", ms("latency")), ("jitter", ms("jitter")), direction])
            )
        case "bandwidth":
            // A rate of 0 lets nothing through.
            guard value("rate") > 0 else { return ("stall", .init([direction])) }
            // Kilobytes a second.
            return (
                "bandwidth", .init([("rate", .number(Double(value("rate")) * 8_000)), direction])
            )
        case "slow_close": return ("slow_close", .init([("delay", ms("delay")), direction]))
        case "timeout":
            // 0: until it is removed.
            let end = value("timeout") > 0 ? [("timeout", ms("timeout"))] : []
            return ("timeout", .init(end + [direction]))
        case "reset_peer": return ("reset", .init([("after_time", ms("timeout"))]))
        case "slicer":
            return (
                "slicer",
                .init([
                    ("size", .number(Double(max(1, value("average_size"))))),
                    ("variation", .number(Double(value("size_variation")))),
                    ("gap", .duration(.microseconds(value("delay")))), direction,
                ])
            )
        case "limit_data":
            return ("cut", .init([("after_bytes", .number(Double(value("bytes")))), direction]))
        default: return nil
        }
    }
}

/// What is wrong with a request, with Toxiproxy's own words where it has some.
struct ProxyProblem: Error, Hashable {
    var status: Int
    var words: String

    static let noProxy = ProxyProblem(status: 404, words: "proxy not found")
    static let noToxic = ProxyProblem(status: 404, words: "toxic not found")
    static let proxyExists = ProxyProblem(status: 409, words: "proxy already exists")
    static let toxicExists = ProxyProblem(status: 409, words: "toxic already exists")
    static let invalidKind = ProxyProblem(
        status: 400,
        words: "invalid toxic type; there are " + Toxic.kinds.map(\.name).joined(separator: ", "))
    static let invalidStream = ProxyProblem(
        status: 400, words: "stream was invalid, can be either upstream or downstream")
    static func missing(_ field: String) -> ProxyProblem {
        ProxyProblem(status: 400, words: "missing required field: \(field)")
    }
    static func bad(_ words: String) -> ProxyProblem { ProxyProblem(status: 400, words: words) }
}
