import UproarCore
import UproarStatistics

/// One call as it went: the caller's lane, the stages between, and the agent's lane.
struct CallTimeline {
    let call: CallRecord

    private var start: Instant {
        call.answered ?? call.dialed ?? call.due ?? call.turns.first?.began ?? .zero
    }

    private var end: Instant {
        let last = call.turns.last.map { $0.ended + .seconds(1) }
        let speech = call.agentSpeech.last.map { $0.end ?? $0.onset }
        return max(
            start + .seconds(1), [call.ended, last, speech].compactMap { $0 }.max() ?? start)
    }

    private var description: String {
        "Call \(call.id), \(call.outcome.word). "
            + call.turns.map {
                "Turn \($0.utterance) \($0.outcome.rawValue)"
                    + (Self.text($0.voiceToAnswer ?? $0.voiceToVoice).map { ", \($0)" } ?? "") + "."
            }.joined(separator: " ")
    }

    static func text(_ sample: TurnSample?) -> String? {
        switch sample {
        case .exact(let value): Figure(Double(value.nanoseconds)).text(.time)
        case .atLeast(let limit):
            Figure(Double(limit.nanoseconds), isCensored: true).text(.time)
        case nil: nil
        }
    }

    func markup() -> String {
        ResponsiveChart.markup(
            id: "timeline-\(call.id)", title: "Timeline of call \(call.id)",
            description: description
        ) { width, isNarrow in draw(width, isNarrow) }
    }

    private func draw(_ width: Double, _ isNarrow: Bool) -> SVGCanvas {
        var canvas = SVGCanvas(width: width, height: 104)
        let left = isNarrow ? 10.0 : 62.0
        let right = width - 10
        let x = PlotScale(
            exactly: 0, (end - start).inSeconds, from: left, to: right, ticks: isNarrow ? 5 : 12,
            steps: PlotScale.timeSteps)
        func at(_ instant: Instant) -> Double {
            min(right, max(left, x((instant - start).inSeconds)))
        }
        let callerY = 10.0
        let stageY = 32.0
        let agentY = 54.0
        if !isNarrow {
            canvas.text(left - 8, callerY + 13, "caller", .end)
            canvas.text(left - 8, stageY + 12, "stages", .end)
            canvas.text(left - 8, agentY + 13, "agent", .end)
        }
        for tick in x.ticks {
            canvas.line(x(tick), 6, x(tick), 80, tick == 0 ? "axis" : "grid")
            canvas.text(min(x(tick), right - 8), 96, PlotScale.time(tick), .middle)
        }
        for run in call.agentSpeech {
            let stop = run.end ?? end
            canvas.rectangle(
                at(run.onset), agentY, max(1.5, at(stop) - at(run.onset)), 18, "bar speech-agent",
                radius: 3,
                tip: "agent speaks \(length(stop - run.onset))\nfrom \(offset(run.onset))"
                    + (run.end == nil ? ", cut by the end of the call" : ""))
        }
        for turn in call.turns {
            let wait = Self.text(turn.voiceToAnswer ?? turn.voiceToVoice)
            canvas.rectangle(
                at(turn.began), callerY, max(1.5, at(turn.ended) - at(turn.began)), 18,
                "bar speech-caller", radius: 3,
                tip: "turn \(turn.utterance), clip \(turn.clip)\ncaller speaks "
                    + "\(length(turn.ended - turn.began))\n\(turn.outcome.rawValue)"
                    + (wait.map { " after \($0)" } ?? "")
                    + (turn.marks.isEmpty ? "" : "\n" + turn.marks.names.joined(separator: ", ")))
            drawStages(turn, &canvas, at, stageY)
            if turn.outcome == .lost || turn.outcome == .late {
                let stop = min(end, turn.ended + call.patience)
                canvas.rectangle(
                    at(turn.ended), stageY, max(2, at(stop) - at(turn.ended)), 16, "bar lost",
                    radius: 2, tip: "turn \(turn.utterance) \(turn.outcome.rawValue)\n\(wait ?? "")"
                )
            }
        }
        for bargeIn in call.bargeIns {
            canvas.line(at(bargeIn.at), callerY - 4, at(bargeIn.at), agentY + 20, "barge-in")
            canvas.rectangle(
                at(bargeIn.at) - 4, callerY - 4, 8, agentY + 24 - callerY, "hit",
                tip: "\(bargeIn.kind.word) at \(offset(bargeIn.at))\n\(bargeIn.outcome.rawValue)"
                    + (bargeIn.stop.map { " after \(length($0))" } ?? ""))
        }
        for gap in call.gaps {
            canvas.rectangle(
                at(gap.at), agentY - 3, 2, 24, "bar lost",
                tip: "gap of \(length(gap.length)) at \(offset(gap.at))")
        }
        return canvas
    }

    private func drawStages(
        _ turn: TurnRecord, _ canvas: inout SVGCanvas, _ at: (Instant) -> Double, _ y: Double
    ) {
        var now = turn.ended
        for stage in Stage.allCases {
            // What lies after a stage that was not observed has no place of its own.
            guard let part = turn[stage] else { return }
            let next = now + part
            if part > .zero {
                canvas.rectangle(
                    at(now), y, max(0.8, at(next) - at(now)), 16, "bar \(stage.owner.rawValue)",
                    tip:
                        "turn \(turn.utterance): \(StageWaterfall.names[stage] ?? stage.rawValue)\n"
                        + "\(length(part))\n\(turn.provider(of: stage)?.name ?? stage.owner.rawValue)"
                )
            }
            now = next
        }
    }

    private func length(_ duration: Duration) -> String { GateRule.Quantity.short(duration) }
    private func offset(_ instant: Instant) -> String {
        PlotScale.time((instant - start).inSeconds)
    }
}
