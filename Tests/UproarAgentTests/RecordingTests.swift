import Testing
import UproarCore
import UproarCrypto
import UproarFaults
import UproarProviders
import UproarRuntime
import UproarSimulation

@testable import UproarAgent

private let keyText = String(repeating: "0f", count: 32)
private let otherText = String(repeating: "a7", count: 32)

@Suite struct StereoTimelineTests {
    private func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    /// Samples of one byte each at 1 kHz: a sample is a millisecond.
    private var format: AudioFormat { AudioFormat(.mulaw, Hertz(1000)) }

    private func heard(_ line: inout StereoTimeline, _ byte: UInt8, _ count: Int, at now: Int64) {
        line.heard([UInt8](repeating: byte, count: count).span.bytes, at: at(now))
    }

    private func queued(_ line: inout StereoTimeline, _ byte: UInt8, _ count: Int, at now: Int64) {
        line.queued([UInt8](repeating: byte, count: count).span.bytes, at: at(now))
    }

    @Test func theCallerIsLeftAndTheAgentRightAtTheTimeItIsPlayed() {
        var line = StereoTimeline(format, from: at(0))
        queued(&line, 7, 4, at: 2)
        heard(&line, 1, 5, at: 5)
        heard(&line, 2, 5, at: 10)
        #expect(
            line.take(atLeast: 1) == [
                1, 0xff, 1, 0xff, 1, 7, 1, 7, 1, 7, 2, 7, 2, 0xff, 2, 0xff, 2, 0xff, 2, 0xff,
            ])
    }

    @Test func whatIsQueuedBehindOtherAudioIsPlayedAfterIt() {
        var line = StereoTimeline(format, from: at(0))
        queued(&line, 7, 3, at: 0)
        queued(&line, 8, 2, at: 1)
        heard(&line, 1, 6, at: 6)
        #expect(
            line.take(atLeast: 1)?.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
                == [7, 7, 7, 8, 8, 0xff])
    }

    @Test func whatTheFarEndThrewAwayWasNeverHeard() {
        var line = StereoTimeline(format, from: at(0))
        queued(&line, 7, 10, at: 0)
        heard(&line, 1, 2, at: 2)
        line.cleared(at: at(4))
        queued(&line, 8, 1, at: 5)
        heard(&line, 1, 6, at: 8)
        #expect(
            line.take(atLeast: 1)?.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
                == [7, 7, 7, 7, 0xff, 8, 0xff, 0xff])
    }

    @Test func nothingFromBeforeTheOriginIsKept() {
        var line = StereoTimeline(format, from: at(100))
        heard(&line, 1, 20, at: 100)
        queued(&line, 7, 50, at: 60)
        heard(&line, 2, 2, at: 102)
        #expect(line.take(atLeast: 1) == [2, 7, 2, 7])
    }

    @Test func lostFramesAreSilenceAndDoNotMoveWhatFollows() {
        var line = StereoTimeline(format, from: at(0))
        heard(&line, 1, 20, at: 20)
        heard(&line, 2, 20, at: 520)
        let bytes = line.take(atLeast: 1) ?? []
        let left = bytes.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        #expect(left.count == 520)
        #expect(left[..<20].allSatisfy { $0 == 1 } && left[500...].allSatisfy { $0 == 2 })
        #expect(left[20..<500].allSatisfy { $0 == 0xff })
    }

    @Test func aFarEndThatNeverPlaysFillsNoMemory() {
        var line = StereoTimeline(format, from: at(0))
        for _ in 0..<300 { queued(&line, 7, 1000, at: 0) }
        #expect(line.dropped == 180_000)
    }
}

@Suite struct RecordingEnvelopeTests {
    private let keys = RecordingKeys(keyText)!
    private let description = RecordingDescription(
        call: "CA1", session: "s", person: "+15550001111", channel: "phone", consent: "implied",
        began: 1_767_225_600_000)

