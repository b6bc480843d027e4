import UproarCore

extension Dialogue.Step {
    /// A step of the conversation plan, with the scenario's patience where the conversation says none.
    init(_ step: CallStep, patience: Duration) {
        switch step {
        case .say(let turn):
            self = .say(
                Dialogue.Turn(
                    clip: turn.clip, pause: turn.pause, patience: turn.patience ?? patience,
                    onSilence: turn.onSilence, isAnswerOwed: turn.expect != .silence,
                    bargeIn: turn.bargeIn.map {
                        Dialogue.BargeIn(
                            kind: $0.kind, after: $0.after, clip: $0.clip, then: $0.then)
                    }, noise: turn.noise.map { Dialogue.Noise(after: $0.after, clip: $0.clip) }))
        case .wait(let duration): self = .wait(duration)
        case .digits(let digits): self = .digits(Array(digits))
        case .show(let picture): self = .show(picture)
        case .hangUp: self = .hangUp
        }
    }
}
