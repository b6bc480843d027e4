import Glibc
import UproarCore
import UproarStatistics

/// What the plan costs a month, what providers must allow, and what Redis holds.
extension SizingPlan {
    package struct CostLine: Hashable, Sendable {
        package var name: String
        /// US dollars a month; nil when there is no price.
        package var dollars: Double?
        package var text: String
    }

    package struct Lever: Hashable, Sendable {
        package var name: String
        /// US dollars a month saved, at the least and at the most.
        package var low: Double
        package var high: Double
        package var text: String
    }

    package struct Quota: Hashable, Sendable {
        package var provider: ProviderID
        package var what: String
        /// To buy: what was measured at the peak, with headroom.
        package var amount: Double
        package var text: String
    }

    /// Above the measured mean: a minute's calls are not all alike.
    package static let quotaHeadroom = 1.3

    private func dollarsPerMinute(_ role: ProviderRole) -> Double? {
        let uses = basis.uses.filter { $0.provider.role == role }
        guard !uses.isEmpty, basis.connected > 0 else { return nil }
        var sum = 0.0
        for use in uses {
            guard let dollars = use.dollars else { return nil }
            sum += dollars
        }
        return sum / (basis.connected / 60)
    }

    package var costs: [CostLine] {
        let minutes = minutesPerMonth
        func provider(_ name: String, _ role: ProviderRole) -> CostLine {
            guard let price = dollarsPerMinute(role) else {
                return CostLine(
                    name: name, dollars: nil, text: "unknown: no usage or no price was seen")
            }
            return CostLine(
                name: name, dollars: price * minutes,
                text: "$\(NumberText.fixed(price, 5)) a minute, measured")
        }
        func minute(_ name: String, _ key: String, _ share: Double) -> CostLine {
            guard let price = book.minutes.first(where: { $0.name == key }) else {
                return CostLine(name: name, dollars: nil, text: "unknown: no price in \(book.name)")
            }
            return CostLine(
                name: name, dollars: price.dollars * minutes * share,
                text:
                    "$\(NumberText.fixed(price.dollars, 4)) a minute, \(price.source) (\(price.asOf))"
            )
        }
        let nodes = deployed.nodes
        return [
            provider("STT", .speechToText), provider("LLM", .languageModel),
            provider("TTS", .textToSpeech), minute("media edge", "media_edge", 1),
            minute("telephony", "telephony", request.phoneShare),
            CostLine(
                name: "compute",
                dollars: Double(nodes) * node.dollarsPerHour * Self.hoursPerMonth,
                text:
                    "\(nodes) × \(node.name) at $\(NumberText.fixed(node.dollarsPerHour, 4)) an hour, \(node.source) (\(node.asOf))"
            ),
        ]
    }

    package var total: Double { costs.reduce(0) { $0 + ($1.dollars ?? 0) } }

    /// The guides' five levers, each alone.
    package var levers: [Lever] {
        func cost(_ name: String) -> Double { costs.first { $0.name == name }?.dollars ?? 0 }
        let repeated = 0.3
        return [
            Lever(
                name: "shorter replies", low: 0.2 * cost("TTS"), high: 0.4 * cost("TTS"),
                text: "20–40 % of TTS"),
            Lever(
                name: "prompt optimisation", low: 0.15 * cost("LLM"), high: 0.3 * cost("LLM"),
                text: "15–30 % of LLM"),
            Lever(
                name: "response caching", low: 0.5 * repeated * (cost("LLM") + cost("TTS")),
                high: repeated * (cost("LLM") + cost("TTS")),
                text:
                    "50 % and more of repeated questions, 30 % of all assumed to be; invalidate on change"
            ),
            Lever(
                name: "lower TTS quality", low: 0.4 * cost("TTS"), high: 0.4 * cost("TTS"),
                text: "40 % of TTS"),
            Lever(
                name: "batch STT", low: 0.1 * cost("STT"), high: 0.2 * cost("STT"),
                text: "10–20 % of STT; adds latency: not for live turns"),
        ]
    }

