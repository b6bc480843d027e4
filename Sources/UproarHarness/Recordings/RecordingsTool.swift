import Glibc
import UproarAgent
import UproarAudio
import UproarCore
import UproarCrypto
import UproarPosix
import UproarProviders
import UproarRuntime

/// `uproar recordings`: what people may ask of the store.
package enum RecordingsTool {
    package enum Verb: String, CaseIterable, Sendable {
        case list, fetch, erase
    }

    package struct Wanted: Sendable {
        package var person: String?
        package var call: String?
        /// `2026-01-31`.
        package var before: String?
        package var keys: [String] = []
        package init() {}

        var isEverything: Bool { person == nil && call == nil && before == nil && keys.isEmpty }
    }

    package struct Place: Sendable {
        package var endpoint: String?
        package var bucket = UproarAgent.AgentSettings().recordingBucket
        package var region: String?
        package var accessLog: String?
        package init() {}
    }

    package static func run(
        _ verb: Verb, _ wanted: Wanted, at place: Place, out: String,
        print: @escaping (String) -> Void, say: @escaping (String) -> Void
    ) throws -> ExitCode {
        if verb == .erase, wanted.isEverything {
            throw ScenarioLoading.Problem(
                "erase: which? --person, --call, --before or keys; see 'uproar recordings list'")
        }
        let keys = try keys(isNeeded: verb == .fetch || wanted.person != nil)
        let before = try wanted.before.map(Self.date)
        let log = try accessLog(place)
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let variable = AgentProcess.variable
        guard let endpoint = place.endpoint ?? variable("AWS_ENDPOINT_URL") else {
            throw ScenarioLoading.Problem(
                "where is the store? --endpoint URL, or AWS_ENDPOINT_URL")
        }
        let store = ObjectStoreClient(
            base: endpoint, bucket: place.bucket,
            signer: SigV4(
                accessKey: variable("AWS_ACCESS_KEY_ID") ?? "none",
                secretKey: variable("AWS_SECRET_ACCESS_KEY") ?? "none",
                region: place.region ?? variable("AWS_REGION") ?? "us-east-1"),
            http: CurlHTTPClient(loop: loop, driver: driver), now: { Int64(time(nil)) })
        let work = RecordingsWork(
            verb, store: store, keys: keys, log: log, out: out, print: print)
        work.choose = { object in
            guard let name = RecordingName(key: object.key) else { return false }
            if !wanted.keys.isEmpty, !wanted.keys.contains(object.key) { return false }
            if let call = wanted.call, name.call != call { return false }
            if let before, name.date >= before { return false }
            return true
        }
        let prefixes =
            wanted.person.map { person in
                keys?.tags(of: person).map { RecordingName.folder + $0 + "/" } ?? []
            } ?? [RecordingName.folder]
        loop.schedule(at: loop.now) { work.begin(prefixes) { loop.stop() } }
        loop.run()
        if let trouble = work.trouble { throw ScenarioLoading.Problem(trouble) }
        say(
            "\(work.done) recordings \(verb == .list ? "listed" : verb == .fetch ? "fetched" : "erased")"
        )
        if work.damaged > 0 { return .gateFailed }
        return work.done == 0 && verb != .list ? .usage : .passed
    }

    private static func keys(isNeeded: Bool) throws -> RecordingKeys? {
        guard let text = AgentProcess.variable("RECORDING_KEY") else {
            guard isNeeded else { return nil }
            throw ScenarioLoading.Problem("RECORDING_KEY is not set: the key of the recordings")
        }
        guard let keys = RecordingKeys(text) else {
            throw ScenarioLoading.Problem(
                "RECORDING_KEY is not 32 bytes, as 64 hexadecimal digits or base64")
        }
        return keys
    }

    private static func date(_ text: String) throws -> String {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ Int($0) != nil }) else {
            throw ScenarioLoading.Problem("--before \(text): a day is due, as 2026-01-31")
        }
        return parts.joined()
    }

    private static func accessLog(_ place: Place) throws -> LineFile {
        let path: String
        if let given = place.accessLog {
            path = given
        } else {
            do throws(Errno) { try AtomicFile.makeFolder(StateFolder.path) } catch {
                throw ScenarioLoading.Problem("the access log cannot be written: \(error)")
            }
            path = StateFolder.path + "/recordings-access.log"
        }
        return LineFile(path: path)
    }
}

