import Testing
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// Twilio's REST API and the workflow sink.
struct WebhookTests {
    /// `AC1:token` and `SK1:token`.
    static let account = "Basic " + Base64.encode(Array("AC1:token".utf8))

    func ask(
        _ world: EmulatorWorld, _ listener: EmulatorListener, _ method: String, _ path: String,
        headers: HTTPHeaders = ["Authorization": account], _ body: String = ""
    ) throws -> HTTPPeer.Answer {
        let peer = HTTPPeer(world, to: listener.endpoint, pieceSize: 7)
        peer.send(method, path, headers: headers, body: Array(body.utf8))
        world.run(for: .seconds(1))
        return try #require(peer.answers.first)
    }

    func twilio(keys: KeyCheck = .anyKey) throws -> (EmulatorWorld, EmulatorListener) {
        let world = EmulatorWorld(keys: keys)
        let emulator = TwilioRESTEmulator(ProviderEmulation(.sms), context: world.context)
        return (world, try EmulatorListener(emulator, on: .loopback(0), context: world.context))
    }

    @Test("A message is queued with an id under which it is found again")
    func message() throws {
        let (world, listener) = try twilio()
        let path = "/2010-04-01/Accounts/AC1/Messages.json"
        let form = TwilioMessage(to: "+15551234567", from: "+15557654321", body: "It is done.").form
        let sent = try ask(world, listener, "POST", path, form.encoded)
        #expect(sent.head.status == 201)
        let sid = try #require(sent.json?["sid"]?.text)
        #expect(sid.hasPrefix("SM"))
        #expect(sid.utf8.count == 34)
        #expect(sent.json?["num_segments"]?.text == "1")
        #expect(sent.json?["date_created"]?.text == "Thu, 01 Jan 2026 00:00:00 +0000")
        let found = try ask(
            world, listener, "GET", "/2010-04-01/Accounts/AC1/Messages/\(sid).json")
        #expect(found.json == sent.json)
    }

    @Test(
        "Bad requests get the vendor's code",
        arguments: [
            ("From=%2B15557654321&Body=x", 21604), ("To=12&From=%2B15557654321&Body=x", 21211),
            ("To=%2B15551234567&Body=x", 21603),
            ("To=%2B15551234567&From=%2B15557654321", 21602),
            ("To=%2B15551234567&From=nonsense-number&Body=x", 21212),
        ])
    func refusals(form: String, code: Int) throws {
        let (world, listener) = try twilio()
        let answer = try ask(
            world, listener, "POST", "/2010-04-01/Accounts/AC1/Messages.json", form)
        #expect(answer.head.status == 400)
        #expect(answer.json?["code"]?.int == code)
        #expect(answer.json?["more_info"]?.text == "https://www.twilio.com/docs/errors/\(code)")
    }

    @Test("A call is hung up once; keys and unknown paths are refused")
    func hangUp() throws {
        let (world, listener) = try twilio(keys: .only(["token"]))
        let path = "/2010-04-01/Accounts/AC1/Calls/CA0123456789abcdef0123456789abcdef.json"
        #expect(try ask(world, listener, "GET", path).json?["status"]?.text == "in-progress")
        let done = try ask(world, listener, "POST", path, "Status=completed")
        #expect(done.json?["status"]?.text == "completed")
        #expect(
            try ask(world, listener, "POST", path, "Status=completed").json?["code"]?.int == 21220)
        #expect(
            try ask(
                world, listener, "POST", "/2010-04-01/Accounts/AC1/Calls/CAx.json",
                "Status=completed"
            )
            .json?["code"]?.int == 20404)
        let stranger = "Basic " + Base64.encode(Array("AC2:token".utf8))
        #expect(
            try ask(world, listener, "POST", path, headers: ["Authorization": stranger]).json?[
                "code"]?.int == 20003)
        let wrong = "Basic " + Base64.encode(Array("AC1:wrong".utf8))
        #expect(
            try ask(world, listener, "POST", path, headers: ["Authorization": wrong]).head.status
                == 401)
    }

    @Test(
        "Segments are counted as carriers do",
        arguments: [
            (String(repeating: "a", count: 160), 1), (String(repeating: "a", count: 161), 2),
            (String(repeating: "€", count: 80), 1), (String(repeating: "€", count: 81), 2),
            (String(repeating: "ж", count: 70), 1), (String(repeating: "ж", count: 71), 2),
            (String(repeating: "😀", count: 36), 2),
        ])
    func segments(body: String, count: Int) {
        #expect(TwilioMessage(to: "+1", from: "+1", body: body).segments == count)
    }

    @Test("A delivery that comes again is told from a new one and answered as the first was")
    func workflow() throws {
        let world = EmulatorWorld()
        let emulator = WorkflowEmulator(ProviderEmulation(.workflow), context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let json: HTTPHeaders = ["Content-Type": "application/json"]
        let first = try ask(world, listener, "POST", "/hooks/a", headers: json, "{\"id\":\"t1\"}")
        #expect(first.head.status == 202)
        #expect(first.json?["duplicate"]?.isTrue == false)
        let again = try ask(world, listener, "POST", "/hooks/a", headers: json, "{\"id\":\"t1\"}")
        #expect(again.json?["id"] == first.json?["id"])
        #expect(again.json?["duplicate"]?.isTrue == true)
        for _ in 0..<2 { _ = try ask(world, listener, "PUT", "/hooks/b", headers: [:], "plain") }
        #expect(emulator.deliveryCount == 3)
        #expect(emulator.repetitionCount == 1)
        let list = try ask(world, listener, "GET", "/deliveries", headers: [:])
        #expect(list.json?["latest"]?.items?.count == 3)
        #expect(list.json?["latest"]?[0]?["times"]?.int == 2)
        #expect(try ask(world, listener, "POST", "/a", headers: json, "{").head.status == 400)
        #expect(try ask(world, listener, "DELETE", "/a", headers: json).head.status == 405)
    }
}
