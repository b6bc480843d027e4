internal import CSndfile
internal import Glibc
internal import UproarCore

/// Sound files of any kind libsndfile knows: WAV, FLAC, Ogg (Vorbis, Opus), AIFF, MP3, AU, CAF and more.
package enum AudioFile {
    /// Longer recordings are refused: a corpus is held in memory as a whole.
    package static let longest = Duration.seconds(3_600)

    /// A sound file as it is, and its sound.
    package struct Recording: Sendable {
        /// All channels mixed into one.
        package var sound: PCM
        package var channels: Int
        /// How long one channel stood at full scale for 0.1 ms or more at a time: what was cut off when it was recorded.
        package var clipped: Duration
        /// What was taken off every sample: where a recording's silence stands, when that is not zero. 0 where it was below 0.25 %
        /// of full scale. No telephone carries it, and a level that never falls would be speech from end to end.
        package var offset: Int
    }

    /// Offsets below this, 0.25 % of full scale, stay, and the sound is as the file has it, sample by sample: the quietest 50 ms of a
    /// lopsided voice have half of it.
    private static let leastOffset = 81.5
    /// Of 50 ms each: a shorter sound has no silence to tell an offset by.
    private static let leastBlocks = 4

    /// Reads a file of any rate; all its channels are mixed into one, each as loud as the others.
    package static func read(_ path: String) throws(AudioFileError) -> PCM {
        try recording(path).sound
    }

    /// The same, with what only the file itself tells.
    package static func recording(_ path: String) throws(AudioFileError) -> Recording {
        var description = SF_INFO()
        guard access(path, F_OK) == 0 else { throw AudioFileError(path, .missing) }
        guard access(path, R_OK) == 0 else {
            throw AudioFileError(path, .unreadable(String(cString: strerror(errno))))
        }
        guard let file = sf_open(path, Int32(SFM_READ), &description) else {
            let reason = String(cString: sf_strerror(nil))
            if isEmptyFile(path) { throw AudioFileError(path, .empty) }
            switch sf_error(nil) {
            case Int32(SF_ERR_SYSTEM): throw AudioFileError(path, .unreadable(reason))
            case Int32(SF_ERR_UNRECOGNISED_FORMAT),
                Int32(SF_ERR_UNSUPPORTED_ENCODING):
                throw AudioFileError(path, .unknownFormat(reason))
            default:
                if let codec = foreignWAVCodec(path) {
                    throw AudioFileError(path, .unknownFormat(codec))
                }
                // What libsndfile says of a file whose name alone promises sound, as text.mp3.
                if reason.hasPrefix("File does not exist") {
                    throw AudioFileError(path, .unknownFormat("its content is no sound"))
                }
                throw AudioFileError(path, .damaged(reason))
            }
        }
        return try read(file, description, path)
    }

    /// Reads a file that is in memory, of any kind `read(_:)` takes; errors call it `upload`.
    package static func read(bytes: [UInt8]) throws(AudioFileError) -> PCM {
        let name = "upload"
        guard !bytes.isEmpty else { throw AudioFileError(name, .empty) }
        let memory = AudioMemory(bytes)
        let sound = withExtendedLifetime(memory) { () -> Result<PCM, AudioFileError> in
            var description = SF_INFO()
            guard let file = memory.open(Int32(SFM_READ), &description) else {
                return .failure(
                    AudioFileError(name, .unknownFormat(String(cString: sf_strerror(nil)))))
            }
            return Result { () throws(AudioFileError) in try read(file, description, name).sound }
        }
        return try sound.get()
    }

    /// Closes the file.
    private static func read(_ file: OpaquePointer, _ description: SF_INFO, _ path: String)
        throws(AudioFileError) -> Recording
    {
        defer { sf_close(file) }
        guard (1...768_000).contains(description.samplerate), description.channels > 0 else {
            throw AudioFileError(path, .damaged("no rate that sound has, or no channels"))
        }
        let rate = Hertz(Int(description.samplerate))
        // A file made as a stream does not say its length: the C constant is SF_COUNT_MAX. It is bounded while it is read.
        let limit = rate.samples(in: longest)
        guard description.frames == Int64.max || description.frames <= Int64(limit) else {
            let samples = min(Int(clamping: description.frames), 100 * limit)
            throw AudioFileError(path, .tooLong(rate.duration(samples: samples)))
        }
        let channels = Int(description.channels)
        let (samples, clipped) = try mix(file, channels: channels, rate, limit: limit, path)
        guard !samples.isEmpty else { throw AudioFileError(path, .empty) }
        let offset = offset(samples, rate)
        return Recording(
            sound: PCM(rate: rate, samples: centred(samples, offset)), channels: channels,
            clipped: rate.duration(samples: clipped), offset: offset)
    }

    /// The mean of the quietest block: an offset stands in the silence, too, while voices are lopsided by themselves.
    private static func offset(_ samples: [Int16], _ rate: Hertz) -> Int {
        let length = max(1, rate.value / 20)
        guard samples.count >= leastBlocks * length else { return 0 }
        var blocks: [(mean: Double, variance: Double)] = []
        for start in stride(from: 0, through: samples.count - length, by: length) {
            var sum = 0.0
            var squares = 0.0
            for index in start..<start + length {
                let value = Double(samples[index])
                sum += value
                squares += value * value
            }
            let mean = sum / Double(length)
            blocks.append((mean, squares / Double(length) - mean * mean))
        }
        guard let quiet = blocks.min(by: { $0.variance < $1.variance })?.mean else { return 0 }
        let whole = blocks.reduce(0) { $0 + $1.mean } / Double(blocks.count)
        // What only the quietest block has is a swing of its noise.
        guard abs(quiet) >= leastOffset, whole / quiet > 0.5 else { return 0 }
        return Int(quiet.rounded())
    }

    private static func centred(_ samples: [Int16], _ offset: Int) -> [Int16] {
        guard offset != 0 else { return samples }
        return samples.map { Int16(max(-32_768, min(32_767, Int($0) - offset))) }
    }

    /// The mix, and how many samples of one channel stood at full scale one behind the other.
    private static func mix(
        _ file: OpaquePointer, channels: Int, _ rate: Hertz, limit: Int, _ path: String
    ) throws(AudioFileError) -> (samples: [Int16], clipped: Int) {
        let chunk = 4_096
        // Speech that is merely loud touches full scale for a sample; cut-off tops are flat.
        let flat = max(2, rate.value / 10_000)
        var runs = [Int](repeating: 0, count: channels)
        var clipped = 0
        var samples: [Int16] = []
        var buffer = [Float](repeating: 0, count: chunk * channels)
        while true {
            let count = Int(sf_readf_float(file, &buffer, sf_count_t(chunk)))
            guard count > 0 else { break }
            samples.reserveCapacity(samples.count + count)
            for frame in 0..<count {
                var sum: Float = 0
                for channel in 0..<channels {
                    let value = buffer[frame * channels + channel]
                    sum += value
                    guard abs(value) >= 0.9995 else {
                        runs[channel] = 0
                        continue
                    }
                    runs[channel] += 1
                    clipped += runs[channel] == flat ? flat : runs[channel] > flat ? 1 : 0
                }
                let value = sum / Float(channels) * 32_768
                // A float file may hold anything, NaN included.
                samples.append(
                    value.isFinite ? Int16(max(-32_768, min(32_767, value.rounded()))) : 0)
            }
            if samples.count > limit { throw AudioFileError(path, .tooLong(longest)) }
        }
        if sf_error(file) != 0, samples.isEmpty {
            throw AudioFileError(path, .damaged(String(cString: sf_strerror(file))))
        }
        return (samples, clipped)
    }

    /// The codec of a WAV file that is sound in itself but of a kind libsndfile calls malformed, which would mislead.
    private static func foreignWAVCodec(_ path: String) -> String? {
        guard let stream = fopen(path, "rb") else { return nil }
        defer { fclose(stream) }
        var head = [UInt8](repeating: 0, count: 22)
        guard fread(&head, 1, head.count, stream) == head.count,
            head[0..<4].elementsEqual("RIFF".utf8), head[8..<16].elementsEqual("WAVEfmt ".utf8)
        else { return nil }
        let tag = Int(head[21]) << 8 | Int(head[20])
        // Linear, Microsoft ADPCM, float, A-law, mu-law, IMA ADPCM, GSM 6.10, extensible (mmreg.h): damage is damage there.
        guard ![0x01, 0x02, 0x03, 0x06, 0x07, 0x11, 0x31, 0xfffe].contains(tag) else { return nil }
        return "WAV with codec \(tag) of the registry"
    }

    private static func isEmptyFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_size == 0
    }

    /// Writes 16-bit WAV or FLAC, or Ogg Opus (8, 12, 16, 24 or 48 kHz), by the path's ending.
    package static func write(_ sound: PCM, to path: String) throws(AudioFileError) {
        let format: Int
        switch path.split(separator: ".").last?.lowercased() {
        case "wav": format = SF_FORMAT_WAV | SF_FORMAT_PCM_16
        case "flac": format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16
        case "opus", "ogg": format = SF_FORMAT_OGG | SF_FORMAT_OPUS
        default: throw AudioFileError(path, .unknownFormat("endings are .wav, .flac and .opus"))
        }
        var description = SF_INFO()
        description.samplerate = Int32(sound.rate.value)
        description.channels = 1
        description.format = Int32(format)
        guard let file = sf_open(path, Int32(SFM_WRITE), &description) else {
            throw AudioFileError(path, .unwritable(String(cString: sf_strerror(nil))))
        }
        let written = sf_writef_short(file, sound.samples, sf_count_t(sound.samples.count))
        let closed = sf_close(file)
        guard written == sound.samples.count, closed == 0 else {
            throw AudioFileError(path, .unwritable("only \(written) samples could be written"))
        }
    }
}
