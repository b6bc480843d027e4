import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct HDRHistogramTests {
    @Test(arguments: [
        0, 1, 511, 512, 1_000, 1 << 20, (1 << 20) - 1, (1 << 21) + 5, 640_000_000,
        3_600_000_000_000,
    ])
    func everyValueLiesInItsSlot(_ value: Int64) {
        let slot = HDRSlots.slot(of: value)
        #expect(HDRSlots.lowest(slot) <= value && value <= HDRSlots.highest(slot))
        #expect(slot < HDRSlots.count)
    }

    @Test func slotsFollowEachOtherWithoutGapOrOverlap() {
        for slot in 0..<HDRSlots.count - 1 {
            #expect(HDRSlots.highest(slot) + 1 == HDRSlots.lowest(slot + 1))
        }
    }

    @Test func threeDigitsSurviveFromOneMillisecondToOneHour() {
        var value = 1_000_000.0
        while value < 3.6e12 {
            let slot = HDRSlots.slot(of: Int64(value))
            #expect(Double(HDRSlots.width(slot)) <= value / 1000)
            value *= 1.37
        }
    }

    @Test func quantilesAreNearestRanks() {
        var histogram = HDRHistogram()
        for value in 1...100 { histogram.record(Int64(value) * 1_000_000) }
        let p50 = histogram.quantile(0.5)!
        #expect(HDRSlots.slot(of: p50) == HDRSlots.slot(of: 50_000_000))
        #expect(histogram.quantile(1) == 100_000_000)
        #expect(HDRSlots.slot(of: histogram.quantile(0)!) == HDRSlots.slot(of: 1_000_000))
        #expect(HDRSlots.slot(of: histogram.quantile(0.07)!) == HDRSlots.slot(of: 7_000_000))
        #expect(histogram.mean == 50_500_000)
        #expect(histogram.count(below: 50_500_000) == 50)
    }

    @Test func valuesAboveOneHourAreCountedAsOneHour() {
        var histogram = HDRHistogram()
        histogram.record(.max)
        #expect(histogram.maximum == HDRSlots.highestTrackable)
        #expect(histogram.clampedCount == 1)
    }

    @Test(arguments: 1...12)
    func mergedShardsEqualTheWhole(_ seed: Int) throws {
        var random = Seed(UInt64(seed)).stream("shards")
        let shardCount = 2 + random.below(6)
        var shards = [HDRHistogram](repeating: HDRHistogram(), count: shardCount)
        var whole = HDRHistogram()
        // Up to 20,000 values reach the dense storage in the whole while shards stay sparse, and the other way round.
        for _ in 0..<(seed % 2 == 0 ? 300 : 20_000) {
            let value = Int64(1) << Int64(random.below(42))
            let sample = value + Int64(random.below(Int(value)))
            shards[random.below(shardCount)].record(sample)
            whole.record(sample)
        }
        var forward = HDRHistogram()
        for shard in shards { forward.add(shard) }
        var backward = HDRHistogram()
        for shard in shards.reversed() { backward.add(shard) }
        var nested = shards[0]
        var rest = HDRHistogram()
        for shard in shards.dropFirst() { rest.add(shard) }
        nested.add(rest)
        #expect(forward == whole && backward == whole && nested == whole)
        for q in [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            #expect(forward.quantile(q) == whole.quantile(q))
        }
        #expect(forward.encodedV2() == whole.encodedV2())
    }

    @Test func aRoundTripKeepsEverySlot() throws {
        var histogram = HDRHistogram()
        var random = Seed(7).stream("round-trip")
        for _ in 0..<5_000 { histogram.record(Int64(random.below(3_000_000_000))) }
        let plain = try HDRHistogram(decodingV2: histogram.encodedV2())
        let packed = try HDRHistogram(base64: histogram.base64)
        #expect(plain == packed)
        #expect(plain.encodedV2() == histogram.encodedV2())
        var restored = packed
        restored.restore(
            sum: histogram.sum, least: histogram.least, greatest: histogram.greatest,
            clamped: histogram.clampedCount)
        #expect(restored == histogram)
    }

    @Test func damagedBytesAreRefusedNotTrusted() throws {
        var histogram = HDRHistogram()
        for value in 1...60 { histogram.record(Int64(value) * 777_777) }
        for bytes in [histogram.encodedV2(), histogram.encodedV2Compressed()] {
            for cut in 0..<min(bytes.count, 200) {
                #expect(throws: HDRHistogram.WireError.self) {
                    try HDRHistogram(decodingV2: Array(bytes.prefix(cut)))
                }
            }
            var random = Seed(3).stream("damage")
            for _ in 0..<60 {
                var damaged = bytes
                damaged[random.below(bytes.count)] = UInt8(random.below(256))
                // Either refused or a histogram of other numbers; never a crash.
                _ = try? HDRHistogram(decodingV2: damaged)
            }
        }
    }

    @Test func anotherConfigurationIsRefused() {
        var bytes = HDRHistogram().encodedV2()
        bytes[15] = 2
        #expect(throws: HDRHistogram.WireError.otherConfiguration) {
            try HDRHistogram(decodingV2: bytes)
        }
    }

    /// Made by PyPI's `hdrhistogram` 0.10: `scripts/check-hdr` makes larger ones and checks both directions.
    @Test func theReferenceImplementationsBytesAreOurs() throws {
        let text =
            "HISTFAAAADJ4nJNpmSzMwMAgyAABzFDqBRC7GexYwGD/ASLCwsjUuJmRpZ+VqZ+P6eVmRiYA2kcJWg=="
        var histogram = HDRHistogram()
        for value: Int64 in [
            0, 1, 1_500, 640_000_000, 640_000_000, 812_345_678, 1_500_000_000, 3_600_000_000_000,
        ] { histogram.record(value) }
        let read = try HDRHistogram(base64: text)
        #expect(read.encodedV2() == histogram.encodedV2())
        #expect(histogram.base64 == text)
        #expect(histogram.value(atRank: 4) == 640_155_647)
    }
}