    package var quotas: [Quota] {
        guard basis.connected > 0 else { return [] }
        let calls = Double(request.calls)
        let perMinute = calls * Self.quotaHeadroom / (basis.connected / 60)
        var quotas: [Quota] = []
        for use in basis.uses {
            let usage = use.usage
            let turns = max(1, basis.turns)
            switch use.provider.role {
            case .speechToText:
                quotas.append(
                    Quota(
                        provider: use.provider, what: "concurrent streams",
                        amount: (calls * Self.quotaHeadroom).rounded(.up),
                        text: "one by call"))
            case .languageModel:
                quotas.append(
                    Quota(
                        provider: use.provider, what: "requests/min",
                        amount: (Double(usage.requests) * perMinute).rounded(.up),
                        text:
                            "\(NumberText.fixed(Double(usage.requests) / turns, 2)) by turn, measured"
                    ))
                let tokens = Double(usage.promptTokens + usage.completionTokens)
                quotas.append(
                    Quota(
                        provider: use.provider, what: "tokens/min",
                        amount: (tokens * perMinute).rounded(.up),
                        text:
                            "\(NumberText.fixed(tokens / turns, 0)) by turn, \(Self.measured(usage))"
                    ))
            case .textToSpeech:
                quotas.append(
                    Quota(
                        provider: use.provider, what: "requests/min",
                        amount: (Double(usage.requests) * perMinute).rounded(.up),
                        text:
                            "\(NumberText.fixed(Double(usage.requests) / turns, 2)) by turn, measured"
                    ))
                let speaking = usage.audio.inSeconds / basis.connected
                quotas.append(
                    Quota(
                        provider: use.provider, what: "concurrent contexts",
                        amount: (calls * speaking * Self.quotaHeadroom).rounded(.up),
                        text:
                            "speaks \(NumberText.fixed(speaking * 100, 0)) % of the time, \(Self.measured(usage))"
                    )
                )
            case .sessionStore, .objectStore, .webhook: break
            }
        }
        return quotas
    }

    /// What could not be counted is missing in the amount.
    private static func measured(_ usage: ProviderUsage) -> String {
        guard usage.uncounted > 0 else { return "measured" }
        return "at least: \(usage.uncounted) of \(usage.requests) answers could not be counted"
    }

    // MARK: Redis

    package struct Redis: Hashable, Sendable {
        package var sessions: Int
        package var bytesPerSession: Double
        /// Data, and what to give the pod: twice for the rewrite of the append-only file, half as much again for the allocator.
        package var data: Double
        package var limit: Double
        /// Of the guide's 512 Mi without maxmemory.
        package var guideText: String
    }

    /// Sessions live an hour: those under way, and where a pod dies before it deletes them, those of the hour before.
    package var redis: Redis {
        let calls = Double(request.calls)
        let perHour = calls * 3600 / max(1, request.callLength)
        let sessions = Int((calls + perHour).rounded(.up))
        let turns = basis.turnsPerMinute.value * request.callLength / 60
        // A turn's two texts with their JSON, and the fixed members.
        let bytes = 600 + 450 * max(1, turns)
        let data = Double(sessions) * bytes
        let limit = max(256 * 1_048_576, (data * 3 / 268_435_456).rounded(.up) * 268_435_456)
        let guide = 512.0 * 1_048_576
        let text =
            data * 1.5 > guide
            ? "the guide's 512 Mi without maxmemory is killed by the kernel once it is full, and every live session with it"
            : "the guide's 512 Mi holds them (\(NumberText.fixed(data * 1.5 / guide * 100, 0)) % with the allocator's overhead); without maxmemory a leak still ends in a kill"
        return Redis(
            sessions: sessions, bytesPerSession: bytes, data: data, limit: limit, guideText: text)
    }

    // MARK: Scaling

    package struct Scaling: Hashable, Sendable {
        package var minimum: Int
        package var maximum: Int
        /// Calls by pod, an AverageValue.
        package var calls: Int
        package var cpu: Int
        /// Pods above what is used, so that the calls that come while a pod starts find room; nil when no burst is known.
        package var headroom: Int?
        package var text: String
    }

    /// Metrics of a pod are this old when the autoscaler acts, and a new pod is placed and pulled in so long.
    package static let reaction = 15.0 + 30 + 20

    package var scaling: Scaling {
        let seconds = Self.reaction + basis.coldStart.value
        let headroom = request.burst.map { burst in
            Int((Double(burst) / 60 * seconds / Double(callsPerPod)).rounded(.up))
        }
        let night = max(request.zones, Int((Double(pods) * 0.2).rounded(.up)))
        let minimum = night + (headroom ?? 0)
        return Scaling(
            minimum: minimum, maximum: max(minimum + 1, deployed.pods),
            calls: max(1, Int((Double(callsPerPod) * 0.8).rounded(.down))),
            cpu: Int((request.cpuTarget * 100).rounded()), headroom: headroom,
            text:
                "a call that comes now finds a pod started for it after \(NumberText.fixed(seconds, 0)) s"
        )
    }

    /// Places by Erlang's formula, were the peak a mean with calls coming by themselves: 0.1 % refused.
    package var erlangPlaces: Int { ErlangB.places(load: Double(request.calls), refusing: 0.001) }
}
