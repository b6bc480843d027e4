/// A conversation with its clips found: answers what call *n* does in step *k*, from the seed alone.
///
/// Nothing is kept for a call, so memory does not grow with callers, and asking twice gives the same answer.
package struct ConversationPlan: Sendable {
    package let script: ConversationScript
    /// The corpus as handed in; steps name clips by their index here.
    package let clips: [ClipDescription]
    private let seed: Seed
    /// The voices that speak utterances, in the order of their first clip.
    package let speakers: [String]
    /// The script's steps of this channel, and the pictures that they show, each once.
    private let steps: [ConversationScript.Step]
    package let pictures: [String]
    private let slots: [Slot]
    private let candidates: [ConversationScript.ClipChoice: [[Int]]]

    /// One step of one round: which step of the script, and which of a pool's turns.
    private struct Slot {
        var step: Int
        var turn: Int
    }

    /// A clip that no clip of the corpus answers to.
    package struct MissingClip: Error, Hashable, Sendable {
        package var name: String
        package var nearest: String?
    }

    /// - clips: the corpus, one variant of it (`ClipSelection`).
    /// - channel: whose calls these are; steps of other channels are left out.
    package init(
        _ script: ConversationScript, clips: [ClipDescription], seed: Seed,
        channel: String = "phone"
    ) throws(MissingClip) {
        if let missing = Self.missingClips(of: script, in: clips).first { throw missing }
        self.script = script
        self.clips = clips
        self.seed = seed
        var speakers = OrderedTable<String, Bool>()
        for clip in clips where clip.kind == .utterance { speakers[clip.speaker] = true }
        self.speakers = speakers.keys
        let steps = script.steps(of: channel)
        self.steps = steps
        var pictures = OrderedTable<String, Bool>()
        for step in steps { if case .show(let path) = step { pictures[path] = true } }
        self.pictures = pictures.keys
        var slots: [Slot] = []
        for (index, step) in steps.enumerated() {
            if case .pool(let count, _) = step {
                slots.append(contentsOf: (0..<count).map { Slot(step: index, turn: $0) })
            } else {
                slots.append(Slot(step: index, turn: 0))
            }
        }
        self.slots = slots
        var candidates: [ConversationScript.ClipChoice: [[Int]]] = [:]
        for choice in script.clipChoices where candidates[choice] == nil {
            candidates[choice] = speakers.keys.map {
                Self.indices(of: choice, in: clips, voice: $0)
            }
        }
        self.candidates = candidates
    }

    /// The names of the script that no clip answers to, in order and each once.
    package static func missingClips(
        of script: ConversationScript, in clips: [ClipDescription]
    ) -> [MissingClip] {
        var missing = OrderedTable<String, Bool>()
        for choice in script.clipChoices {
            switch choice {
            case .named(let names):
                for name in names
                where !clips.contains(where: { $0.id == name || $0.words == name }) {
                    missing[name] = true
                }
            case .any(let kind):
                if !clips.contains(where: { $0.kind == kind }) { missing["any \(kind)"] = true }
            }
        }
        return missing.keys.map { name in
            MissingClip(
                name: name,
                nearest: NearestName.of(name, among: clips.flatMap { [$0.words, $0.id] }))
        }
    }

    private static func indices(
        of choice: ConversationScript.ClipChoice, in clips: [ClipDescription], voice: String
    ) -> [Int] {
        let all: [Int]
        switch choice {
        case .any(let kind): all = clips.indices.filter { clips[$0].kind == kind }
        case .named(let names):
            all = names.flatMap { name in
                let exact = clips.indices.filter { clips[$0].id == name }
                return exact.isEmpty ? clips.indices.filter { clips[$0].words == name } : exact
            }
        }
        let own = all.filter { clips[$0].speaker == voice }
        return own.isEmpty ? all : own
    }

    /// The voice of a call: an index in `speakers`, 0 when the corpus has no utterance.
    package func speaker(of call: UInt32) -> Int {
        guard speakers.count > 1 else { return 0 }
        var random = seed.stream("conversation-voice", UInt64(call))
        return random.below(speakers.count)
    }

    /// How many steps a call goes through; nil when it goes on until it is hung up.
    package var stepCount: Int? {
        switch script.repetition {
        case .times(let count): slots.count * count
        case .forever: nil
        }
    }

    /// Step `index` (from 0) of a call, or nil when the script has ended and the caller hangs up.
    package func step(call: UInt32, index: Int) -> CallStep? {
        if slots.isEmpty { return nil }
        if let stepCount, index >= stepCount { return nil }
        let slot = slots[index % slots.count]
        var random = seed.stream("conversation-step", UInt64(call), UInt64(index))
        switch steps[slot.step] {
        case .say(let turn): return .say(planned(turn, call, &random))
        case .pool(let count, let pool):
            let ordinal = index / slots.count * count + slot.turn
            let turn = pool[place(ordinal, of: pool.count, step: slot.step, call: call)]
            return .say(planned(turn, call, &random))
        case .wait(let time): return .wait(time.draw(&random))
        case .digits(let digits): return .digits(digits)
        case .show(let path): return .show(pictures.firstIndex(of: path)!)
        case .hangUp: return .hangUp
        case .only: preconditionFailure("steps of one channel hold no others")
        }
    }

    /// The pool's index at `ordinal`: each round through the pool is a shuffle of its own.
    private func place(_ ordinal: Int, of count: Int, step: Int, call: UInt32) -> Int {
        let round = ordinal / count
        var random = seed.stream(
            "conversation-pool", UInt64(call), UInt64(round * steps.count + step))
        var order = Array(0..<count)
        for index in 0...ordinal % count {
            order.swapAt(index, index + random.below(count - index))
        }
        return order[ordinal % count]
    }

    private func planned(
        _ turn: ConversationScript.Turn, _ call: UInt32, _ random: inout RandomStream
    ) -> CallStep.Turn {
        let voice = speaker(of: call)
        func clip(_ choice: ConversationScript.ClipChoice, _ random: inout RandomStream) -> Int {
            let places = candidates[choice]?[voice] ?? []
            return places[random.below(places.count)]
        }
        var planned = CallStep.Turn(
            clip: clip(turn.clips, &random), pause: (turn.pause ?? script.pause).draw(&random),
            patience: turn.patience ?? script.patience,
            onSilence: turn.onSilence ?? script.onSilence, expect: turn.expect)
        if let bargeIn = turn.bargeIn, bargeIn.chance.draw(&random) {
            planned.bargeIn = CallStep.BargeIn(
                kind: bargeIn.kind, after: bargeIn.after.draw(&random),
                clip: clip(bargeIn.clips, &random), then: bargeIn.then.map { clip($0, &random) })
        }
        if let noise = turn.noise, noise.chance.draw(&random) {
            planned.noise = CallStep.Noise(
                after: noise.after.draw(&random), clip: clip(noise.clips, &random))
        }
        return planned
    }
}