    private func recording() -> (head: [UInt8], audio: [[UInt8]], end: [UInt8]) {
        var sealer = RecordingSealer(
            description, format: .telephone, dataKey: [UInt8](repeating: 9, count: 32), keys: keys)
        let head = sealer.open()
        let audio = [[1, 2, 3, 4], [5, 6]].map { sealer.audio($0) }
        return (head, audio, sealer.close("completed", samples: 3))
    }

    private func damage(_ bytes: [UInt8], _ keys: RecordingKeys? = nil) -> RecordingContent.Damage?
    {
        do throws(RecordingContent.Damage) {
            _ = try RecordingContent(bytes, keys: keys ?? self.keys)
            return nil
        } catch { return error }
    }

    @Test func whatWasRecordedComesBackAndNothingOfItShows() throws {
        let (head, audio, end) = recording()
        let bytes = head + audio[0] + audio[1] + end
        let content = try RecordingContent(bytes, keys: keys)
        #expect(content.description == description)
        #expect(content.audio == [1, 2, 3, 4, 5, 6])
        #expect(content.channels == 2 && content.format == .telephone)
        #expect(content.end == "completed")
        #expect(bytes.firstRange(of: Array("+1555".utf8)) == nil)
    }

    @Test func aRecordingThatWasCutOffIsReadAsFarAsItGoes() throws {
        let (head, audio, _) = recording()
        for torn in [[], Array(audio[1].dropLast(3)), [1], [1, 0, 0]] {
            let content = try RecordingContent(head + audio[0] + torn, keys: keys)
            #expect(content.audio == [1, 2, 3, 4])
            #expect(content.end == nil)
        }
    }

    @Test func nothingCanBeChangedMovedOrTakenOver() {
        let (head, audio, end) = recording()
        #expect(damage(head + audio[1] + audio[0] + end) == .forged(1))
        #expect(damage(head + audio[0] + end) == .forged(2))
        var changed = head + audio[0] + audio[1] + end
        changed[head.count + 7] ^= 1
        #expect(damage(changed) == .forged(1))
        changed = head + audio[0] + audio[1] + end
        // The head is every chunk's context.
        changed[changed.firstRange(of: Array("8000".utf8))!.lowerBound] = UInt8(ascii: "9")
        #expect(damage(changed) == .forged(0))
    }

    @Test func anotherKeyOpensNothingAndAnOldOneStaysOfUse() throws {
        let (head, audio, end) = recording()
        let bytes = head + audio[0] + audio[1] + end
        guard case .unknownKey = damage(bytes, RecordingKeys(otherText)!) else {
            Issue.record("another key opened it")
            return
        }
        let both = try #require(RecordingKeys(otherText + ", " + keyText))
        #expect(try RecordingContent(bytes, keys: both).end == "completed")
        #expect(both.tags(of: "x").count == 2)
        #expect(both.tags(of: "x")[1] == keys.tags(of: "x")[0])
    }

    @Test(arguments: ["", "00", String(repeating: "0g", count: 32), keyText + ",", "a, b"])
    func badKeysAreRefused(text: String) {
        if text == keyText + "," {
            #expect(RecordingKeys(text) != nil)
        } else {
            #expect(RecordingKeys(text) == nil)
        }
    }

    @Test func bytesFromOutsideAreOnlyRefused() {
        let (head, audio, _) = recording()
        let whole = head + audio[0]
        for count in 0..<head.count { #expect(damage(Array(whole.prefix(count))) != nil) }
        var random = RandomStream(state: 5)
        for _ in 0..<500 {
            var bytes = whole
            bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
                truncatingIfNeeded: random.next())
            _ = damage(bytes)
        }
    }

    @Test func namesSurviveCallsOfAnyName() throws {
        let name = RecordingName(
            person: "0123456789abcdef", unixTime: 1_767_225_600, call: "../CA 1.x-ä")
        #expect(name.key == "recordings/0123456789abcdef/20260101T000000Z-___CA_1_x-_.urec")
        #expect(RecordingName(key: name.key) == name)
        #expect(RecordingName(file: name.partFile) == name)
        #expect(RecordingName(file: name.file) == name)
        #expect(RecordingName(file: "access.log") == nil)
    }
}

