import UproarCore
import UproarFaults
import UproarScenario

/// Which arrows of a run get a link, and whether its callers' audio may be spoilt: only what the timeline names, or every arrow
/// with `links: all`.
package struct LinkPlan: Hashable, Sendable {
    /// In the order of `LinkArrow.all`.
    package let arrows: [LinkArrow]
    package let hasMediaFaults: Bool

    package init(_ scenario: Scenario) {
        var named: Set<String> = []
        var hasMedia = false
        for event in scenario.timeline {
            guard case .inject(let fault, _) = event.action else { continue }
            switch FaultCatalog.place(of: fault, on: event.scope.on) {
            case .link: named.formUnion(event.scope.on)
            case .media: hasMedia = true
            case .provider, .process, nil: break
            }
        }
        let isOurs = if case .url = scenario.target { false } else { true }
        hasMediaFaults = hasMedia
        arrows = LinkArrow.all.filter { arrow in
            if scenario.links == .all, Self.mayStand(arrow, scenario) { return true }
            // Redis' own faults name the server.
            return named.contains(arrow.description)
                || (arrow.isRedis && named.contains(arrow.to))
        }.filter { isOurs || $0 == .callersToAgent }
    }

    package var isEmpty: Bool { arrows.isEmpty }
    /// Whether callers dial a link.
    package var isBeforeAgent: Bool { arrows.contains(.callersToAgent) }
    /// What the agent dials by a link.
    package var behindAgent: [LinkArrow] { arrows.filter { $0 != .callersToAgent } }

    /// Certificates are for the target's own name, and a webhook names the stream itself.
    private static func mayStand(_ arrow: LinkArrow, _ scenario: Scenario) -> Bool {
        guard arrow == .callersToAgent else { return true }
        switch scenario.target {
        case .embedded: return true
        case .command(let command): return command.url.source.hasPrefix("ws://")
        case .url(let url): return url.hasPrefix("ws://")
        }
    }
}
