import Testing
import UproarCore
import UproarStatistics

/// Histories in which it is known when the system noticed, switched and was whole again: what is reported has to contain it.
///
/// ```
///   planted     t0 ──── notice ──── switch ───────────── healed ──── back
///   turns       u1        u2           u3          u4        u5
///   seen                                  ▲ u2's words, late: the switch is behind us
/// ```
@Suite("Planted times are inside what is reported")
struct FaultTruthTests {
    private struct Plant {
        var role: ProviderRole
        var effect: Instant
        var notice: Duration
        var switched: Duration
        var establish: Duration
        var cleared: Instant
        var back: Duration
        var spacing: Duration
        var turns: [Instant]
        var isSaved: Bool
    }

    private static func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    private func plant(_ seed: UInt64) -> Plant {
        var random = Seed(seed).stream("planted drill")
        func draw(_ range: Range<Int>) -> Int {
            range.lowerBound + random.below(range.upperBound - range.lowerBound)
        }
        let effect = draw(10_000..<14_000)
        let notice = draw(0..<1_500)
        let spacing = draw(1_500..<9_000)
        let cleared = effect + draw(12_000..<20_000)
        let first = draw(2_000..<2_000 + spacing)
        return Plant(
            role: [.speechToText, .languageModel, .textToSpeech][Int(seed % 3)],
            effect: Self.at(effect), notice: .milliseconds(notice),
            switched: .milliseconds(notice + draw(0..<1_500)),
            establish: .milliseconds(draw(20..<700)), cleared: Self.at(cleared),
            back: .milliseconds(draw(100..<20_000)), spacing: .milliseconds(spacing),
            turns: stride(from: first, to: 70_000, by: spacing).map { Self.at($0) },
            isSaved: seed % 10 != 9)
    }

    private func providers(_ role: ProviderRole) -> (ProviderID, ProviderID) {
        switch role {
        case .speechToText: (.deepgram, .whisper)
        case .languageModel: (.openai, .anthropic)
        default: (.cartesia, .elevenlabs)
        }
    }

    /// The facts that an agent with these delays would cause; the callers' come a second late.
    private func facts(_ plant: Plant) -> [Fact] {
        let (primary, alternate) = providers(plant.role)
        let (asks, gives): (FactKind, FactKind) =
            switch plant.role {
            case .speechToText: (.speechRecognised, .finalSent)
            case .languageModel: (.modelRequested, .modelFirstContent)
            default: (.voiceTextReceived, .voiceFirstAudio)
            }
        var facts: [Fact] = []
        func state(_ kind: FactKind, _ at: Instant, _ turn: Int, _ origin: FactOrigin) {
            facts.append(
                Fact(
                    kind, at: at, call: 7,
                    reference: TurnReference(call: 7, utterance: UInt32(turn + 1)), origin: origin))
        }
        var isMet = false
        for (turn, ended) in plant.turns.enumerated() {
            state(.utteranceBegan, ended - .milliseconds(1_000), turn, .caller)
            state(.utteranceEnded, ended, turn, .caller)
            // What the role is to work on: words, an answer.
            if plant.role == .languageModel { state(.finalSent, ended, turn, .provider(.deepgram)) }
            if plant.role == .textToSpeech {
                state(.modelFirstContent, ended, turn, .provider(.openai))
            }
            let isDown = ended >= plant.effect && ended < plant.cleared + plant.back
            guard isDown else {
                state(asks, ended, turn, .provider(primary))
                state(gives, ended + .milliseconds(100), turn, .provider(primary))
                if plant.role == .textToSpeech {
                    state(.voiceFinished, ended + .milliseconds(300), turn, .provider(primary))
                }
                continue
            }
            if !isMet, plant.role == .languageModel {
                // A model's stream is met by its question, not before.
                isMet = true
                facts.append(effect(ended))
            }
            guard plant.isSaved else { continue }
            let asked = max(ended, plant.effect + plant.switched)
            state(asks, asked, turn, .provider(alternate))
            state(gives, asked + plant.establish, turn, .provider(alternate))
        }
        if plant.role != .languageModel { facts.append(effect(plant.effect)) }
        return facts.sorted { a, b in
            let late = { (fact: Fact) in fact.at + Int64(fact.origin == 1 ? 1_000_000_000 : 0) }
            return (late(a), a.kind) < (late(b), b.kind)
        }
    }

    private func effect(_ at: Instant) -> Fact {
        Fact(.faultEffective, at: at, call: 7, detail: 2, origin: .nemesis)
    }

    @Test("200 drills: the switch lies in the reported interval, which is never wider than a turn")
    func covered() throws {
        var covered = 0
        var judged = 0
        for seed in 0..<200 as Range<UInt64> {
            let plant = plant(seed)
            let (primary, _) = providers(plant.role)
            let history = history(plant, primary)
            let report = history.report(end: Self.at(75_000))
            // Time counts from when the fault met the call.
            let met = try #require(report.firstEffect)
            #expect(report.exposed == 1)
            guard plant.isSaved else {
                #expect(report.failover.allSatisfy { $0.length.isCensored })
                #expect(report.alternates.isEmpty)
                continue
            }
            guard let span = report.failover.first else {
                // Nothing was owed while it lasted.
                #expect(!plant.turns.contains { $0 >= plant.effect && $0 < plant.cleared })
                continue
            }
            judged += 1
            let truth = max(.zero, plant.effect + plant.switched - met) + plant.establish
            guard case .exact(let length) = span.length else {
                Issue.record("seed \(seed): \(span) is censored")
                continue
            }
            // What was under way when it struck still came, 100 ms after the turn.
            #expect(span.slack <= plant.spacing + .milliseconds(100), "seed \(seed)")
            if length <= truth, truth <= length + span.slack { covered += 1 }
            if let failback = report.failback {
                let back = plant.cleared + plant.back
                let next = plant.turns.first { $0 >= back }
                let seen = next.map { $0 + .milliseconds(100) - plant.cleared }
                #expect(
                    failback.length == seen.map { .exact($0) }
                        ?? .atLeast(Self.at(75_000) - plant.cleared), "seed \(seed)")
            }
        }
        #expect(judged >= 150)
        #expect(covered * 100 >= judged * 95, "\(covered) of \(judged)")
    }

    private func history(_ plant: Plant, _ primary: ProviderID) -> FaultHistory {
        var history = FaultHistory(
            .init(
                id: "down", number: 2, kind: "http_error", target: primary.name, summary: "",
                providers: [primary], recovery: .seconds(10)))
        history.take(Fact(.faultArmed, at: plant.effect, detail: 2, origin: .nemesis))
        var isCleared = false
        for fact in facts(plant) {
            if !isCleared, fact.instant >= plant.cleared + .seconds(1) {
                history.clear(at: plant.cleared)
                isCleared = true
            }
            history.take(fact)
        }
        history.clear(at: plant.cleared)
        return history
    }
}

extension TurnSample {
    fileprivate var isCensored: Bool { if case .atLeast = self { true } else { false } }
}
