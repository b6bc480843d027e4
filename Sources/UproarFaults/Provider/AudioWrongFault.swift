import UproarCore

/// Speech comes as something else than was asked for.
package struct AudioWrongFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "audio_wrong",
        summary: "Speech comes as something else than was asked for.",
        effect: "audio was changed",
        attributes: [
            .init(
                "defect", .word(AnswerShape.AudioDefect.allCases.map(\.rawValue)),
                "What is wrong with it; noise when not given.")
        ],
        targets: ["tts", "cartesia", "elevenlabs"], recovery: .seconds(10))

    let defect: AnswerShape.AudioDefect

    package init(_ attributes: FaultAttributes) {
        defect = attributes.text("defect").flatMap(AnswerShape.AudioDefect.init) ?? .noise
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? { .audio(defect) }
}
