import Glibc
import UproarAudio
import UproarCore

/// Nanoseconds per 20 ms frame that a scanner takes, by what the frame holds.
enum ScannerCost {
    static func all(_ speech: PCM) -> [String] {
        let phone = speech.resampled(to: .telephone)
        let tag = AudioTag(wire: 0x5eed_cafe).sound(rate: .telephone).samples
        let tail = AudioTag(wire: 0x5eed_cafe, kind: .tail).sound(rate: .telephone).samples
        let silence = [Int16](repeating: 0, count: 8_000)
        var talk: [Int16] = []
        while talk.count < 80_000 { talk += phone.samples }
        // A reply of 3 s each 8 s, with both tags.
        var call: [Int16] = []
        while call.count < 480_000 {
            call += tag + talk[call.count % 40_000..<call.count % 40_000 + 24_000] + tail
            for _ in 0..<4 { call += silence }
        }
        return [
            line("silence, mu-law", codes(silence), .telephone, repeats: 400),
            line("speech without end, mu-law", codes(talk), .telephone, repeats: 60),
            line(
                "speech without end, linear 16 kHz", linear(talk, .wideband), .browser, repeats: 30),
            line("a call (3 s of 8 s, two tags), mu-law", codes(call), .telephone, repeats: 10),
            line(
                "a call, A-law", codes(call, .aLaw), AudioFormat(.alaw, .telephone), repeats: 10),
            line("a call, linear 16 kHz", linear(call, .wideband), .browser, repeats: 5),
            line(
                "a call, linear 24 kHz", linear(call, Hertz(24_000)),
                AudioFormat(.linear16, Hertz(24_000)), repeats: 5),
        ]
    }

    private static func codes(_ samples: [Int16], _ law: G711 = .muLaw) -> [UInt8] {
        AudioPath.codes(PCM(rate: .telephone, samples: samples), law)
    }

    private static func linear(_ samples: [Int16], _ rate: Hertz) -> [UInt8] {
        AudioPath.bytes(PCM(rate: .telephone, samples: samples).resampled(to: rate).samples)
    }

    private static func line(
        _ name: String, _ bytes: [UInt8], _ format: AudioFormat, repeats: Int
    ) -> String {
        let frame = format.bytesPerFrame
        var scanner = TagScanner(format)
        var events = 0
        var frames = 0
        var before = timespec()
        var after = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before)
        for _ in 0..<repeats {
            for start in stride(from: 0, through: bytes.count - frame, by: frame) {
                scanner.feed(bytes.span.bytes.extracting(start..<start + frame)) { _ in events += 1
                }
                frames += 1
            }
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after)
        let spent =
            (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec
        let text = "scanner, \(name):"
        return text + String(repeating: " ", count: max(1, 50 - text.count))
            + "\(spent / frames) ns per frame (\(frames) frames, \(events) events)"
    }
}
