internal import UproarCore

/// The last second of one audio stream as a scanner needs it: at 8 kHz, in mu-law, 8 KB whatever the input's format.
///
/// Wider input is averaged down by a whole factor, which keeps the tag's band (700–2,200 Hz) and costs one addition a sample;
/// the energy that is lost on the way is kept per block, because garbled audio gives itself away up there.
struct SampleHistory: ~Copyable {
    static let hopSize = 80
    static let blocksPerHop = hopSize / ToneMeter.blockSize
    private static let capacity = 8_192
    private static let blockCapacity = 512

    /// Input samples for one kept sample.
    let factor: Int
    private let encoding: AudioEncoding
    private let isMuLaw: Bool
    private let tables = Tables.shared
    /// By pointer: an array's head would be one more place in memory to look at for each frame.
    private let codes: UnsafeMutableRawBufferPointer
    /// Energy above the kept band, per block; empty when the input is at 8 kHz anyway.
    private var lost: [Float]
    /// Kept samples so far.
    private var count = 0
    /// The ring holds nothing but silence once so many samples in a row were silent: then silence need not be written again.
    private var silentCount = capacity
    private var hopEnergy: UInt64 = 0
    private(set) var hopPower: Float = 0
    // The group of `factor` input samples that is being averaged.
    private var groupSize = 0
    private var groupSum = 0
    private var groupEnergy: UInt64 = 0

    init(_ format: AudioFormat) {
        precondition(TagScanner.accepts(format.rate), "\(format.rate.value) Hz must be resampled")
        factor = format.rate.value / 8_000
        encoding = format.encoding
        isMuLaw = encoding == .mulaw
        codes = .allocate(byteCount: Self.capacity, alignment: 64)
        _ = codes.initializeMemory(as: UInt8.self, repeating: 0xff)
        lost = factor == 1 ? [] : [Float](repeating: 0, count: Self.blockCapacity)
    }

    deinit { codes.deallocate() }

    /// Forgets everything; keeps its storage.
    mutating func reset() {
        count = 0
        silentCount = 0
        hopEnergy = 0
        hopPower = 0
        groupSize = 0
        groupSum = 0
        groupEnergy = 0
        hopIsClosed = true
    }

    var hopIsFull: Bool { count > 0 && count % Self.hopSize == 0 && groupSize == 0 && !hopIsClosed }
    private var hopIsClosed = true
    /// Blocks that are complete, from the start of the stream.
    var blocksComplete: Int { count / ToneMeter.blockSize }
    /// The oldest block that is still whole.
    var firstBlockKept: Int {
        max(0, (count - Self.capacity) / ToneMeter.blockSize + 1)
    }

    /// Closes the hop that is full and returns its index.
    mutating func endHop() -> Int {
        hopPower = Float(hopEnergy) / Float(Self.hopSize * factor)
        hopEnergy = 0
        hopIsClosed = true
        return count / Self.hopSize - 1
    }

    // MARK: Taking samples, at most to the end of the hop; each returns how many

    mutating func take(_ bytes: RawSpan) -> Int {
        if factor == 1, encoding != .linear16 { return takeCodes(bytes) }
        let size = encoding.bytesPerSample
        precondition(bytes.byteCount % size == 0, "half a sample")
        let taken = min(room, bytes.byteCount / size)
        bytes.withUnsafeBytes { source in
            switch encoding {
            case .linear16:
                add(taken) { index in
                    Int(
                        Int16(
                            littleEndian: source.loadUnaligned(
                                fromByteOffset: 2 * index, as: Int16.self)))
                }
            case .mulaw, .alaw:
                let law: G711 = encoding == .mulaw ? .muLaw : .aLaw
                law.samplesByCode.withUnsafeBufferPointer { table in
                    add(taken) { Int(table[Int(source[$0])]) }
                }
            }
        }
        return taken
    }

    mutating func take(_ samples: Span<Int16>) -> Int {
        let taken = min(room, samples.count)
        samples.withUnsafeBufferPointer { samples in add(taken) { Int(samples[$0]) } }
        return taken
    }

