import Testing
import UproarCore
import UproarCrypto
import UproarProviders
import UproarRuntime
import UproarSimulation

@Suite struct ObjectStoreClientTests {
    private func start(secret: String = ObjectStoreEmulator.usualSecret) throws -> (
        EmulatorWorld, ObjectStoreClient
    ) {
        let world = EmulatorWorld()
        let listener = try EmulatorListener(
            ObjectStoreEmulator(
                ProviderEmulation(
                    .objectStore, speed: .service(latency: .constant(.milliseconds(15)))),
                context: world.context), on: .loopback(0), context: world.context)
        let client = ObjectStoreClient(
            base: "http://127.0.0.1:\(listener.endpoint.port)/", bucket: "recordings",
            signer: SigV4(accessKey: "AKID", secretKey: secret),
            http: SimulatedHTTPClient(loop: world.world.loop, network: world.world.network),
            now: { world.context.unixSeconds })
        return (world, client)
    }

    /// Runs until the answer is there.
    private func wait<Value>(
        _ world: EmulatorWorld,
        _ ask: (@escaping (Result<Value, ProviderFailure>) -> Void) -> Void
    ) throws -> Value {
        var answer: Result<Value, ProviderFailure>?
        ask { answer = $0 }
        #expect(answer == nil)
        world.run(for: .seconds(2))
        return try #require(answer).get()
    }

    @Test(arguments: ["a.wav", "calls/2026/call 1+ä.wav", "x&y=z?"])
    func whatIsPutIsThereUnderItsName(key: String) throws {
        let (world, store) = try start()
        try wait(world) { store.put([1, 2, 3], at: key, contentType: "audio/wav", then: $0) }
        #expect(try wait(world) { store.get(key, then: $0) } == [1, 2, 3])
        let list = try wait(world) { store.list(prefix: "", after: nil, then: $0) }
        #expect(list.map(\.key) == [key])
        #expect(list.first?.byteCount == 3)
        #expect(try wait(world) { store.list(prefix: "", after: key, then: $0) }.isEmpty)
        try wait(world) { store.delete(key, then: $0) }
        #expect(throws: ProviderFailure.self) { try wait(world) { store.get(key, then: $0) } }
        // What is not there is deleted, too.
        try wait(world) { store.delete(key, then: $0) }
    }

    @Test func partsBecomeOneObjectOrNone() throws {
        let (world, store) = try start()
        let id = try wait(world) {
            store.beginParts(at: "big", contentType: "audio/wav", then: $0)
        }
        #expect(try wait(world) { store.openUploads(then: $0) } == ["big"])
        var tags: [String] = []
        for (number, part) in [[UInt8](repeating: 1, count: 5 << 20), [2, 3]].enumerated() {
            tags.append(
                try wait(world) {
                    store.put(part: number + 1, part, of: id, at: "big", then: $0)
                })
        }
        try wait(world) { store.completeParts(tags, of: id, at: "big", then: $0) }
        #expect(try wait(world) { store.get("big", then: $0) }.count == 5 << 20 + 2)
        let other = try wait(world) {
            store.beginParts(at: "other", contentType: "audio/wav", then: $0)
        }
        try wait(world) { store.abortParts(of: other, at: "other", then: $0) }
        #expect(try wait(world) { store.openUploads(then: $0) }.isEmpty)
    }

    @Test func aWrongSecretIsSaidToBeOne() throws {
        let (world, store) = try start(secret: "wrong")
        do {
            try wait(world) { store.put([1], at: "k", contentType: "x", then: $0) }
            Issue.record("a wrong secret was taken")
        } catch let failure as ProviderFailure {
            guard case .refused(let status, let body, _) = failure else {
                Issue.record("\(failure)")
                return
            }
            #expect(status == 403)
            #expect(body.contains("SignatureDoesNotMatch"))
        }
    }
}
