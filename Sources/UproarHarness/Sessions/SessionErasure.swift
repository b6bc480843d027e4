import UproarCore
import UproarPosix
import UproarProviders
import UproarRuntime
import UproarWire

/// Erases what the agent's Redis holds of a person: sessions, hand-offs and tasks. Conversation text and telephone numbers are personal
/// data, and a right to erasure reaches them (GDPR, article 17).
///
/// Keys are looked through in batches (`SCAN`), so that the server is never held up. A call that goes on writes its session again with
/// its next turn: what the person says after this is theirs anew.
package final class SessionErasure {
    package struct Erased: Hashable, Sendable {
        package var sessions = 0
        package var handOffs = 0
        package var tasks = 0
        package init() {}
    }

    private let client: RedisClient
    private let loop: EventLoop
    private let person: String
    private var erased = Erased()
    private var done: ((Result<Erased, StoreFailure>) -> Void)?

    private static let batch = "500"
    private static let patterns = ["voice:session:*", "voice:handoff:*"]

    package init(_ client: RedisClient, loop: EventLoop, person: String) {
        self.client = client
        self.loop = loop
        self.person = person
    }

    /// - done: called once, on the loop.
    package func start(done: @escaping (Result<Erased, StoreFailure>) -> Void) {
        self.done = done
        let key = RedisTaskStore.key(person)
        ask(["HLEN", key]) { [self] reply in
            if case .integer(let count) = reply { erased.tasks = count }
            ask(["DEL", key]) { [self] _ in scan(0, from: "0") }
        }
    }

    private func ask(_ words: [String], then: @escaping (RESPValue) -> Void) {
        client.send(words) { [self] reply in
            switch reply {
            case .success(let value): then(value)
            case .failure(let failure): end(.failure(failure))
            }
        }
    }

    private func end(_ result: Result<Erased, StoreFailure>) {
        let done = done
        self.done = nil
        done?(result)
    }

    private func scan(_ pattern: Int, from cursor: String) {
        guard pattern < Self.patterns.count else { return end(.success(erased)) }
        ask(["SCAN", cursor, "MATCH", Self.patterns[pattern], "COUNT", Self.batch]) {
            [self] reply in
            guard case .array(let parts) = reply, parts.count == 2, let next = parts[0].text,
                case .array(let keys) = parts[1]
            else { return end(.failure(.malformed("SCAN answered with something else"))) }
            look(keys.compactMap(\.text)[...], pattern) { [self] in
                if next == "0" { scan(pattern + 1, from: "0") } else { scan(pattern, from: next) }
            }
        }
    }

    /// One after the other: whose it is stands in the value.
    private func look(_ keys: ArraySlice<String>, _ pattern: Int, then: @escaping () -> Void) {
        guard let key = keys.first else { return then() }
        ask(["GET", key]) { [self] value in
            let rest = keys.dropFirst()
            guard case .bulk(let bytes) = value, let json = try? JSONParser.parse(bytes),
                json["user_id"]?.text == person
            else { return look(rest, pattern, then: then) }
            ask(["DEL", key]) { [self] _ in
                if pattern == 0 { erased.sessions += 1 } else { erased.handOffs += 1 }
                look(rest, pattern, then: then)
            }
        }
    }
}

/// `uproar sessions erase`.
package enum SessionErasing {
    /// - redis: as the agent's `redis_url`.
    /// - password: for servers whose URL has none.
    package static func run(
        person: String, redis: String, password: String?, sentinelPassword: String?
    )
        throws -> SessionErasure.Erased
    {
        var places: RedisPlaces
        do { places = try RedisPlaces(redis) } catch {
            throw ScenarioLoading.Problem("--redis: \(redis): \(error)")
        }
        if let password { places.fill(password: password) }
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        var options = RedisClient.Options()
        options.deadline = .seconds(5)
        options.sentinelPassword = sentinelPassword
        let client = RedisClient(
            places, network: network, loop: loop, random: RandomStream(state: 1), options: options)
        var result: Result<SessionErasure.Erased, StoreFailure>?
        let erasure = SessionErasure(client, loop: loop, person: person)
        erasure.start { result = $0 }
        while result == nil { guard loop.runOnce() else { break } }
        client.close()
        switch result {
        case .success(let erased)?: return erased
        case .failure(let failure)?:
            throw ScenarioLoading.Problem(
                "the Redis at \(places) does not do it: \(failure)")
        case nil: throw ScenarioLoading.Problem("the Redis was never asked")
        }
    }
}