    mutating func takeSilence(_ samples: Int) -> Int {
        let taken = min(room, samples)
        if factor == 1, silentCount >= Self.capacity {
            count += taken
            hopIsClosed = false
            return taken
        }
        if groupSize == 0, taken % factor == 0 {
            let kept = taken / factor
            let start = count & (Self.capacity - 1)
            // A hop never wraps: 8,192 is not a multiple of 80, so the ring may have to be filled in two parts.
            let first = min(kept, Self.capacity - start)
            for index in start..<start + first { codes[index] = 0xff }
            for index in 0..<kept - first { codes[index] = 0xff }
            if factor > 1 {
                let block = count / ToneMeter.blockSize
                let fresh = count % ToneMeter.blockSize == 0 ? block : block + 1
                let last = (count + kept - 1) / ToneMeter.blockSize
                if fresh <= last {
                    for index in fresh...last { lost[index & (Self.blockCapacity - 1)] = 0 }
                }
            }
            count += kept
            silentCount += kept
            hopIsClosed = false
        } else {
            silentCount = 0
            add(taken) { _ in 0 }
        }
        return taken
    }

    /// Input samples until the hop is full.
    private var room: Int { (Self.hopSize - count % Self.hopSize) * factor - groupSize }

    /// The common case: G.711 at 8 kHz goes into the ring as it is.
    private mutating func takeCodes(_ bytes: RawSpan) -> Int {
        let taken = min(room, bytes.byteCount)
        let isSilence =
            isMuLaw && bytes.withUnsafeBytes { Self.isSilent($0, taken) }
        if isSilence, silentCount >= Self.capacity {
            count += taken
            hopIsClosed = false
            return taken
        }
        silentCount = isSilence ? silentCount + taken : 0
        let start = count & (Self.capacity - 1)
        let first = min(taken, Self.capacity - start)
        var energy: UInt64 = 0
        let toMuLaw = isMuLaw ? [] : G711.aLaw.codesOfOtherLaw
        let squares = tables.squares
        bytes.withUnsafeBytes { source in
            if !isMuLaw {
                for index in 0..<taken {
                    let code = toMuLaw[Int(source[index])]
                    codes[(start + index) & (Self.capacity - 1)] = code
                    energy &+= UInt64(squares[Int(code)])
                }
                return
            }
            // A hop never wraps more than once.
            UnsafeMutableRawBufferPointer(rebasing: codes[start..<start + first])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<first]))
            if first < taken {
                UnsafeMutableRawBufferPointer(rebasing: codes[..<(taken - first)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[first..<taken]))
            }
            if isSilence { return }
            for index in 0..<taken { energy &+= UInt64(squares[Int(source[index])]) }
        }
        hopEnergy &+= energy
        count += taken
        hopIsClosed = false
        return taken
    }

    /// True when all bytes are the code of +0, eight at a time.
    private static func isSilent(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Bool {
        guard bytes[0] == 0xff else { return false }
        var index = 0
        while index + 8 <= count {
            if bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) != .max { return false }
            index += 8
        }
        while index < count {
            if bytes[index] != 0xff { return false }
            index += 1
        }
        return true
    }

    /// Averages `taken` input samples into the ring, a group of `factor` at a time; groups may be cut by the input's end.
    @inline(__always)
    private mutating func add(_ taken: Int, _ sample: (Int) -> Int) {
        guard taken > 0 else { return }
        silentCount = 0
        var sum = groupSum
        var energy = groupEnergy
        var size = groupSize
        var whole: UInt64 = 0
        var kept = count
        let factor = factor
        let squares = tables.squares
        Self.muLawCodes.withUnsafeBufferPointer { muLaw in
            lost.withUnsafeMutableBufferPointer { lost in
                for index in 0..<taken {
                    let value = sample(index)
                    sum += value
                    energy &+= UInt64(bitPattern: Int64(value * value))
                    size += 1
                    guard size == factor else { continue }
                    let average = factor == 1 ? sum : factor == 2 ? sum >> 1 : sum / factor
                    let code = muLaw[(average & 0xffff) >> 2]
                    codes[kept & (Self.capacity - 1)] = code
                    whole &+= energy
                    if factor > 1 {
                        let block = kept / ToneMeter.blockSize & (Self.blockCapacity - 1)
                        if kept % ToneMeter.blockSize == 0 { lost[block] = 0 }
                        lost[block] +=
                            Float(energy) / Float(factor) - Float(squares[Int(code)])
                    }
                    sum = 0
                    energy = 0
                    size = 0
                    kept += 1
                }
            }
        }
        hopEnergy &+= whole
        groupSum = sum
        groupEnergy = energy
        groupSize = size
        count = kept
        if size == 0 { hopIsClosed = false }
    }

    // MARK: Looking back

    /// Hands a block that is still kept to the meter.
    func measure(_ block: Int, with meter: inout ToneMeter) -> ToneMeter.Mark {
        let start = block * ToneMeter.blockSize
        let extra = factor == 1 ? 0 : max(0, lost[block & (Self.blockCapacity - 1)])
        // What follows speech, and what a tag is looked for in, is silence for a good part.
        if isSilent(from: start) { return meter.addSilence(extra: extra) }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: ToneMeter.blockSize) {
            buffer in
            guard let floats = buffer.baseAddress else {
                return ToneMeter.Mark(tone: 0, trust: 0)
            }
            let samples = tables.samples
            for index in 0..<ToneMeter.blockSize {
                let code = codes[(start &+ index) & (Self.capacity - 1)]
                floats[index] = samples[Int(code)]
            }
            return meter.add(floats, phase: block & 3, extra: extra)
        }
    }

    /// Whether a block holds nothing but +0. A block that the ring cuts is looked at like any other sound.
    private func isSilent(from start: Int) -> Bool {
        let place = start & (Self.capacity - 1)
        guard place + ToneMeter.blockSize <= Self.capacity else { return false }
        return codes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            & codes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self) == .max
            && codes.loadUnaligned(fromByteOffset: place + 16, as: UInt32.self) == .max
    }

    /// The first sample of the hop whose square exceeds `limit`; the hop's start when none does.
    func firstLoud(inHop hop: Int, limit: Float) -> Int {
        let start = hop * Self.hopSize
        for index in start..<start + Self.hopSize where Float(square(index)) > limit {
            return index
        }
        return start
    }

    /// After the last sample of the hop whose square exceeds `limit`; the hop's end when none does.
    func afterLastLoud(inHop hop: Int, limit: Float) -> Int {
        let end = (hop + 1) * Self.hopSize
        for index in (end - Self.hopSize..<end).reversed() where Float(square(index)) > limit {
            return index + 1
        }
        return end
    }

    private func square(_ index: Int) -> UInt32 {
        tables.squares[Int(codes[index & (Self.capacity - 1)])]
    }

    /// Of the 256 mu-law codes; made once, never freed. Held by pointer: a global costs a call for each use.
    private struct Tables {
        let squares: UnsafePointer<UInt32>
        let samples: UnsafePointer<Float>

        nonisolated(unsafe) static let shared = {
            let squares = UnsafeMutablePointer<UInt32>.allocate(capacity: 256)
            let samples = UnsafeMutablePointer<Float>.allocate(capacity: 256)
            for (code, sample) in G711.muLaw.samplesByCode.enumerated() {
                (squares + code).initialize(to: UInt32(Int(sample) * Int(sample)))
                (samples + code).initialize(to: Float(sample))
            }
            return Tables(squares: squares, samples: samples)
        }()
    }

    /// Mu-law codes by the upper 14 bits of the sample.
    private static let muLawCodes = (0..<16_384).map {
        G711.muLaw.encode(Int16(bitPattern: UInt16($0) << 2))
    }
}
