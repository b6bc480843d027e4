import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarAgent

/// A hook that fails as often as it is told.
private final class ScriptedHook: Webhook {
    let loop: EventLoop
    var failures = 0
    private(set) var events: [JSONValue] = []
    init(loop: EventLoop) { self.loop = loop }

    func deliver(_ event: JSONValue, then: @escaping (Result<Void, ProviderFailure>) -> Void) {
        loop.schedule(at: loop.now + .seconds(3)) { [self] in
            guard failures == 0 else {
                failures -= 1
                return then(.failure(.refused(status: 503, body: "", retryAfter: nil)))
            }
            events.append(event)
            then(.success(()))
        }
    }
}

private final class ScriptedMessenger: TextMessenger {
    let loop: EventLoop
    var fails = false
    private(set) var sent: [String] = []
    init(loop: EventLoop) { self.loop = loop }

    func send(
        _ text: String, to number: String,
        then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        loop.schedule(at: loop.now) { [self] in
            if fails { return then(.failure(.cut)) }
            sent.append(number + ": " + text)
            then(.success(()))
        }
    }
}

@Suite struct WorkerTests {
    // MARK: Workflows

    private func bus(_ hook: ScriptedHook, dead: @escaping (JSONValue) -> Void = { _ in })
        -> (WorkflowBus, AgentMetrics)
    {
        let metrics = AgentMetrics()
        return (
            WorkflowBus(
                hook, worker: "w", metrics: metrics, loop: hook.loop,
                random: RandomStream(state: 1), deadLetters: dead), metrics
        )
    }

    @Test func anEventIsDeliveredAgainUntilItIsTaken() {
        let world = SimulatedWorld()
        let hook = ScriptedHook(loop: world.loop)
        hook.failures = 3
        let (bus, metrics) = bus(hook)
        bus.emit(.crm, "complete_task", session: "s", ["title": "milk"], unixTime: 7)
        world.loop.run(until: Instant(nanoseconds: 60_000_000_000))
        #expect(hook.events.map { $0["payload"]?["title"]?.text } == ["milk"])
        #expect(metrics.value(.workflowExecutions, ["crm", "completed"]) == 1)
        #expect(metrics.value(.activeWorkflows, ["crm"]) == 0)
    }

    @Test func whatCannotBeDeliveredGoesToTheDeadLetters() {
        let world = SimulatedWorld()
        let hook = ScriptedHook(loop: world.loop)
        hook.failures = 99
        var dead: [JSONValue] = []
        let (bus, metrics) = bus(hook) { dead.append($0) }
        bus.emit(.email, "call_ended", session: "s", [:], unixTime: 7)
        world.loop.run(until: Instant(nanoseconds: 120_000_000_000))
        #expect(dead.map { $0["event"]?.text } == ["call_ended"])
        #expect(metrics.value(.workflowExecutions, ["email", "failed"]) == 1)
        #expect(hook.failures == 94)
    }

    @Test func theQueueHasABoundAndNothingIsLostOverAnEnd() {
        let world = SimulatedWorld()
        let hook = ScriptedHook(loop: world.loop)
        var dead = 0
        let (bus, _) = bus(hook) { _ in dead += 1 }
        for _ in 0..<WorkflowBus.queueLimit + 5 {
            bus.emit(.crm, "x", session: "s", [:], unixTime: 1)
        }
        #expect(dead == 5)
        bus.close()
        #expect(dead == WorkflowBus.queueLimit + 5)
    }

    // MARK: Limits

    @Test func aPersonMayAskSoOftenInAWindow() {
        var limit = RateLimit(limit: 3, window: .seconds(60))
        func allows(_ person: String, _ second: Int64) -> Bool {
            limit.allows(person, at: Instant(nanoseconds: second * 1_000_000_000))
        }
        #expect([0, 1, 2, 3].map { allows("a", $0) } == [true, true, true, false])
        #expect(allows("b", 3))
        #expect(!allows("a", 59))
        #expect(allows("a", 60))
    }

    @Test func whoeverHasBeenSilentForAWindowIsForgotten() {
        var limit = RateLimit(limit: 3, window: .seconds(60))
        func ask(_ person: String, _ second: Int64) {
            _ = limit.allows(person, at: Instant(nanoseconds: second * 1_000_000_000))
        }
        for second in 0..<1000 {
            ask("person-\(second)", Int64(second))
            ask("regular", Int64(second))
        }
        #expect(limit.count == 61)
        ask("regular", 1100)
        #expect(limit.count == 1)
        // A flood within one window is bounded too.
        for person in 0..<20_000 { ask("flood-\(person)", 1101) }
        #expect(limit.count == 10_000)
    }

    @Test func memoryIsHighFromEightyAndCriticalFromEightyFivePercent() {
        func level(_ used: Int64, _ limit: Int64?) -> MemoryWatch.Level {
            MemoryWatch.level(
                of: WorkerLoad(memory: used, memoryLimit: limit, processorNanoseconds: 0))
        }
        #expect(level(799, 1000) == .normal)
        #expect(level(800, 1000) == .high)
        #expect(level(850, 1000) == .critical)
        #expect(level(1 << 40, nil) == .normal)
    }

