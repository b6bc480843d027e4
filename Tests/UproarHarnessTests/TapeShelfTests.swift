import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime
import UproarSimulation
import UproarStatistics

@testable import UproarHarness
@testable import UproarLoad

/// Which tapes of a run stay.
@Suite struct TapeShelfTests {
    private final class Stage {
        let path: String
        let loop: EventLoop
        let folder: RunFolder
        let shelf: TapeShelf
        let feed: TapeFeed

        init(_ count: Int, seats: Int, diskLimit: Int = 1 << 20) throws {
            var template = Array("/tmp/uproar-tapes-XXXXXX".utf8CString)
            path = try #require(mkdtemp(&template).map { String(cString: $0) })
            loop = EventLoop(driver: try PosixDriver(clock: .starting()))
            let worker = InlineWorker(loop: loop)
            folder = try RunFolder(path: path)
            shelf = try TapeShelf(
                folder, count: count, seats: seats, worker: worker, diskLimit: diskLimit)
            feed = TapeFeed(
                try FolderSpool(folder: shelf.spoolPath, worker: worker), shelf.ledger,
                worker: worker)
        }

        /// A call of so many bytes a side, in two pieces.
        @discardableResult
        func record(_ call: UInt32, bytes: Int = 320) -> Bool {
            let half = [UInt8](repeating: UInt8(call), count: bytes / 2)
            let isTaken = [false, true].allSatisfy { isLast in
                feed.append(
                    TapePiece(
                        call: call, format: .telephone, caller: half, agent: half, isLast: isLast))
            }
            settle()
            return isTaken
        }

        /// Workers carry out what they were given, and tell.
        func settle() { loop.run(until: loop.now + .milliseconds(2)) }

        func files(_ folder: String) -> [String] {
            guard let stream = opendir(path + "/" + folder) else { return [] }
            defer { closedir(stream) }
            var names: [String] = []
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name.hasPrefix("call-") { names.append(name) }
            }
            return names.sorted()
        }
    }

    private func call(_ id: UInt32) -> CallRecord {
        var call = CallRecord(
            CallDescription(id: id, tags: [:], isTagged: true, patience: .seconds(5)),
            outcome: .completed)
        call.answered = .zero
        return call
    }

    @Test func theSampleIsSpreadOverTheCallers() {
        #expect(TapeShelf.sample(4, of: 20) == [0, 5, 10, 15])
        #expect(TapeShelf.sample(9, of: 3) == [0, 1, 2])
        #expect(TapeShelf.sample(3, of: 0).isEmpty)
    }

    @Test func onlyTheWorstAndTheSampleStay() throws {
        let stage = try Stage(1, seats: 10)
        var worst: [CallRecord] = []
        for id in 0..<6 as Range<UInt32> {
            stage.record(id)
            // Each is worse than those before; two are remembered.
            worst = [call(id)] + worst.prefix(1)
            stage.shelf.folded(call(id), worst: worst)
            stage.settle()
        }
        let left = [
            "call-0.mulaw-8000.agent", "call-0.mulaw-8000.caller", "call-4.mulaw-8000.agent",
            "call-4.mulaw-8000.caller",
        ]
        #expect(
            stage.files("tapes/spool") == left + [
                "call-5.mulaw-8000.agent", "call-5.mulaw-8000.caller",
            ])
        #expect(stage.shelf.ledger.byteCount == 3 * 640)
        // A call under way is nobody's yet, and one that was never answered has no tape.
        stage.record(7)
        let kept = stage.shelf.kept(worst: worst + [call(9)])
        #expect(kept == [0, 4, 5])
        stage.shelf.write(kept)
        #expect(stage.files("tapes") == ["call-0.wav", "call-4.wav", "call-5.wav"])
        #expect(stage.files("tapes/spool").isEmpty)
        #expect(access(stage.shelf.spoolPath, F_OK) != 0)
        let wave = try TextFile.read(stage.path + "/tapes/call-5.wav")
        // 320 samples of two sides of two bytes each.
        #expect(wave.count == 44 + 320 * 4 && wave.starts(with: "RIFF".utf8))
        #expect(stage.shelf.note == nil)
    }

    /// The run is killed: its lock goes with it, and what lies in the spool is made into clips by whoever renders the report.
    @Test func whatAKilledRunLeftBecomesClips() throws {
        let path: String
        do {
            let stage = try Stage(1, seats: 10)
            path = stage.path
            for id in [0, 3, 4] as [UInt32] { stage.record(id) }
            // As long as the run lives its pieces are its own.
            #expect(TapeSpool.rescue(path) { _ in true } == nil)
            #expect(stage.files("tapes/spool").count == 6)
            // The kill came between the two sides of the last one.
            unlink(stage.shelf.spoolPath + "/call-4.mulaw-8000.agent")
        }
        // 0 and 4 have a line in the report, 3 was under way.
        #expect(TapeSpool.rescue(path) { $0 != 3 } == [0])
        #expect(ProcFile.names(in: path + "/tapes") == ["call-0.wav"])
        #expect(try TextFile.read(path + "/tapes/call-0.wav").count == 44 + 320 * 4)
        #expect(TapeSpool.rescue(path) { _ in true } == nil)
    }

    @Test func aRunInAFolderWithAnOldSpoolBeginsWithAnEmptyOne() throws {
        let stage = try Stage(1, seats: 10)
        stage.record(0)
        let path = stage.path
        #expect(throws: Errno.self) {
            try TapeShelf(
                stage.folder, count: 1, seats: 1, worker: InlineWorker(loop: stage.loop))
        }
        #expect(stage.files("tapes/spool").count == 2)
        _ = path
    }

    @Test(arguments: [
        "call-7.mulaw-8000.caller", "call-7.linear16-16000.agent",
        "call-4294967295.alaw-8000.agent",
    ])
    func namesOfPiecesReadBack(_ file: String) throws {
        let name = try #require(TapeName(file))
        #expect([name.caller, name.agent].contains(file))
    }

    @Test(arguments: ["call-7.caller", "call-x.mulaw-8000.caller", "call-7.mp3-8000.agent", "a"])
    func otherFilesAreNoPieces(_ file: String) { #expect(TapeName(file) == nil) }

    @Test func aDiskThatIsFullCostsTheTapeAndNothingElse() throws {
        let stage = try Stage(10, seats: 10, diskLimit: 1_300)
        #expect(stage.record(0))
        #expect(!stage.record(1, bytes: 1_000))
        #expect(stage.record(2))
        #expect(stage.shelf.kept(worst: []) == [0, 2])
        #expect(stage.shelf.ledger.byteCount == 1_280)
        #expect(
            stage.files("tapes/spool") == [
                "call-0.mulaw-8000.agent", "call-0.mulaw-8000.caller", "call-2.mulaw-8000.agent",
                "call-2.mulaw-8000.caller",
            ])
        #expect(stage.shelf.note?.hasPrefix("one call has no tape") == true)
    }
}
