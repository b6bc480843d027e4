import Testing
import UproarPosix
import UproarRuntime

@Suite struct GuardianMessageTests {
    static let requests: [GuardianRequest] = {
        var command = ProcessCommand(
            name: "agent", executable: "/usr/bin/python3", arguments: ["-u", "a \"b\".py", ""])
        let plain = GuardianRequest.start(id: 0, command)
        command.environment = [
            EnvironmentEntry("KEY", "s3cr=t"), EnvironmentEntry("EMPTY", ""),
        ]
        command.withheld = ["OPENAI_API_KEY"]
        command.outputLimit = 65_536
        command.directory = "/tmp"
        command.outputFile = "out/children/agent.log"
        command.openFiles = 4096
        return [
            plain, .start(id: 7, command), .signal(id: 3, .stop, tree: true),
            .signal(id: 3, .kill, tree: false), .undoFile("/var/x"),
            .lease(.seconds(5), haltFile: "/var/halt"),
        ]
    }()

    static let replies: [GuardianReply] = [
        .started(id: 1, pid: 4_194_304), .signalled(id: 2, .resume, monotonic: 9_000_000_000_000),
        .exited(id: 3, .code(70)), .exited(id: 3, .signal(9)),
        .exited(id: 4, .notStarted(step: "exec", errno: 2)), .exited(id: 5, .unknown),
        .used(id: 6, ProcessorUse(user: 1_500_000_000, system: 7)),
        .undone(count: 2, isHalted: true, failures: ["a"]),
    ]

    @Test(arguments: requests) func requestsComeBackTheSame(request: GuardianRequest) {
        #expect(GuardianRequest(request.encoded()) == request)
    }

    @Test(arguments: replies) func repliesComeBackTheSame(reply: GuardianReply) {
        #expect(GuardianReply(reply.encoded()) == reply)
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"do":"start"}"#, #"{"do":"signal","id":1,"signal":77,"tree":true}"#,
        #"{"do":"start","id":1,"name":"a","executable":"b"}"#, #"{"do":"fly","id":1}"#,
    ])
    func whatIsNoRequestIsRefused(text: String) {
        #expect(GuardianRequest(Array(text.utf8)) == nil)
        #expect(GuardianReply(Array(text.utf8)) == nil)
    }
}
