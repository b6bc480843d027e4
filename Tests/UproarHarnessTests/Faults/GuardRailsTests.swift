import Testing
import UproarCore
import UproarPosix
import UproarScenario

@testable import UproarHarness

@Suite("Guard rails")
struct GuardRailsTests {
    /// The rule that refuses this event, or "allowed".
    func rule(
        _ event: String, target: String = "embedded", safety: String = "{}",
        environment: String? = nil, machine: GuardRails.Machine? = GuardRailsTests.roomy
    ) throws -> String {
        let text = """
            name: rails
            target: \(target)
            transport: twilio
            conversation: conversations/task-manager.yaml
            audio: ../fixtures/task-manager
            load: [{hold: 4 callers for 60s}]
            safety: \(safety)
            timeline: [{id: f, at: 10s, for: 5s, \(event)}]
            """
        let scenario = try ScenarioLoading.read(
            text: text, name: "scenarios/rails.yaml", overrides: [])
        let problems = GuardRails(scenario, machine: machine, environment: environment).problems
        guard let problem = problems.first else { return "allowed" }
        #expect(problem.mark.line == 8)
        let words = problem.reason.split(separator: " ")
        let index = try #require(words.firstIndex(of: "rail"))
        return String(words[index + 1].dropLast())
    }

    static let roomy = GuardRails.Machine(memoryAvailable: 16 << 30, processors: 4) { _ in nil }
    static let bare = GuardRails.Machine(memoryAvailable: 1 << 30, processors: 2) {
        "no \($0.rawValue) group"
    }

    @Test("Nothing stands in the way of a fault on what the run itself started")
    func allows() throws {
        for event in [
            "inject: http_error, on: deepgram", "inject: kill, on: agent",
            "inject: pause, on: redis", "inject: oom, on: agent",
            "inject: memory_pressure, on: machine, bytes: 500MB",
            "inject: cpu_pressure, on: machine, workers: 3",
        ] {
            #expect(try rule(event) == "allowed", "\(event)")
        }
    }

    static let remote = "{url: \"ws://agent.example.com/media\"}"

    @Test("A target beyond this machine must be allowed by name, in an environment that is named")
    func place() throws {
        let event = "inject: http_error, on: deepgram, p: 20%"
        #expect(try rule(event, target: Self.remote) == "loopback")
        let allowed = "{allow: [agent.example.com]}"
        #expect(try rule(event, target: Self.remote, safety: allowed) == "environment")
        let whole = "{allow: [agent.example.com], environment: staging}"
        #expect(try rule(event, target: Self.remote, safety: whole) == "environment")
        #expect(
            try rule(event, target: Self.remote, safety: whole, environment: "production")
                == "environment")
        #expect(
            try rule(event, target: Self.remote, safety: whole, environment: "staging")
                == "allowed")
        // Half of what is elsewhere is the most, and all of what is here.
        #expect(
            try rule(
                "inject: http_error, on: deepgram", target: Self.remote, safety: whole,
                environment: "staging") == "cohort")
    }

    @Test("A tag that the scenario asks for is asked for on this machine, too")
    func tag() throws {
        let event = "inject: http_error, on: deepgram"
        #expect(try rule(event, safety: "{environment: ci}") == "environment")
        #expect(try rule(event, safety: "{environment: ci}", environment: "ci") == "allowed")
    }

    @Test("A share above the limit is refused")
    func cohort() throws {
        let limit = "{max_share: 25%}"
        #expect(try rule("inject: http_error, on: deepgram", safety: limit) == "cohort")
        #expect(
            try rule("inject: http_error, on: deepgram, cohort: 50%, p: 60%", safety: limit)
                == "cohort")
        #expect(
            try rule("inject: http_error, on: deepgram, cohort: 50%, p: 50%", safety: limit)
                == "allowed")
    }

    @Test("Processes are those of the run, one at a time; what loses data says so")
    func processes() throws {
        #expect(try rule("inject: pause, on: [agent, redis]") == "identity")
        #expect(try rule("inject: pause") == "identity")
        #expect(
            try rule("inject: kill, on: agent", target: "{url: \"ws://127.0.0.1:9/m\"}")
                == "identity")
        #expect(try rule("inject: kill, on: redis") == "destructive")
        #expect(try rule("inject: kill, on: redis, destructive: on") == "allowed")
        #expect(try rule("inject: kill, on: providers, restart: 1s") == "restart")
        #expect(try rule("inject: memory_pressure, on: machine") == "amount")
    }

    @Test("What the machine cannot give is refused before it is asked for")
    func machine() throws {
        let bare = Self.bare
        #expect(
            try rule("inject: cpu_pressure, on: machine, workers: 2", machine: bare)
                == "cpu_headroom")
        #expect(
            try rule("inject: cpu_pressure, on: machine, workers: 2, load: 75%", machine: bare)
                == "allowed")
        #expect(
            try rule("inject: memory_pressure, on: machine, bytes: 900MB", machine: bare)
                == "memory_floor")
        #expect(try rule("inject: oom, on: agent", machine: bare) == "privilege")
        #expect(
            try rule("inject: cpu_quota, on: agent, quota: 20%, method: cgroup", machine: bare)
                == "privilege")
        #expect(try rule("inject: cpu_quota, on: agent, quota: 20%", machine: bare) == "allowed")
        // No machine is touched in simulation.
        #expect(try rule("inject: oom, on: agent", machine: nil) == "allowed")
    }
}