    @Test func logLinesHaveTheGuidesFields() throws {
        var lines: [String] = []
        let log = AgentLog(time: { 1_795_250_696_007 }, write: { lines.append($0) })
        log.say(.info, "call began", call: CallIntroduction(call: "CA1"))
        log.say(.debug, "too small to tell")
        #expect(lines.count == 1)
        let line = try JSONParser.parse(lines[0])
        #expect(line["timestamp"]?.text == "2026-11-21T08:44:56.007Z")
        #expect(line["level"]?.text == "INFO")
        #expect(line["room_name"]?.text == "CA1")
        #expect(line["session_id"]?.text == "CA1")
        for field in ["message", "module", "function", "line"] { #expect(line[field] != nil) }
    }

    // MARK: Health

    private func page(isDraining: Bool = false, isGood: Bool = true) -> HealthPage {
        HealthPage(
            worker: "w", unixTime: 5, activeCalls: 1, maximumCalls: 10, isDraining: isDraining,
            checks: [.init(name: "media", isGood: isGood, detail: "")])
    }

    @Test func aDrainingWorkerIsAliveAndNotReady() {
        #expect(page(isDraining: true).answer("/health/live")?.status == 200)
        for path in ["/health/ready", "/ready", "/health", "/"] {
            #expect(page().answer(path)?.status == 200)
            #expect(page(isDraining: true).answer(path)?.status == 503)
            #expect(page(isGood: false).answer(path)?.status == 503)
        }
        #expect(page().answer("/healthz") == nil)
        let checks = page(isGood: false).answer("/health")?.body["checks"]
        #expect(checks?[0]?["status"]?.text == "fail")
        #expect(checks?[0]?["duration_ms"] != nil)
    }

    // MARK: Tools for others

    private func ask(
        _ body: String, person: String? = "p", offersTools: Bool = true,
        of store: MemoryTaskStore = MemoryTaskStore()
    ) throws -> (Int, JSONValue) {
        let world = SimulatedWorld()
        var result: (Int, [UInt8])?
        let server = ToolServer(
            tasks: store, offersTools: offersTools, metrics: AgentMetrics(), loop: world.loop,
            now: { 1 })
        server.answer(Array(body.utf8), person: person) { result = ($0, $1) }
        world.loop.run(until: Instant(nanoseconds: 1_000_000_000))
        let (status, bytes) = try #require(result)
        return (status, bytes.isEmpty ? .null : try JSONParser.parse(bytes))
    }

    @Test func toolsAreListedAndCalled() throws {
        let (_, hello) = try ask(
            #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#)
        #expect(hello["result"]?["serverInfo"]?["name"]?.text == "task-manager")
        let (_, list) = try ask(#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#)
        #expect(
            list["result"]?["tools"]?.items?.map { $0["name"]?.text } == [
                "create_task", "list_tasks", "complete_task",
            ])
        let (_, call) = try ask(
            #"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"create_task","arguments":{"title":"milk"}}}"#
        )
        #expect(call["result"]?["isError"]?.isTrue == false)
        #expect(call["result"]?["content"]?[0]?["text"]?.text == #"{"created":"milk"}"#)
    }

    @Test func tasksAreTheirOwnersAlone() throws {
        let store = MemoryTaskStore()
        func call(_ tool: String, _ arguments: String, as person: String) throws -> String? {
            let (_, answer) = try ask(
                #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\#(tool)","arguments":\#(arguments)}}"#,
                person: person, of: store)
            return answer["result"]?["content"]?[0]?["text"]?.text
        }
        _ = try call("create_task", #"{"title":"milk"}"#, as: "p")
        #expect(try call("list_tasks", "{}", as: "q") == #"{"tasks":[]}"#)
        #expect(
            try call("complete_task", #"{"title":"milk"}"#, as: "q")?.contains("no such task")
                == true)
        #expect(try call("list_tasks", "{}", as: "p") == #"{"tasks":["milk"]}"#)
        _ = try call("complete_task", #"{"title":"milk"}"#, as: "p")
        #expect(try call("list_tasks", "{}", as: "p") == #"{"tasks":[]}"#)
    }

    @Test(arguments: [
        ("{", 400, -32700), (#"{"id":1,"method":"ping"}"#, 400, -32600),
        (#"{"jsonrpc":"2.0","id":1,"method":"nope"}"#, 200, -32601),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nope"}}"#, 200, -32602),
    ])
    func badRequestsGetTheirCode(body: String, status: Int, code: Int) throws {
        let (given, answer) = try ask(body)
        #expect(given == status)
        #expect(answer["error"]?["code"]?.int == code)
    }

    @Test func toolsThatAreSwitchedOffAreNobodys() throws {
        let (_, list) = try ask(
            #"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#, offersTools: false)
        #expect(list["result"]?["tools"]?.items?.isEmpty == true)
        let (_, call) = try ask(
            #"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"list_tasks"}}"#,
            offersTools: false)
        #expect(call["error"]?["code"]?.int == -32602)
    }

    @Test func whoAsksForToolsShowsTheKeyWhereThereIsOne() {
        func admits(_ headers: HTTPHeaders, _ key: String?) -> Bool {
            ToolServer.admits(
                HTTPRequestHead(method: "POST", target: "/mcp", headers: headers), key: key)
        }
        #expect(admits([:], nil))
        #expect(!admits([:], "k1"))
        #expect(!admits(["Authorization": "Bearer k2"], "k1"))
        #expect(!admits(["X-API-Key": "k12"], "k1"))
        #expect(admits(["Authorization": "Bearer k1"], "k1"))
        #expect(admits(["X-API-Key": "k1"], "k1"))
    }

    @Test func nobodysTasksAreNotGuessed() throws {
        let (_, answer) = try ask(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_tasks"}}"#,
            person: nil)
        #expect(answer["error"]?["code"]?.int == -32602)
        let (status, _) = try ask(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        #expect(status == 202)
    }

    /// Hears what a request comes to.
    private final class Answer: HTTPExchangeHandler {
        private(set) var status = 0
        private(set) var body: [UInt8] = []

        func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
            self.status = status
        }
        func received(body bytes: RawSpan, on exchange: any HTTPExchange) {
            bytes.withUnsafeBytes { body.append(contentsOf: $0) }
        }
        func finished(_ exchange: any HTTPExchange) {}
        func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) { status = -1 }
    }

    @Test func toolsAreServedOverHTTPAndKeepWhatTheyWereTold() throws {
        let world = SimulatedWorld()
        var settings = AgentSettings()
        settings.echoes = true
        let server = AgentServer(
            settings, parts: AgentParts(loop: world.loop, network: world.network))
        let endpoint = try server.start()
        let http = SimulatedHTTPClient(loop: world.loop, network: world.network)
        func ask(_ method: String, _ body: String) -> Answer {
            let answer = Answer()
            _ = http.send(
                HTTPRequest(
                    method: method, url: "http://127.0.0.1:\(endpoint.port)/mcp",
                    headers: [HTTPField("X-User-Id", "p")], body: Array(body.utf8)),
                handler: answer)
            world.loop.run(until: world.loop.now + .seconds(1))
            return answer
        }
        for title in ["milk", "bread"] {
            // Each of these clients counts its requests from 1.
            let answer = ask(
                "POST",
                #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_task","arguments":{"title":"\#(title)"}}}"#
            )
            #expect(answer.status == 200)
        }
        let list = ask(
            "POST",
            #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_tasks","arguments":{}}}"#
        )
        let text = String(decoding: list.body, as: UTF8.self)
        #expect(text.contains("milk") && text.contains("bread"))
        #expect(ask("GET", "").status == 405)
        server.stop()
    }

    // MARK: Outage

    @Test func aCallerWithoutVoiceGetsAMessageAndElseSomebodyIsPaged() throws {
        let world = SimulatedWorld()
        let recogniser = ScriptedRecogniser(["one", "two"], loop: world.loop)
        let model = ScriptedModel(["Fine."], loop: world.loop)
        let voice = ScriptedVoice(loop: world.loop)
        voice.stallsAfter = 0
        let messenger = ScriptedMessenger(loop: world.loop)
        let pager = ScriptedHook(loop: world.loop)
        var settings = AgentSettings()
        settings.greeting = ""
        settings.preparesPhrases = false
        settings.failback = false
        var parts = AgentParts(loop: world.loop, network: world.network)
        parts.recognisers = [("first", recogniser)]
        parts.models = [ModelCandidate(model, model: "first")]
        parts.voices = [("first", VoiceCandidate(voice, voice: "one"))]
        parts.messenger = messenger
        parts.pager = pager
        let server = AgentServer(settings, parts: parts)
        let endpoint = try server.start()
        func call() -> ScriptedCaller {
            let caller = ScriptedCaller(
                to: endpoint, parameters: ["from_number": "+15550001111"], loop: world.loop,
                network: world.network)
            return caller
        }
        let first = call()
        first.speak(1000..<2000)
        world.loop.run(until: Instant(nanoseconds: 12_000_000_000))
        #expect(messenger.sent == ["+15550001111: " + settings.messageFallback])
        #expect(first.closeCode == .normal)
        #expect(pager.events.isEmpty)

        messenger.fails = true
        let second = call()
        second.speak(1000..<2000)
        world.loop.run(until: Instant(nanoseconds: 30_000_000_000))
        #expect(second.closeCode == .normal)
        #expect(pager.events.map { $0["summary"]?.text } == ["Voice and fallback both failed"])
        #expect(server.metrics.value(.pages) == 1)
    }
}