@Suite struct RecordingConsentTests {
    private func consent(
        _ channel: String, _ given: String? = nil, phone: RecordingConsent = .implied
    ) -> RecordingConsent? {
        var introduction = CallIntroduction(call: "CA1")
        introduction.channel = channel
        if let given { introduction.parameters = [.init("recording_consent", .string(given))] }
        return .of(introduction, phone: phone)
    }

    @Test func aPhoneCallIsRecordedUnlessConsentHasToBeGiven() {
        #expect(consent("phone") == .implied)
        #expect(consent("phone", phone: .optIn) == nil)
        #expect(consent("phone", "yes", phone: .optIn) == .optIn)
    }

    @Test(arguments: ["browser", "screen_share"])
    func microphonesAndScreensAreRecordedOnlyByConsent(channel: String) {
        #expect(consent(channel) == nil)
        #expect(consent(channel, "no") == nil)
        #expect(consent(channel, "yes") == .optIn)
    }

    @Test(arguments: [
        ("Stop recording.", true), ("Please stop recording this call.", true),
        ("could you STOP, recording", true), ("don't record me", true),
        ("Add stop the car to my list", false), ("recording", false), ("", false),
    ])
    func consentIsWithdrawnInPlainWords(words: String, isWithdrawn: Bool) {
        #expect(RecordingConsent.isWithdrawn(by: words) == isWithdrawn)
    }
}

@Suite struct RecordingDeskTests {
    /// A worker's desk with a real emulated store behind it.
    private final class Stage {
        let world = SimulatedWorld()
        let context: EmulatorContext
        let store: ObjectStoreClient
        let listener: EmulatorListener
        let metrics = AgentMetrics()
        let keys = RecordingKeys(keyText)!
        var settings = AgentSettings()
        var spool: MemorySpool
        var random = RandomStream(state: 3)

        init(spoolLimit: Int = .max) throws {
            context = EmulatorContext(
                loop: world.loop, network: world.network, seed: Seed(1),
                references: ReferenceText(key: ReferenceKey(Seed(1)), callLimit: 10),
                facts: NoFacts())
            listener = try EmulatorListener(
                ObjectStoreEmulator(
                    ProviderEmulation(
                        .objectStore, speed: .service(latency: .constant(.milliseconds(15)))),
                    context: context), on: .loopback(0), context: context)
            store = ObjectStoreClient(
                base: "http://127.0.0.1:\(listener.endpoint.port)", bucket: "recordings",
                signer: SigV4(accessKey: "a", secretKey: ObjectStoreEmulator.usualSecret),
                http: SimulatedHTTPClient(loop: world.loop, network: world.network),
                now: { [world] in 1_767_225_600 + world.loop.now.nanoseconds / 1_000_000_000 })
            spool = MemorySpool(loop: world.loop, byteLimit: spoolLimit)
        }

        func desk() -> RecordingDesk {
            let desk = RecordingDesk(
                RecordingParts(
                    spool: spool, store: store, keys: keys,
                    unguessable: { [unowned self] count in
                        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                    }), settings: settings, metrics: metrics, loop: world.loop, log: .none,
                random: RandomStream(state: 4),
                unixTime: { [world] in 1_767_225_600 + world.loop.now.nanoseconds / 1_000_000_000 }
            )
            desk.start()
            return desk
        }

        func call(_ id: String) -> CallIntroduction {
            CallIntroduction(call: id, parameters: [.init("user_id", .string("caller-\(id)"))])
        }

        /// The caller speaks for so long, in frames of 20 ms.
        func speak(_ recorder: CallRecorder, seconds: Int) {
            for _ in 0..<seconds * 50 {
                world.run(for: .milliseconds(20))
                recorder.heard([UInt8](repeating: 0x55, count: 160).span.bytes, at: world.loop.now)
            }
        }

        func keysInStore() -> [String] {
            var found: [String] = []
            store.list(prefix: "recordings/", after: nil) {
                if case .success(let objects) = $0 { found = objects.map(\.key) }
            }
            world.run(for: .seconds(1))
            return found
        }

