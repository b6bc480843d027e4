import Testing
import UproarCore
import UproarCrypto
import UproarFaults
import UproarProviders
import UproarRuntime
import UproarSimulation

/// Faults that only a store has, each against our own client of it.
@Suite("Faults of an object store")
struct ObjectStoreFaultTests {
    private struct Stage {
        let world = EmulatorWorld()
        let client: ObjectStoreClient
        /// Believes whatever the store says.
        let trusting: ObjectStoreClient
        let faults: FaultInterference

        init(_ fault: String, _ attributes: [(String, FaultDescriptor.Value)] = []) throws {
            let world = world
            let listener = try EmulatorListener(
                ObjectStoreEmulator(
                    ProviderEmulation(
                        .objectStore, speed: .service(latency: .constant(.milliseconds(15)))),
                    context: world.context), on: .loopback(0), context: world.context)
            func client(_ verifies: Bool) -> ObjectStoreClient {
                ObjectStoreClient(
                    base: "http://127.0.0.1:\(listener.endpoint.port)", bucket: "recordings",
                    signer: SigV4(accessKey: "AKID", secretKey: ObjectStoreEmulator.usualSecret),
                    verifies: verifies,
                    http: SimulatedHTTPClient(loop: world.world.loop, network: world.world.network),
                    now: { world.context.unixSeconds })
            }
            self.client = client(true)
            trusting = client(false)
            faults = FaultInterference(context: world.context, facts: world.facts)
            guard faults.arm(ClientTrial.plan(fault, attributes, on: "objects")) else {
                throw ClientTrial.UnknownFault(name: fault)
            }
        }

        func wait<Value>(
            _ ask: (@escaping (Result<Value, ProviderFailure>) -> Void) -> Void
        ) throws -> Result<Value, ProviderFailure> {
            var answer: Result<Value, ProviderFailure>?
            ask { answer = $0 }
            world.run(for: .seconds(1))
            return try #require(answer)
        }

        var effects: Int { world.facts.of(.faultEffective).count }

        func upload(_ parts: [[UInt8]], with client: ObjectStoreClient) throws -> Result<
            Void, ProviderFailure
        > {
            let id = try wait { client.beginParts(at: "big", contentType: "x", then: $0) }.get()
            var tags: [String] = []
            for (index, part) in parts.enumerated() {
                tags.append(
                    try wait { client.put(part: index + 1, part, of: id, at: "big", then: $0) }
                        .get())
            }
            return try wait { client.completeParts(tags, of: id, at: "big", then: $0) }
        }
    }

    private let sent = [UInt8](repeating: 7, count: 1000)

    private func isMalformed(_ result: Result<some Any, ProviderFailure>) -> Bool {
        if case .failure(.malformed) = result { true } else { false }
    }

    // MARK: complete_fails

    @Test(
        "Parts do not become an object, and the client is told: in a body with status 200 or by a status"
    )
    func incomplete() throws {
        let stage = try Stage("complete_fails")
        let result = try stage.upload([sent, [1]], with: stage.client)
        #expect(
            result.failure == .reported("the parts were not put together: InternalError"))
        #expect(stage.effects == 1)
        #expect(
            try stage.wait { stage.client.list(prefix: "", after: nil, then: $0) }.get().isEmpty)
        // The upload is still open: whoever leaves it pays for its parts.
        #expect(try stage.wait { stage.client.openUploads(then: $0) }.get() == ["big"])

        let refused = try Stage("complete_fails", [("how", .text("refuse"))])
        guard case .refused(503, _, _)? = try refused.upload([sent], with: refused.client).failure
        else {
            Issue.record("not refused")
            return
        }
        #expect(try refused.wait { refused.client.openUploads(then: $0) }.get() == ["big"])
    }

    @Test("A lost answer says that what was done was not")
    func lostAnswer() throws {
        let stage = try Stage(
            "complete_fails", [("how", .text("lost_answer")), ("status", .integer(500))])
        guard
            case .refused(500, _, _)? = try stage.upload([sent, [1]], with: stage.client).failure
        else {
            Issue.record("not refused")
            return
        }
        #expect(try stage.wait { stage.client.get("big", then: $0) }.get() == sent + [1])
        #expect(try stage.wait { stage.client.openUploads(then: $0) }.get().isEmpty)
    }

    @Test("Whole objects are put as ever")
    func wholeObjects() throws {
        let stage = try Stage("complete_fails")
        _ = try stage.wait { stage.client.put(sent, at: "k", contentType: "x", then: $0) }.get()
        #expect(stage.effects == 0)
    }

    // MARK: checksum_mismatch

    @Test(
        "Other bytes, or a tag of others, are no success to who looks; to who does not they are",
        arguments: ["tag", "body"])
    func mismatch(_ what: String) throws {
        let stage = try Stage("checksum_mismatch", [("what", .text(what))])
        let put = try stage.wait { stage.client.put(sent, at: "k", contentType: "x", then: $0) }
        #expect(isMalformed(put) && stage.effects == 1)
        let id = try stage.wait { stage.client.beginParts(at: "p", contentType: "x", then: $0) }
            .get()
        let part = try stage.wait { stage.client.put(part: 1, sent, of: id, at: "p", then: $0) }
        #expect(isMalformed(part) && stage.effects == 2)

        _ = try stage.wait { stage.trusting.put(sent, at: "k", contentType: "x", then: $0) }.get()
        let kept = try stage.wait { stage.client.get("k", then: $0) }.get()
        #expect(kept.count == sent.count && (kept == sent) == (what == "tag"))
        #expect(zip(kept, sent).count { $0 != $1 } == (what == "tag" ? 0 : 1))
    }

    @Test("Silent damage shows to nobody who does not read it back")
    func silent() throws {
        let stage = try Stage("checksum_mismatch", [("what", .text("silent"))])
        _ = try stage.wait { stage.client.put(sent, at: "k", contentType: "x", then: $0) }.get()
        let kept = try stage.wait { stage.client.get("k", then: $0) }.get()
        #expect(zip(kept, sent).count { $0 != $1 } == 1)
        _ = try stage.upload([sent, [1]], with: stage.client).get()
        #expect(try stage.wait { stage.client.get("big", then: $0) }.get() != sent + [1])
    }

    // MARK: late_visibility

    @Test("What is stored is listed and read after its delay and not before")
    func late() throws {
        let stage = try Stage(
            "late_visibility", [("delay", .distribution(.constant(.seconds(10))))])
        func seen() throws -> Bool {
            let listed = try stage.wait { stage.client.list(prefix: "", after: nil, then: $0) }
                .get()
            let read = try stage.wait { stage.client.get("k", then: $0) }
            // Both or neither.
            #expect(listed.isEmpty == (read.failure != nil))
            return !listed.isEmpty
        }
        let before = stage.world.context.unixSeconds
        _ = try stage.wait { stage.client.put(sent, at: "k", contentType: "x", then: $0) }.get()
        #expect(stage.effects == 1)
        stage.world.run(for: .seconds(6))
        #expect(try !seen())
        stage.world.run(for: .seconds(1))
        #expect(try seen())
        #expect(stage.world.context.unixSeconds >= before + 10)
        #expect(try stage.wait { stage.client.get("k", then: $0) }.get() == sent)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
