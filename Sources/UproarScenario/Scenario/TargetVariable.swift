import UproarCore

/// What `${…}` may stand for in the texts of a command target: values that only the run knows.
package enum TargetVariable: Hashable, Sendable {
    /// A free port for the agent's media stream.
    case mediaPort
    case redisURL
    /// The certificate of the run's own authority.
    case authority(Authority)
    /// The origin of an emulated provider, without a path.
    case provider(ProviderID, Form)
    /// A variable of the environment in which the run is started.
    case environment(EnvironmentText)

    package enum Form: String, CaseIterable, Sendable {
        /// `http://127.0.0.1:9101`.
        case http
        /// `ws://127.0.0.1:9101`.
        case ws
        /// The same address, spoken to in TLS.
        case https
        case wss
        case port
    }

    package enum Authority: String, CaseIterable, Sendable {
        /// Alone.
        case file
        /// Behind all those that are trusted on this machine.
        case bundle
    }

    package static let all: [TargetVariable] =
        [.mediaPort, .redisURL] + Authority.allCases.map { .authority($0) }
        + ProviderID.allCases.filter { $0 != .redis }.flatMap { provider in
            Form.allCases.map { .provider(provider, $0) }
        }

    package var name: String {
        switch self {
        case .mediaPort: "media.port"
        case .redisURL: "redis.url"
        case .authority(let form): "ca.\(form.rawValue)"
        case .provider(let provider, let form): "\(provider.name).\(form.rawValue)"
        case .environment(let text): text.name
        }
    }

    package init?(name: String) {
        if let match = Self.all.first(where: { $0.name == name }) {
            self = match
        } else if let text = EnvironmentText(name) {
            self = .environment(text)
        } else {
            return nil
        }
    }
}

/// A text with variables in it: `ws://127.0.0.1:${media.port}/ws`. `$${` is a dollar sign and a brace.
package struct TargetTemplate: Hashable, Sendable {
    package enum Piece: Hashable, Sendable {
        case text(String)
        case variable(TargetVariable)
    }

    /// As it was written.
    package var source: String
    package var pieces: [Piece]

    package static let allowed =
        "media.port, redis.url, ca.file, ca.bundle, a provider with .http, .ws, .https, .wss or .port, such as ${deepgram.ws}, or a name of the environment"

    package init(_ source: String) throws(TextProblem) {
        self.source = source
        pieces = []
        var text: [UInt8] = []
        let bytes = Array(source.utf8)
        var place = 0
        func starts(_ word: String) -> Bool { bytes[place...].starts(with: word.utf8) }
        while place < bytes.count {
            if starts("$${") {
                text += "${".utf8
                place += 3
            } else if starts("${") {
                guard let end = bytes[place...].firstIndex(of: UInt8(ascii: "}")) else {
                    throw TextProblem(
                        offset: place, reason: "\"${\" without its \"}\"", allowed: Self.allowed)
                }
                let name = String(decoding: bytes[(place + 2)..<end], as: UTF8.self)
                guard let variable = TargetVariable(name: name) else {
                    let names = TargetVariable.all.map(\.name)
                    throw TextProblem(
                        offset: place,
                        reason: "unknown variable ${\(name)}"
                            + ScalarText.suggestion(name, among: names),
                        allowed: Self.allowed)
                }
                if !text.isEmpty { pieces.append(.text(String(decoding: text, as: UTF8.self))) }
                text = []
                pieces.append(.variable(variable))
                place = end + 1
            } else {
                text.append(bytes[place])
                place += 1
            }
        }
        if !text.isEmpty { pieces.append(.text(String(decoding: text, as: UTF8.self))) }
    }

    package var variables: [TargetVariable] {
        pieces.compactMap { if case .variable(let variable) = $0 { variable } else { nil } }
    }

    /// The text with each variable's value in its place; throws what `value` throws.
    package func expanded<Failure: Error>(
        _ value: (TargetVariable) throws(Failure) -> String
    ) throws(Failure) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .variable(let variable): text += try value(variable)
            }
        }
        return text
    }
}