/// One command's work on the loop, a recording at a time.
private final class RecordingsWork {
    private let verb: RecordingsTool.Verb
    private let store: any ObjectStore
    private let keys: RecordingKeys?
    private let log: LineFile
    private let out: String
    private let print: (String) -> Void
    var choose: (StoredObject) -> Bool = { _ in true }
    private(set) var done = 0
    private(set) var damaged = 0
    private(set) var trouble: String?

    init(
        _ verb: RecordingsTool.Verb, store: any ObjectStore, keys: RecordingKeys?, log: LineFile,
        out: String, print: @escaping (String) -> Void
    ) {
        self.verb = verb
        self.store = store
        self.keys = keys
        self.log = log
        self.out = out
        self.print = print
    }

    func begin(_ prefixes: [String], then: @escaping () -> Void) {
        guard trouble == nil, let prefix = prefixes.first else { return then() }
        guard note(verb == .list ? "list" : "look for", prefix) else { return then() }
        page(prefix, after: nil) { [self] in begin(Array(prefixes.dropFirst()), then: then) }
    }

    private func page(_ prefix: String, after: String?, then: @escaping () -> Void) {
        store.list(prefix: prefix, after: after) { [self] result in
            switch result {
            case .failure(let failure):
                trouble = "the store does not answer: \(failure)"
                then()
            case .success(let objects):
                guard let last = objects.last else { return then() }
                each(objects.filter(choose)[...]) { [self] in
                    guard trouble == nil else { return then() }
                    page(prefix, after: last.key, then: then)
                }
            }
        }
    }

    private func each(_ objects: ArraySlice<StoredObject>, then: @escaping () -> Void) {
        guard trouble == nil, let object = objects.first else { return then() }
        let goOn = { [self] in each(objects.dropFirst(), then: then) }
        switch verb {
        case .list:
            done += 1
            print("\(object.storedAt)  \(object.byteCount)  \(object.key)")
            goOn()
        case .fetch: fetch(object, then: goOn)
        case .erase:
            guard note("erase", object.key) else { return then() }
            store.delete(object.key) { [self] result in
                switch result {
                case .success:
                    done += 1
                    print("erased \(object.key)")
                case .failure(let failure): trouble = "\(object.key): \(failure)"
                }
                goOn()
            }
        }
    }

    private func fetch(_ object: StoredObject, then: @escaping () -> Void) {
        guard let keys, note("fetch", object.key) else { return then() }
        store.get(object.key) { [self] result in
            switch result {
            case .failure(let failure): trouble = "\(object.key): \(failure)"
            case .success(let bytes):
                do {
                    let content = try RecordingContent(bytes, keys: keys)
                    let path = try write(content, object.key)
                    done += 1
                    print(
                        "\(path)  \(NumberText.duration(content.length))"
                            + (content.end == nil ? "  (cut off)" : ""))
                } catch let damage as RecordingContent.Damage {
                    damaged += 1
                    print("\(object.key): \(damage)")
                } catch { trouble = "\(error)" }
            }
            then()
        }
    }

    private func write(_ content: RecordingContent, _ key: String) throws -> String {
        let stem = RecordingName(key: key).map { "\($0.date)-\($0.call)" } ?? "recording"
        let path = "\(out)/\(stem).wav"
        try AtomicFile.makeFolder(out)
        try AtomicFile.write(
            WAVHeader.bytes(
                content.format, channels: content.channels, dataCount: content.audio.count)
                + content.audio, to: path, mode: 0o600)
        return path
    }

    /// False: it could not be logged, and so must not be done.
    private func note(_ what: String, _ key: String) -> Bool {
        let line: JSONValue = [
            "timestamp_s": .integer(Int64(time(nil))), "event": .string(what),
            "recording": .string(key), "by": .string("uid \(getuid()), pid \(getpid())"),
        ]
        do throws(Errno) {
            try log.append(line.encoded())
            return true
        } catch {
            trouble = "nothing is done without an access log: \(error)"
            return false
        }
    }
}