/// One step of one call, every choice made. Clips are indices in the plan's corpus.
package enum CallStep: Hashable, Sendable {
    case say(Turn)
    case wait(Duration)
    case digits(String)
    /// An index in the plan's pictures.
    case show(Int)
    case hangUp

    package struct Turn: Hashable, Sendable {
        package var clip: Int
        /// After the agent fell silent, before the first sample.
        package var pause: Duration
        /// The scenario's when nil.
        package var patience: Duration?
        package var onSilence: ConversationScript.OnSilence
        package var expect: ConversationScript.Expectation?
        package var bargeIn: BargeIn?
        package var noise: Noise?
    }

    package struct Noise: Hashable, Sendable {
        /// After the caller's end.
        package var after: Duration
        package var clip: Int
    }

    package struct BargeIn: Hashable, Sendable {
        package var kind: BargeInKind
        /// After the reply's first audible sample.
        package var after: Duration
        package var clip: Int
        /// The tagged utterance once the agent fell silent.
        package var then: Int?
    }
}

extension ConversationScript {
    /// Every choice of clips in the script, in order.
    package var clipChoices: [ClipChoice] {
        steps.flatMap(\.clipChoices)
    }

    /// The steps that calls of a channel go through.
    package func steps(of channel: String) -> [Step] {
        steps.compactMap { step in
            guard case .only(let channels, let inner) = step else { return step }
            return channels.contains(channel) ? inner : nil
        }
    }
}

extension ConversationScript.Step {
    fileprivate var clipChoices: [ConversationScript.ClipChoice] {
        switch self {
        case .say(let turn): turn.clipChoices
        case .pool(_, let pool): pool.flatMap(\.clipChoices)
        case .only(_, let step): step.clipChoices
        case .wait, .digits, .show, .hangUp: []
        }
    }
}

extension ConversationScript.Turn {
    fileprivate var clipChoices: [ConversationScript.ClipChoice] {
        [clips] + (bargeIn.map { [$0.clips] + ($0.then.map { [$0] } ?? []) } ?? [])
            + (noise.map { [$0.clips] } ?? [])
    }
}
