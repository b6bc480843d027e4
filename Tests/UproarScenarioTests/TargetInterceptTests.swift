import Testing
import UproarCore
import UproarScenario

@Suite struct TargetInterceptTests {
    private func command(_ intercept: String) throws -> TargetCommand? {
        let scenario = try ScenarioFixture.read(
            ScenarioFixture.small
                + "target: {command: a, url: 'ws://127.0.0.1:9/x'\(intercept)}\n")
        guard case .command(let command) = scenario.target else { return nil }
        return command
    }

    @Test func itIsOffUnlessAskedFor() throws {
        #expect(try command("")?.intercept == nil)
        #expect(try command(", intercept: off")?.intercept == nil)
        #expect(try command(", intercept: true")?.intercept?.hosts.isEmpty == true)
        let own = try command(
            ", intercept: {hosts: {bucket.s3.amazonaws.com: object_store, crm.test: workflow}}")
        #expect(own?.intercept?.hosts.map(\.name) == ["bucket.s3.amazonaws.com", "crm.test"])
        #expect(own?.intercept?.hosts.map(\.provider) == [.objectStore, .workflow])
    }

    @Test(arguments: [
        ("intercept: maybe", "neither on nor off"),
        ("intercept: {host: {a: sms}}", "did you mean \"hosts\"?"),
        ("intercept: {hosts: {'*.test': sms}}", "no name of a host"),
        ("intercept: {hosts: {a.test: twilo}}", "twilo"),
        ("intercept: {hosts: [a.test]}", "target.intercept.hosts holds"),
    ])
    func mistakesAreNamed(_ text: String, _ reason: String) {
        let problems = ScenarioFixture.problems(
            ScenarioFixture.small + "target: {command: a, url: 'ws://127.0.0.1:9/x', \(text)}\n")
        #expect(problems.contains { $0.reason.contains(reason) }, "\(problems.map(\.reason))")
    }

    @Test func itGoesWithACommand() {
        let problems = ScenarioFixture.problems(
            ScenarioFixture.small + "target: {url: 'ws://127.0.0.1:9/x', intercept: on}\n")
        #expect(problems.contains { $0.reason == "target.intercept goes with a command" })
    }
}
