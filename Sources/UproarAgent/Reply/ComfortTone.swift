import Glibc
import UproarAudio
import UproarCore

/// Two soft notes, for when no voice is there to say that the agent is at work: the one sound that needs no provider.
enum ComfortTone {
    static func audio(in format: AudioFormat) -> [UInt8] {
        let rate = Double(format.rate.value)
        let note = Int(rate * 0.18)
        var samples: [Int16] = []
        for (frequency, gap) in [(523.25, 0.06), (659.25, 0.0)] {
            for index in 0..<note {
                let fade = sin(Double(index) / Double(note) * .pi)
                samples.append(
                    Int16(2600 * fade * sin(2 * .pi * frequency * Double(index) / rate)))
            }
            samples += [Int16](repeating: 0, count: Int(rate * gap))
        }
        switch format.encoding {
        case .mulaw: return samples.map { G711.muLaw.encode($0) }
        case .alaw: return samples.map { G711.aLaw.encode($0) }
        case .linear16:
            return samples.flatMap {
                [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
            }
        }
    }
}
