import Glibc
import Synchronization
import UproarAudio
import UproarCore
import UproarPosix
import UproarProviders

/// What Flite has spoken before, as files in the user's cache folder: a run's replies are spoken once, not once for each run.
///
/// A cache never changes a result: the same text gives the same samples, and an entry counts only when it is whole (a sum over
/// all of it), of this text and voice, and of a Flite that speaks as this one does: its version, and a word of it, are part of
/// the key. What cannot be read or written is spoken as if there were no cache.
///
///     magic │ sum of the rest │ rate │ length of the key │ key │ samples          (little-endian; 8, 8, 4, 4 bytes)
package final class VoiceCache: VoiceShelf {
    /// More is not kept; nothing is thrown away, for the texts of scenarios change seldom.
    package static let byteLimit = 256 << 20

    private static let magic = Array("UPRVOICE".utf8)
    private static let headCount = 24

    private let folder: String
    private let byteLimit: Int
    private let state = Mutex(State())

    private struct State {
        /// By voice: what its Flite is known by.
        var marks: [Voice: String] = [:]
        /// Bytes in the folder, once they have been counted; nothing is kept when it cannot be made.
        var size: Int?
        var isClosed = false
    }

    package init(folder: String, byteLimit: Int = VoiceCache.byteLimit) {
        self.folder = folder
        self.byteLimit = byteLimit
    }

    /// In `UPROAR_CACHE`, else `XDG_CACHE_HOME/uproar`, else `HOME/.cache/uproar`; nil with `UPROAR_CACHE=off`, and where there is no
    /// home.
    package static func usual() -> VoiceCache? {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        if let named = variable("UPROAR_CACHE") {
            return named == "off" ? nil : VoiceCache(folder: named + "/voices")
        }
        // A relative one is to be ignored (XDG Base Directory Specification).
        let base = variable("XDG_CACHE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
        guard let base = base ?? variable("HOME").map({ $0 + "/.cache" }) else { return nil }
        return VoiceCache(folder: base + "/uproar/voices")
    }

    package func sound(of text: String, in voice: Voice) -> PCM? {
        let key = key(text, voice)
        return ProcFile.bytes(path(key)).flatMap { Self.decode($0, key: key) }
    }

    package func keep(_ sound: PCM, of text: String, in voice: Voice) {
        let key = key(text, voice)
        let bytes = Self.encode(sound, key: key)
        guard takeRoom(bytes.count) else { return }
        do {
            // Who reads it sees whether it is whole: the disk is not waited for.
            try AtomicFile.write(bytes, to: path(key), isLasting: false)
        } catch {
            state.withLock { $0.isClosed = true }
        }
    }

    private func takeRoom(_ count: Int) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            if state.size == nil {
                state.isClosed = (try? AtomicFile.makeFolder(folder)) == nil
                state.size = Self.size(of: folder)
            }
            let size = (state.size ?? 0) + count
            guard !state.isClosed, size <= byteLimit else { return false }
            state.size = size
            return true
        }
    }

    private static func size(of folder: String) -> Int {
        guard let listing = opendir(folder) else { return 0 }
        defer { closedir(listing) }
        var size = 0
        while let entry = readdir(listing) {
            var status = stat()
            if fstatat(dirfd(listing), &entry.pointee.d_name.0, &status, 0) == 0,
                status.st_mode & S_IFMT == S_IFREG
            {
                size += Int(status.st_size)
            }
        }
        return size
    }

    // MARK: Keys

    private func key(_ text: String, _ voice: Voice) -> [UInt8] {
        let mark = state.withLock { state in
            if let known = state.marks[voice] { return known }
            let word = voice.render("ah").samples
            let made = String(word.withUnsafeBytes { Self.sum($0) }, radix: 16)
            state.marks[voice] = made
            return made
        }
        return Array("\(Voice.library)\n\(mark)\n\(voice.rawValue)\n\(text)".utf8)
    }

    private func path(_ key: [UInt8]) -> String {
        folder + "/" + String(key.withUnsafeBytes { Self.sum($0) }, radix: 16) + ".pcm"
    }

    // MARK: Entries

    private static func encode(_ sound: PCM, key: [UInt8]) -> [UInt8] {
        var rest: [UInt8] = []
        rest.reserveCapacity(8 + key.count + sound.samples.count * 2)
        for number in [UInt32(sound.rate.value), UInt32(key.count)] {
            withUnsafeBytes(of: number.littleEndian) { rest.append(contentsOf: $0) }
        }
        rest += key
        for sample in sound.samples {
            withUnsafeBytes(of: sample.littleEndian) { rest.append(contentsOf: $0) }
        }
        var bytes = magic
        withUnsafeBytes(of: rest.withUnsafeBytes { sum($0) }.littleEndian) {
            bytes.append(contentsOf: $0)
        }
        return bytes + rest
    }

    private static func decode(_ bytes: [UInt8], key: [UInt8]) -> PCM? {
        let start = headCount + key.count
        guard bytes.count >= start, (bytes.count - start) % 2 == 0, bytes.starts(with: magic)
        else { return nil }
        return bytes.withUnsafeBytes { bytes -> PCM? in
            func number<Value: FixedWidthInteger & BitwiseCopyable>(
                _ place: Int, as type: Value.Type
            ) -> Value {
                Value(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: type))
            }
            let rate = Int(number(16, as: UInt32.self))
            guard number(8, as: UInt64.self) == sum(.init(rebasing: bytes[16...])),
                number(20, as: UInt32.self) == UInt32(key.count),
                bytes[headCount..<start].elementsEqual(key), rate > 0
            else { return nil }
            return PCM(
                rate: Hertz(rate),
                samples: (0..<(bytes.count - start) / 2).map {
                    number(start + 2 * $0, as: Int16.self)
                })
        }
    }

    /// Tells damage and other texts, not forgers.
    private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var sum = RandomStream.mix(UInt64(bytes.count))
        var index = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            sum = RandomStream.mix(sum ^ UInt64(littleEndian: word))
            index += 8
        }
        var last: UInt64 = 0
        while index < bytes.count {
            last = last << 8 | UInt64(bytes[index])
            index += 1
        }
        return RandomStream.mix(sum ^ last)
    }
}
