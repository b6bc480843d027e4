import Glibc
import UproarAudio
import UproarCore

/// One clip of a corpus beside what its recording really is.
package struct CheckedClip {
    package var description: ClipDescription
    private var recording: AudioFile.Recording?
    /// What makes the clip unusable.
    package private(set) var problems: [String] = []
    /// What a person should know; the clip can be used.
    package private(set) var notes: [String] = []

    init(_ description: ClipDescription, _ recording: AudioFile.Recording) {
        self.description = description
        self.recording = recording
        let end = recording.sound.duration
        if recording.offset != 0 {
            let share = NumberText.fixed(Double(abs(recording.offset)) / 327.68, 1)
            notes.append(
                "it swings around \(share)% of full scale and not around zero: that is taken off, as a telephone does"
            )
        }
        if description.speech.upperBound >= end, description.kind != .noise {
            notes.append("the speech runs into the end of the file: is its last word whole?")
        }
        if description.speech.lowerBound == .zero, description.kind != .noise {
            notes.append("the speech begins with the file: is its first word whole?")
        }
        let phone = ClipAnnotator.annotate(recording.sound, carriedAt: .telephone)
        if description.isAnnotatedByUs {
            if let phone {
                let early = description.speech.upperBound - phone.speech.upperBound
                if early > .milliseconds(20) {
                    notes.append("by telephone it ends \(NumberText.duration(early)) sooner")
                }
            } else {
                notes.append("by telephone nothing of it is loud enough to be speech")
            }
        }
        let longest = description.innerPauses.map { $0.upperBound - $0.lowerBound }.max() ?? .zero
        if longest > .milliseconds(500), description.kind == .utterance {
            notes.append(
                "a pause of \(NumberText.duration(longest)): an agent may take it for the end")
        }
    }

    init(_ description: ClipDescription, problem: String) {
        self.description = description
        problems = [problem]
    }

    /// A few flat tops are what a lively recording has; more is distortion, which recognisers stumble over.
    var isClipped: Bool {
        guard let recording else { return false }
        return recording.clipped > .milliseconds(5)
    }

    static func clippedText(_ recording: AudioFile.Recording) -> String {
        "clipped: it stands at full scale for \(NumberText.duration(recording.clipped)) of "
            + "\(NumberText.duration(recording.sound.duration)); record it at a lower level"
    }

    /// With what differs between the manifest and the recording.
    func compared() -> CheckedClip {
        guard let recording else { return self }
        var clip = self
        if isClipped { clip.problems.append(Self.clippedText(recording)) }
        let speech = description.speech
        if speech.upperBound > recording.sound.duration {
            clip.problems.append(
                "the manifest lets the speech end at \(NumberText.duration(speech.upperBound)), and the "
                    + "file at \(NumberText.duration(recording.sound.duration))")
        }
        guard let found = ClipAnnotator.annotate(recording.sound) else {
            clip.problems.append("nothing in it is loud enough to be speech")
            return clip
        }
        let difference = found.speech.upperBound - speech.upperBound
        if description.isAnnotatedByUs, found.speech != speech {
            clip.problems.append(
                "the manifest says \(Self.text(speech)), the recording \(Self.text(found.speech)): "
                    + "add it anew, or say annotated_by: hand")
        } else if abs(difference.nanoseconds) > 200_000_000 {
            clip.notes.append(
                "annotated by hand to end at \(NumberText.duration(speech.upperBound)); "
                    + "we would say \(NumberText.duration(found.speech.upperBound))")
        }
        return clip
    }

    private static func text(_ range: Range<Duration>) -> String {
        "\(NumberText.duration(range.lowerBound))–\(NumberText.duration(range.upperBound))"
    }

    /// `add-milk  speech 120ms–1.84s of 2.1s, 44,100 Hz, 2 channels, peak −3.1 dBFS`, then what is to be said of it.
    package var text: String {
        var line = "\(description.id)  \(Self.text(description.speech))"
        if let recording {
            let sound = recording.sound
            line += " of \(NumberText.duration(sound.duration))"
            line += "  \(NumberText.grouped(sound.rate.value)) Hz"
            line += recording.channels == 1 ? "" : ", \(recording.channels) channels mixed"
            line += "  peak \(SoundLevel.peak(of: sound))"
        }
        let pauses = description.innerPauses
        if !pauses.isEmpty {
            line += "  pauses " + pauses.map(Self.text).joined(separator: ", ")
        }
        for problem in problems { line += "\n  PROBLEM  \(problem)" }
        for note in notes { line += "\n  note  \(note)" }
        return line
    }
}

enum SoundLevel {
    /// `−3.1 dBFS`.
    static func peak(of sound: PCM) -> String {
        let peak = sound.samples.reduce(0) { max($0, abs(Int($1))) }
        guard peak > 0 else { return "silence" }
        return NumberText.fixed(20 * log10(Double(peak) / 32_768), 1) + " dBFS"
    }
}
