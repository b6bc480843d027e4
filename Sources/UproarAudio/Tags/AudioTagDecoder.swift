internal import Glibc
package import UproarCore

/// Finds a tag in a piece of sound that is there as a whole. Streams use `TagScanner`.
package enum AudioTagDecoder {
    package struct Find: Hashable, Sendable {
        package var wire: UInt32
        /// The tag's first sample, at the sound's own rate; right within about 1 ms.
        package var start: Int
        /// How many of the 20 symbols were wrong.
        package var mended: Int
    }

    /// The first tag of `kind` that starts at or after `from` (a sample), or nil. The rate must be one a scanner accepts.
    package static func find(_ kind: AudioTag.Kind, in sound: PCM, from: Int = 0) -> Find? {
        var history = SampleHistory(AudioFormat(.linear16, sound.rate))
        var meter = ToneMeter()
        var search = TagSearch(kind)
        var rest = sound.samples.span.extracting(droppingFirst: min(from, sound.samples.count))
        var block = 0
        let factor = history.factor
        func found(_ find: TagSearch.Find) -> Find {
            let start = from + max(0, find.start) * factor
            return Find(wire: find.wire, start: start, mended: find.mended)
        }
        while !rest.isEmpty {
            rest = rest.extracting(droppingFirst: history.take(rest))
            if history.hopIsFull { _ = history.endHop() }
            while block < history.blocksComplete {
                let mark = history.measure(block, with: &meter)
                if let find = search.add(mark, isWhole: block >= 7) { return found(find) }
                block += 1
            }
        }
        // A tag that ends with the sound has no later marks that could fit better.
        for _ in 0..<TagSearch.patience {
            if let find = search.add(.init(tone: 0, trust: 0), isWhole: true) { return found(find) }
        }
        return search.finish().map(found)
    }
}

extension AudioTag {
    /// One 20 ms symbol as samples: tone `index` (0…15) at `rate`, which must be a multiple of 400 Hz.
    package static func toneFrame(_ index: Int, rate: Hertz) -> [Int16] {
        precondition((0..<toneCount).contains(index), "there is no tone \(index)")
        let frequency = frequency(of: index)
        return (0..<rate.samplesPerFrame).map { sample in
            let turn = Double(frequency.value * sample % rate.value) / Double(rate.value)
            return Int16((sin(2 * Double.pi * turn) * Double(amplitude) * 32_767).rounded())
        }
    }

    /// The whole tag as samples.
    package func sound(rate: Hertz) -> PCM {
        PCM(
            rate: rate,
            samples: (0..<Self.frameCount).flatMap { Self.toneFrame(Int(tone(at: $0)), rate: rate) }
        )
    }
}