        func content(_ key: String) throws -> RecordingContent {
            var bytes: [UInt8] = []
            store.get(key) { if case .success(let got) = $0 { bytes = got } }
            world.run(for: .seconds(5))
            return try RecordingContent(bytes, keys: keys)
        }

        func count(_ status: String) -> Double { metrics.value(.recordings, [status]) }
    }

    private final class NoFacts: FactSink { func state(_ fact: Fact) {} }

    @Test func aRecordingGoesToTheStoreAndLeavesTheDisk() throws {
        let stage = try Stage()
        let desk = stage.desk()
        let recorder = try #require(
            desk.open(stage.call("CA1"), .implied, format: .telephone))
        recorder.begin(from: stage.world.loop.now)
        recorder.queued([UInt8](repeating: 0x11, count: 8000).span.bytes, at: stage.world.loop.now)
        stage.speak(recorder, seconds: 3)
        recorder.finish("completed", at: stage.world.loop.now)
        stage.world.run(for: .seconds(2))
        let keys = stage.keysInStore()
        #expect(keys.count == 1)
        let content = try stage.content(keys[0])
        #expect(content.length == .seconds(3))
        #expect(content.audio.prefix(4) == [0x55, 0x11, 0x55, 0x11])
        #expect(content.audio.suffix(2) == [0x55, 0xff])
        #expect(content.end == "completed")
        #expect(desk.byteCount == 0)
        #expect(stage.metrics.value(.recordingsPending) == 0)
        let log = String(decoding: stage.spool["access.log"] ?? [], as: UTF8.self)
        #expect(log.contains(#""event":"recorded""#) && log.contains(#""event":"uploaded""#))
    }

    @Test func anOutageOfTheStoreLosesNothing() throws {
        let stage = try Stage()
        let interference = FaultInterference(context: stage.context, facts: NoFacts())
        stage.context.interference = Refusing()
        let desk = stage.desk()
        for id in ["CA1", "CA2", "CA3"] {
            let recorder = try #require(desk.open(stage.call(id), .implied, format: .telephone))
            recorder.begin(from: stage.world.loop.now)
            stage.speak(recorder, seconds: 1)
            recorder.finish("completed", at: stage.world.loop.now)
        }
        stage.world.run(for: .seconds(100))
        #expect(stage.metrics.value(.recordingsPending) == 3)
        stage.context.interference = interference
        stage.world.run(for: .seconds(100))
        #expect(stage.keysInStore().count == 3)
        #expect(stage.metrics.value(.recordingsPending) == 0)
    }

    private final class Refusing: EmulatorInterference {
        func verdict(on passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict {
            .refuse(status: 503, retryAfter: nil)
        }
    }

    @Test func aNewWorkerTakesUpWhatADeadOneLeft() throws {
        let stage = try Stage()
        stage.context.interference = Refusing()
        let desk = stage.desk()
        let done = try #require(desk.open(stage.call("CA1"), .implied, format: .telephone))
        done.begin(from: stage.world.loop.now)
        stage.speak(done, seconds: 2)
        done.finish("completed", at: stage.world.loop.now)
        let cut = try #require(desk.open(stage.call("CA2"), .implied, format: .telephone))
        cut.begin(from: stage.world.loop.now)
        stage.speak(cut, seconds: 2)
        stage.world.run(for: .seconds(1))
        // SIGKILL: nobody gets to say anything.
        desk.stop()
        stage.context.interference = nil
        let next = stage.desk()
        stage.world.run(for: .seconds(10))
        let keys = stage.keysInStore()
        #expect(keys.count == 2)
        let contents = try keys.map { try stage.content($0) }
        #expect(Set(contents.map(\.end)) == ["completed", nil])
        // What was not written yet is lost: half a second at most.
        #expect(contents.allSatisfy { $0.length >= .milliseconds(1500) })
        #expect(stage.count("recovered") == 1)
        #expect(next.byteCount == 0)
    }

    @Test func aFullSpoolTakesNoNewRecordingAndTheCallGoesOn() throws {
        let stage = try Stage()
        stage.settings.recordingSpoolMegabytes = 0
        let desk = stage.desk()
        #expect(desk.open(stage.call("CA1"), .implied, format: .telephone) == nil)
        #expect(stage.count("refused") == 1)
    }

    @Test func aFullDiskKeepsWhatItHas() throws {
        let stage = try Stage(spoolLimit: 40_000)
        let desk = stage.desk()
        let recorder = try #require(desk.open(stage.call("CA1"), .implied, format: .telephone))
        recorder.begin(from: stage.world.loop.now)
        stage.speak(recorder, seconds: 5)
        recorder.finish("completed", at: stage.world.loop.now)
        stage.world.run(for: .seconds(3))
        #expect(stage.count("cut") == 1 && stage.count("completed") == 0)
        let content = try stage.content(try #require(stage.keysInStore().first))
        #expect(content.length == .milliseconds(2000))
        #expect(content.end == nil)
        #expect(desk.byteCount == 0)
    }

    @Test func aLongRecordingGoesUpInPartsAndLeavesNoneBehind() throws {
        let stage = try Stage()
        let desk = stage.desk()
        let recorder = try #require(desk.open(stage.call("CA1"), .implied, format: .browser))
        recorder.begin(from: stage.world.loop.now)
        let second = [UInt8](repeating: 1, count: 32_000)
        for _ in 0..<150 {
            stage.world.run(for: .seconds(1))
            recorder.heard(second.span.bytes, at: stage.world.loop.now)
        }
        recorder.finish("completed", at: stage.world.loop.now)
        stage.world.run(for: .seconds(30))
        let content = try stage.content(try #require(stage.keysInStore().first))
        #expect(content.length == .seconds(150))
        var open = ["?"]
        stage.store.openUploads { if case .success(let keys) = $0 { open = keys } }
        stage.world.run(for: .seconds(1))
        #expect(open.isEmpty)
    }

    @Test(
        "What the store damages, or does not put together, is uploaded until it is there whole",
        arguments: [
            ("checksum_mismatch", 8192), ("checksum_mismatch", 64), ("complete_fails", 64),
        ])
    func aStoreThatSpoilsUploadsHasThemWholeInTheEnd(_ fault: String, _ part: Int) throws {
        let stage = try Stage()
        stage.settings.recordingPartKilobytes = part
        let faults = FaultInterference(context: stage.context, facts: NoFacts())
        let plan = FaultPlan(
            id: "f", number: 1, fault: fault, attributes: .init([]), scope: .init(on: ["objects"]),
            window: .init(from: .zero, until: .zero + .seconds(60)), seed: Seed(1))
        #expect(faults.arm(plan))
        let desk = stage.desk()
        let recorder = try #require(desk.open(stage.call("CA1"), .implied, format: .telephone))
        recorder.begin(from: stage.world.loop.now)
        stage.speak(recorder, seconds: 10)
        recorder.finish("completed", at: stage.world.loop.now)
        stage.world.run(for: .seconds(30))
        #expect(stage.metrics.value(.recordingsPending) == 1)
        stage.world.run(for: .seconds(90))
        #expect(stage.metrics.value(.recordingsPending) == 0 && desk.byteCount == 0)
        let content = try stage.content(try #require(stage.keysInStore().first))
        #expect(content.length == .seconds(10) && content.end == "completed")
        var open = ["?"]
        stage.store.openUploads { if case .success(let keys) = $0 { open = keys } }
        stage.world.run(for: .seconds(1))
        #expect(open.isEmpty)
    }

    @Test func recordingsAreDeletedWhenTheirTimeIsOver() throws {
        let stage = try Stage()
        for (person, date) in [("a", "20251001T000000Z"), ("b", "20251231T000000Z")] {
            stage.store.put(
                [1], at: "recordings/\(person)/\(date)-CA1.urec", contentType: "x"
            ) { _ in }
        }
        stage.settings.recordingKeepDays = 90
        let desk = stage.desk()
        stage.world.run(for: .seconds(90))
        #expect(stage.keysInStore() == ["recordings/b/20251231T000000Z-CA1.urec"])
        #expect(stage.count("expired") == 1)
        withExtendedLifetime(desk) {}
    }
}
