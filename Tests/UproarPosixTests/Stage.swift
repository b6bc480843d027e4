import Testing
import UproarCore
import UproarPosix
import UproarRuntime

/// A real loop with a host on it, for one test.
final class Stage {
    let loop: EventLoop
    let network: PosixNetwork
    let host: PosixProcessHost
    let http: CurlHTTPClient

    init() throws {
        let driver = try PosixDriver(clock: .starting())
        loop = EventLoop(driver: driver)
        network = PosixNetwork(loop: loop, driver: driver)
        host = try PosixProcessHost(network: network, program: TrialProgram.path)
        http = CurlHTTPClient(loop: loop, driver: driver)
    }

    func start(_ command: ProcessCommand) -> RecordedProcess {
        let record = RecordedProcess()
        record.hosted = host.start(command, handler: record)
        return record
    }

    /// Turns the loop until it is so; at most 10 s, which is far from any time measured here.
    func runUntil(_ condition: () -> Bool, at place: SourceLocation = #_sourceLocation) {
        let limit = loop.now + .seconds(10)
        while !condition(), loop.now < limit {
            loop.runOnce(until: loop.now + .milliseconds(20))
        }
        #expect(condition(), sourceLocation: place)
    }

    func shutDown(isClean: Bool = true, at place: SourceLocation = #_sourceLocation) {
        var end: Bool?
        host.shutDown { end = $0 }
        runUntil({ end != nil }, at: place)
        #expect(end == isClean, sourceLocation: place)
    }
}

final class RecordedProcess: HostedProcessHandler {
    var hosted: (any HostedProcess)?
    var wasStarted = false
    var signals: [(ProcessSignal, Instant)] = []
    var exit: ProcessExit?

    func started(_ process: any HostedProcess) { wasStarted = true }
    func signalled(_ process: any HostedProcess, signal: ProcessSignal, at: Instant) {
        signals.append((signal, at))
    }
    func exited(_ process: any HostedProcess, exit: ProcessExit) {
        #expect(self.exit == nil)
        self.exit = exit
    }
}
