import UproarCore
import UproarStatistics

/// Lanes over the time of the run: what was injected, and which provider served the turns of each role. A failover is a lane that
/// ends where another begins.
struct LaneChart {
    struct Lane {
        var name: String
        var spans: [Span]
    }

    struct Span {
        var from: Double
        var to: Double
        var style: String
        /// 0 … 1.
        var strength: Double
        var tip: String
    }

    var id: String
    var title: String
    var bucket: Double
    var duration: Double
    var lanes: [Lane]

    private var description: String {
        "\(title). Bucket width \(PlotScale.time(bucket)). "
            + lanes.map { lane in
                lane.spans.isEmpty
                    ? "\(lane.name): nothing."
                    : "\(lane.name): from \(PlotScale.time(lane.spans.first!.from)) to "
                        + "\(PlotScale.time(lane.spans.last!.to))."
            }.joined(separator: " ")
    }

    func markup() -> String {
        ResponsiveChart.markup(id: id, title: title, description: description) { width, isNarrow in
            draw(width, isNarrow)
        }
    }

    private func draw(_ width: Double, _ isNarrow: Bool) -> SVGCanvas {
        let pitch = isNarrow ? 36.0 : 26.0
        let bottom = pitch * Double(lanes.count) + 6
        var canvas = SVGCanvas(width: width, height: bottom + 24)
        let left = isNarrow ? 8.0 : 170.0
        let right = width - (isNarrow ? 8 : 14)
        let x = PlotScale(
            exactly: 0, max(duration, bucket), from: left, to: right, ticks: isNarrow ? 4 : 9,
            steps: PlotScale.timeSteps)
        for tick in x.ticks {
            canvas.line(x(tick), 2, x(tick), bottom, tick == 0 ? "axis" : "grid")
            canvas.text(min(x(tick), right - 8), bottom + 18, PlotScale.time(tick), .middle)
        }
        for (place, lane) in lanes.enumerated() {
            let y = 6 + pitch * Double(place)
            if isNarrow {
                canvas.text(left, y + 11, lane.name, .start, "t ink")
            } else {
                canvas.text(left - 12, y + 13, lane.name, .end, "t ink")
            }
            for span in lane.spans {
                let from = x(max(0, span.from))
                let to = min(right, x(span.to))
                guard to >= from else { continue }
                canvas.rectangle(
                    from, y + (isNarrow ? 16 : 2), max(1.5, to - from), 14,
                    "\(span.style) s\(max(1, min(5, Int((span.strength * 5).rounded(.up)))))",
                    tip: span.tip)
            }
        }
        return canvas
    }
}

extension LaneChart {
    /// Faults as the run saw them: armed, in effect, recovering.
    static func faults(_ result: RunResult) -> [Lane] {
        let end = result.load.duration.inSeconds
        return result.faults.map { fault in
            var spans: [Span] = []
            func add(_ from: Instant?, _ to: Instant?, _ style: String, _ word: String) {
                guard let from else { return }
                let stop = to?.seconds ?? end
                spans.append(
                    Span(
                        from: from.seconds, to: max(stop, from.seconds), style: style, strength: 1,
                        tip: "\(fault.id) \(word)\n\(fault.summary)\n\(RunDigest.clock(from)) to "
                            + (to.map { RunDigest.clock($0) } ?? "the end")))
            }
            add(fault.armed, fault.firstEffect ?? fault.cleared, "bar recovery-lane", "armed")
            add(fault.firstEffect, fault.cleared ?? fault.lastEffect, "bar bad", "in effect")
            add(fault.cleared, fault.recovered, "bar recovery-lane", "recovering")
            return Lane(name: fault.id, spans: spans)
        }
    }

    /// Who served the turns of each role, by bucket. Roles that only ever had one provider say nothing and are left out, unless
    /// `isComplete`.
    static func providers(_ buckets: ChartBuckets, isComplete: Bool) -> [Lane] {
        var lanes: [Lane] = []
        let roles: [(stage: Stage, name: String)] = [
            (.speechToText, "speech-to-text"), (.languageModel, "language model"),
            (.textToSpeech, "voice"),
        ]
        for role in roles {
            let names = ProviderID.allCases.map(\.name).filter { name in
                !buckets.recorder.merged(role.stage.rawValue, [.init("provider", .equals, name)])
                    .isEmpty
            }
            guard names.count > 1 || (isComplete && !names.isEmpty) else { continue }
            let all = buckets.timeline(role.stage.rawValue).map(\.samples.count)
            for name in names {
                let turns = buckets.timeline(
                    role.stage.rawValue, [.init("provider", .equals, name)]
                ).map(\.samples.count)
                let spans = turns.enumerated().compactMap { index, count -> Span? in
                    guard count > 0, all[index] > 0 else { return nil }
                    let share = Double(count) / Double(all[index])
                    let from = Double(index) * buckets.seconds
                    return Span(
                        from: from, to: from + buckets.seconds, style: "bar provider",
                        strength: share,
                        tip: "\(PlotScale.time(from)) – \(PlotScale.time(from + buckets.seconds))\n"
                            + "\(name) served \(count) of \(all[index]) turns")
                }
                lanes.append(Lane(name: "\(role.name): \(name)", spans: spans))
            }
        }
        return lanes
    }
}
