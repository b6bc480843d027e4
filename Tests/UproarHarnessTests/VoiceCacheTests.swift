import Glibc
import Testing
import UproarAudio
import UproarCore
import UproarHarness
import UproarPosix

@Suite struct VoiceCacheTests {
    private let folder: String
    private let sound = PCM(rate: .wideband, samples: [0, 1, -1, .max, .min, 1234])

    init() throws {
        var template = Array("/tmp/uproar-voices-XXXXXX".utf8CString)
        let place = String(cString: try #require(mkdtemp(&template)))
        folder = place + "/voices"
    }

    private func onlyFile() throws -> String {
        let listing = try #require(opendir(folder))
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
            if !name.hasPrefix(".") { names.append(name) }
        }
        try #require(names.count == 1)
        return folder + "/" + names[0]
    }

    @Test func whatWasKeptComesBackInAnotherProcessToo() {
        let cache = VoiceCache(folder: folder)
        #expect(cache.sound(of: "Hello", in: .slt) == nil)
        cache.keep(sound, of: "Hello", in: .slt)
        #expect(cache.sound(of: "Hello", in: .slt) == sound)
        let later = VoiceCache(folder: folder)
        #expect(later.sound(of: "Hello", in: .slt) == sound)
        #expect(later.sound(of: "Hello", in: .rms) == nil)
        #expect(later.sound(of: "hello", in: .slt) == nil)
    }

    @Test func anEntryThatIsNotWholeIsNone() throws {
        let cache = VoiceCache(folder: folder)
        cache.keep(sound, of: "Hello", in: .slt)
        let path = try onlyFile()
        let bytes = try #require(ProcFile.bytes(path))
        for count in 0..<bytes.count {
            try AtomicFile.write(Array(bytes[..<count]), to: path, isLasting: false)
            #expect(cache.sound(of: "Hello", in: .slt) == nil)
        }
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 0x10
            try AtomicFile.write(damaged, to: path, isLasting: false)
            #expect(cache.sound(of: "Hello", in: .slt) == nil)
        }
        // It is spoken anew, and kept again.
        cache.keep(sound, of: "Hello", in: .slt)
        #expect(cache.sound(of: "Hello", in: .slt) == sound)
    }

    @Test func aFullOrForbiddenFolderKeepsNothingAndBreaksNothing() {
        let small = VoiceCache(folder: folder, byteLimit: 10)
        small.keep(sound, of: "Hello", in: .slt)
        #expect(small.sound(of: "Hello", in: .slt) == nil)
        let nowhere = VoiceCache(folder: "/proc/no/such/place")
        nowhere.keep(sound, of: "Hello", in: .slt)
        #expect(nowhere.sound(of: "Hello", in: .slt) == nil)
    }

    /// A result must not depend on whether a voice was kept: what comes from the folder is what Flite says.
    @Test func whatIsKeptIsWhatWasSpoken() {
        let cache = VoiceCache(folder: folder)
        let spoken = Voice.slt.render("Done")
        cache.keep(spoken, of: "Done", in: .slt)
        #expect(cache.sound(of: "Done", in: .slt) == Voice.slt.render("Done"))
    }
}
