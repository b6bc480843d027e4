internal import CSoxr
package import UproarCore

/// Changes the rate of a stream of samples, in high quality. The C type is `soxr_t`.
///
/// A stream has a delay: what was put in comes out some milliseconds of samples later, and `finish` gives the rest.
/// Without dither, so the same samples give the same samples.
package struct Resampler: ~Copyable {
    package let source: Hertz
    package let target: Hertz
    private let resampler: soxr_t

    package init(from source: Hertz, to target: Hertz) {
        var input = soxr_io_spec(SOXR_INT16_I, SOXR_INT16_I)
        input.flags |= UInt(SOXR_NO_DITHER)
        var quality = soxr_quality_spec(UInt(SOXR_20_BITQ), 0)
        var error: soxr_error_t?
        let resampler = soxr_create(
            Double(source.value), Double(target.value), 1, &error, &input, &quality, nil)
        guard let resampler, error == nil else {
            preconditionFailure("soxr refused \(source.value) Hz to \(target.value) Hz")
        }
        self.source = source
        self.target = target
        self.resampler = resampler
    }

    deinit { soxr_delete(resampler) }

    /// Appends to `output` what is ready after `samples`.
    package mutating func process(_ samples: Span<Int16>, into output: inout [Int16]) {
        var rest = samples
        while !rest.isEmpty {
            let taken = rest.withUnsafeBufferPointer { run($0, into: &output) }
            rest = rest.extracting(droppingFirst: taken)
        }
    }

    /// Appends what is still inside. Nothing may be processed after it.
    package mutating func finish(into output: inout [Int16]) {
        var before: Int
        repeat {
            before = output.count
            _ = run(nil, into: &output)
        } while output.count > before
    }

    /// Returns how many input samples were taken.
    private func run(_ input: UnsafeBufferPointer<Int16>?, into output: inout [Int16]) -> Int {
        let before = output.count
        let room = max(256, (input?.count ?? 4_096) * target.value / source.value + 256)
        output.append(contentsOf: repeatElement(0, count: room))
        var taken = 0
        var made = 0
        let error = output.withUnsafeMutableBufferPointer { output in
            soxr_process(
                resampler, input?.baseAddress, input?.count ?? 0, &taken,
                output.baseAddress! + before, room, &made)
        }
        precondition(error == nil, "soxr_process refused its own stream")
        output.removeLast(room - made)
        return taken
    }
}

extension PCM {
    /// This sound at another rate: as many samples as its length asks for, without delay.
    package func resampled(to target: Hertz) -> PCM {
        guard target != rate, !samples.isEmpty else { return PCM(rate: target, samples: samples) }
        var output: [Int16] = []
        var resampler = Resampler(from: rate, to: target)
        resampler.process(samples.span, into: &output)
        resampler.finish(into: &output)
        let length = (samples.count * target.value + rate.value / 2) / rate.value
        if output.count > length { output.removeLast(output.count - length) }
        output.append(contentsOf: repeatElement(0, count: length - output.count))
        return PCM(rate: target, samples: output)
    }
}
