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
        let left = ["call-0.agent", "call-0.caller", "call-4.agent", "call-4.caller"]
        #expect(stage.files("tapes/spool") == left + ["call-5.agent", "call-5.caller"])
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

    @Test func aDiskThatIsFullCostsTheTapeAndNothingElse() throws {
        let stage = try Stage(10, seats: 10, diskLimit: 1_300)
        #expect(stage.record(0))
        #expect(!stage.record(1, bytes: 1_000))
        #expect(stage.record(2))
        #expect(stage.shelf.kept(worst: []) == [0, 2])
        #expect(stage.shelf.ledger.byteCount == 1_280)
        #expect(
            stage.files("tapes/spool") == [
                "call-0.agent", "call-0.caller", "call-2.agent", "call-2.caller",
            ])
        #expect(stage.shelf.note?.hasPrefix("one call has no tape") == true)
    }
}
