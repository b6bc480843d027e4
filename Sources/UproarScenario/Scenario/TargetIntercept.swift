import UproarCore

/// That the vendors' own names lead to the run's emulators, for an agent that has them in its code.
package struct TargetIntercept: Hashable, Sendable {
    /// Names beyond those of the vendors' APIs, such as a bucket's own; in written order.
    package var hosts: [Host] = []

    package struct Host: Hashable, Sendable {
        package var name: String
        package var provider: ProviderID

        package init(name: String, provider: ProviderID) {
            self.name = name
            self.provider = provider
        }
    }

    package init() {}

    var json: JSONValue {
        hosts.isEmpty
            ? .bool(true)
            : ["hosts": .object(hosts.map { .init($0.name, .string($0.provider.name)) })]
    }
}

extension ScenarioReader {
    /// `intercept: on`, or `{hosts: {my-bucket.s3.amazonaws.com: object_store}}`.
    func intercept(_ map: MapReader) -> TargetIntercept? {
        guard let node = map.node("intercept") else { return nil }
        if node.scalar != nil {
            return map.value("intercept", ScalarText.isOn) == true ? TargetIntercept() : nil
        }
        var intercept = TargetIntercept()
        guard let inner = map.map("intercept", keys: ["hosts"]), let hosts = inner.node("hosts")
        else { return intercept }
        guard let entries = hosts.map else {
            reading.report(
                hosts.mark, "target.intercept.hosts holds \(hosts.kindName)",
                allowed: "a map of names and providers: {my-bucket.s3.amazonaws.com: object_store}",
                page: map.page)
            return intercept
        }
        let providers = Self.upstreamProviders.map { ($0.name, $0) }
        for entry in entries {
            guard Self.isHostName(entry.key) else {
                reading.report(
                    entry.mark, "\"\(entry.key)\" is no name of a host",
                    allowed: "letters, digits, - and dots; names stand for themselves alone",
                    page: map.page)
                continue
            }
            let provider = reading.value(
                entry.value, path: "target.intercept.hosts.\(entry.key)", page: map.page
            ) { text throws(TextProblem) in
                try ScalarText.word(text, of: providers, what: "provider")
            }
            if let provider { intercept.hosts.append(.init(name: entry.key, provider: provider)) }
        }
        return intercept
    }

    private static func isHostName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253 && text.utf8.first != UInt8(ascii: "-")
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0)
                    || (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: ".")
            }
    }
}
