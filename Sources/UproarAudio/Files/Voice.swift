internal import CFlite
internal import Glibc
package import UproarCore

/// Flite's voices: real speech at 16 kHz, about a hundred times faster than it plays.
///
/// Flite keeps global state and is not re-entrant, and a reply takes 30–120 ms: render on one helper thread per process,
/// never on an event loop. Calls from several threads are safe but wait for each other.
package enum Voice: String, CaseIterable, Sendable {
    /// A US woman.
    case slt
    /// A US man.
    case rms
    /// A Scottish man.
    case awb
    /// A US man, by the older diphone method.
    case kal16

    package static let rate = Hertz.wideband

    /// Which Flite speaks. Two builds of one version may still differ in their last bits.
    package static let library = "flite " + FLITE_PROJECT_VERSION

    /// Speaks `text`. The same text gives the same samples; a text without anything to say gives none.
    package func render(_ text: String) -> PCM {
        pthread_mutex_lock(Self.turn.mutex)
        defer { pthread_mutex_unlock(Self.turn.mutex) }
        guard let voice = Self.turn.voice(self) else { return PCM(rate: Self.rate, samples: []) }
        // Flite draws its unvoiced excitation from the C library's generator.
        srand(1)
        guard let wave = flite_text_to_wave(text, voice) else {
            return PCM(rate: Self.rate, samples: [])
        }
        defer { delete_wave(wave) }
        let count = Int(max(0, wave.pointee.num_samples))
        let samples = wave.pointee.samples.map {
            Array(UnsafeBufferPointer(start: $0, count: count))
        }
        let sound = PCM(rate: Hertz(Int(wave.pointee.sample_rate)), samples: samples ?? [])
        return sound.resampled(to: Self.rate)
    }

    private static let turn = Turn()

    /// Flite's global state, and the lock that makes it one thread's at a time.
    private final class Turn: Sendable {
        nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
        nonisolated(unsafe) private var voices: [Voice: UnsafeMutablePointer<cst_voice>] = [:]

        init() {
            mutex = .allocate(capacity: 1)
            pthread_mutex_init(mutex, nil)
            flite_init()
        }

        /// Only while the mutex is held. A voice is loaded on first use and stays.
        func voice(_ name: Voice) -> UnsafeMutablePointer<cst_voice>? {
            if let voice = voices[name] { return voice }
            let voice: UnsafeMutablePointer<cst_voice>? =
                switch name {
                case .slt: register_cmu_us_slt(nil)
                case .rms: register_cmu_us_rms(nil)
                case .awb: register_cmu_us_awb(nil)
                case .kal16: register_cmu_us_kal16(nil)
                }
            voices[name] = voice
            return voice
        }
    }
}
