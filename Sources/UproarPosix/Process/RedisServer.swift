import Glibc
import UproarCore
import UproarRuntime

/// A real `redis-server` on loopback for the time of a run: nothing is kept on disk, and it ends with the run.
///
/// ```
///   starting ── PONG ──► serving ── exit ──► over ── start ──► starting …
///       └─ port taken: another port, five times   └ the same port again, for its clients know it
/// ```
package final class RedisServer {
    /// Clients find it here. Known from the first `start` on; it stays over restarts.
    package private(set) var port: UInt16 = 0
    package private(set) var hosted: (any HostedProcess)?
    package weak var handler: (any RedisServerHandler)?
    package let outputFile: String

    private let host: any ProcessHost
    private let network: any Network
    private let loop: EventLoop
    private let folder: String
    private let program: String
    private var state = State.over
    private var attempts = 0
    private var hasServed = false
    private var deadline = Instant.zero
    private var probe: Probe?
    private var timer = TimerID.none

    private enum State { case starting, serving, over }

    private static let attemptLimit = 5
    private static let startLimit = Duration.seconds(10)
    private static let probeEvery = Duration.milliseconds(10)

    /// `folder` gets its log and is its working folder. `program` is looked up in PATH.
    package init(
        folder: String, host: any ProcessHost, network: any Network, loop: EventLoop,
        program: String = "redis-server", handler: any RedisServerHandler
    ) {
        self.host = host
        self.network = network
        self.loop = loop
        self.folder = folder
        self.program = program
        self.handler = handler
        outputFile = "\(folder)/redis.log"
    }

    package var endpoint: Endpoint { .loopback(port) }

    /// Starts it, or starts it again on the same port after its end. `redisReady` or `redisEnded` follows.
    package func start() {
        precondition(state == .over, "redis-server is started while it runs")
        state = .starting
        attempts = 0
        deadline = loop.now + Self.startLimit
        launch()
    }

    package func send(_ signal: ProcessSignal) { hosted?.send(signal, tree: false) }

    private func launch() {
        attempts += 1
        if !hasServed {
            do throws(Errno) {
                try AtomicFile.makeFolder(folder)
                port = try network.freePort()
            } catch {
                let words = "redis-server could not be started: \(error)"
                timer = loop.schedule(at: loop.now) { [weak self] in
                    self?.end(.notStarted(step: error.call, errno: error.code), words)
                }
                return
            }
        }
        var command = ProcessCommand(
            name: "redis", executable: program,
            arguments: [
                "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", folder, "--daemonize", "no", "--tcp-backlog", "4096",
            ])
        command.outputFile = outputFile
        hosted = host.start(command, handler: self)
        scheduleProbe()
    }

    // MARK: Is it there?

    private func scheduleProbe() {
        loop.cancel(timer)
        timer = loop.schedule(at: loop.now + Self.probeEvery) { [weak self] in self?.ask() }
    }

    private func ask() {
        guard state == .starting else { return }
        guard loop.now < deadline else {
            hosted?.send(.kill, tree: true)
            return
        }
        let probe = Probe(server: self)
        self.probe = probe
        var options = ConnectOptions()
        options.timeout = .seconds(1)
        probe.stream = network.connect(to: endpoint, options: options, handler: probe)
    }

    fileprivate func answered(_ isServing: Bool, to probe: Probe) {
        guard self.probe === probe else { return }
        self.probe = nil
        guard state == .starting else { return }
        guard isServing else { return scheduleProbe() }
        state = .serving
        hasServed = true
        handler?.redisReady(self)
    }

    private func end(_ exit: ProcessExit, _ failure: String?) {
        state = .over
        hosted = nil
        handler?.redisEnded(self, exit: exit, failure: failure)
    }
}

/// Takes what happens to a Redis server. Calls come on the loop.
package protocol RedisServerHandler: AnyObject {
    /// It answers.
    func redisReady(_ server: RedisServer)
    /// It is gone; `failure` says in words why when it never answered.
    func redisEnded(_ server: RedisServer, exit: ProcessExit, failure: String?)
}

extension RedisServer: HostedProcessHandler {
    package func exited(_ process: any HostedProcess, exit: ProcessExit) {
        loop.cancel(timer)
        probe?.stream?.reset()
        probe = nil
        guard state == .starting else { return end(exit, nil) }
        if case .notStarted(_, ENOENT) = exit {
            return end(exit, "\(program) is not installed (Debian package redis-server)")
        }
        let tail = ProcessOutput.tail(of: outputFile)
        if !hasServed, attempts < Self.attemptLimit,
            tail?.contains("Address already in use") == true
        {
            return launch()
        }
        var failure = "redis-server ended with \(exit) before it answered"
        if let tail { failure += "; \(outputFile) ends:\n\(tail)" }
        end(exit, failure)
    }
}

/// One PING.
private final class Probe: ByteStreamHandler {
    private weak var server: RedisServer?
    var stream: (any ByteStream)?
    private var heard: [UInt8] = []

    init(server: RedisServer) { self.server = server }

    func opened(_ stream: any ByteStream) { stream.write(Array("PING\r\n".utf8).span.bytes) }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        bytes.withUnsafeBytes { heard.append(contentsOf: $0.prefix(64)) }
        // Anything else (`-LOADING …`) is asked again.
        if heard.contains(0x0a) { stream.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        server?.answered(heard.starts(with: "+PONG".utf8), to: self)
    }
}
