import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime
import UproarScenario

@testable import UproarHarness

@Suite struct InterceptPlanTests {
    private let plan = InterceptPlan(TargetIntercept(), process: 0x1234)

    @Test func everyProviderThatIsCalledByNameHasAnAddressOfItsOwn() {
        let addresses = plan.addresses.map(\.address)
        #expect(Set(addresses).count == addresses.count)
        #expect(addresses.allSatisfy { $0.hasPrefix("127.82.52.") })
        #expect(
            Set(plan.addresses.map(\.provider)) == Set(VendorHosts.all.map(\.provider)))
        let other = InterceptPlan(TargetIntercept(), process: 0x1235)
        #expect(Set(other.addresses.map(\.address)).isDisjoint(with: addresses))
    }

    @Test func theHostsFileKeepsTheMachinesOwnNames() {
        let file = plan.hostsFile(
            over: "127.0.0.1 localhost # api.openai.com\n10.0.0.1\tapi.openai.com other\n\n")
        let lines = file.split(separator: "\n").map(String.init)
        #expect(lines.first == "127.0.0.1 localhost # api.openai.com")
        #expect(!file.contains("10.0.0.1"))
        #expect(lines.contains("\(plan.address(of: .openai)) api.openai.com"))
        #expect(lines.contains("\(plan.address(of: .deepgram)) api.deepgram.com"))
        #expect(lines.count == 1 + plan.hosts.count)
    }

    @Test func aNameOfTheirOwnGoesBeforeOurs() {
        var intercept = TargetIntercept()
        intercept.hosts = [
            .init(name: "api.openai.com", provider: .anthropic),
            .init(name: "bucket.test", provider: .objectStore),
        ]
        let plan = InterceptPlan(intercept)
        #expect(plan.hosts.filter { $0.name == "api.openai.com" }.map(\.provider) == [.anthropic])
        #expect(plan.hosts.contains { $0.name == "bucket.test" })
    }

    @Test func namesAreLookedUpInTheFileFirst() {
        let file = InterceptPlan.switchFile(
            over: "passwd: files\nhosts:\tmymachines resolve [!UNAVAIL=return] files dns\n")
        #expect(file == "passwd: files\nhosts: files dns\n")
    }

    @Test func aPythonsOwnListOfAuthoritiesIsFound() throws {
        var template = Array("/tmp/uproar-venv-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let root = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for folder in ["bin", "lib", "lib/python3.11", "lib/python3.11/site-packages"]
            + ["lib/python3.11/site-packages/certifi"]
        { try AtomicFile.makeFolder(root + "/" + folder) }
        let list = root + "/lib/python3.11/site-packages/certifi/cacert.pem"
        try AtomicFile.write(Array("theirs".utf8), to: list)
        let trust = TrustFiles(folder: root)
        try trust.write(authority: Array("ours\n".utf8))
        let bindings = try plan.prepare(folder: root, program: root + "/bin/python")
        #expect(bindings.contains { $0.target == list && $0.source == trust.bundle })
        #expect(bindings.contains { $0.target == "/etc/hosts" && $0.source == root + "/hosts" })
        #expect(Set(bindings.map(\.target)).count == bindings.count)
    }

    @Test func anInterceptedAgentGetsNoOrigins() {
        let addresses = AgentAddresses(ports: ["openai": 1, "object_store": 2])
        let names = addresses.interceptedEnvironment.map(\.name)
        #expect(!names.contains("OPENAI_BASE_URL") && names.contains("AWS_ENDPOINT_URL"))
        #expect(names.contains("OPENAI_API_KEY"))
    }

    @Test func aTakenPortIsAReason() throws {
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        final class Nobody: ListenerHandler, ByteStreamHandler {
            func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { self }
            func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {}
            func closed(_ stream: any ByteStream, reason: CloseReason) {}
        }
        let listener = try network.listen(
            on: .loopback(0), options: ListenOptions(), handler: Nobody())
        let port = listener.endpoint.port
        #expect(PortCheck.refusal(host: "127.0.0.1", port: port)?.code == EADDRINUSE)
        listener.close()
        #expect(PortCheck.refusal(host: "127.0.0.1", port: port) == nil)
    }
}
