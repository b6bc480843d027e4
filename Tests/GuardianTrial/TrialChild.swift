import Glibc
import UproarCore
import UproarPosix
import UproarRuntime

/// A child as ours are: config file, control socket, a loop. What it does wrong stands in its config.
final class TrialChild: ControlHandler {
    let loop: EventLoop
    var control: ControlConnection?
    /// Stays when its run is gone.
    var isDeaf = false

    static func main() -> Never {
        do {
            let config = try JSONParser.parse(
                ProcFile.bytes(CommandLine.arguments.last ?? "") ?? [])
            let driver = try PosixDriver(clock: .starting())
            let loop = EventLoop(driver: driver)
            let child = TrialChild(loop: loop)
            child.control = try ControlSocket.claim(
                role: "child", network: PosixNetwork(loop: loop, driver: driver), handler: child)
            child.act(config["act"]?.text ?? "")
            loop.run()
        } catch {
            print(error)
        }
        exit(1)
    }

    init(loop: EventLoop) { self.loop = loop }

    private func act(_ act: String) {
        switch act {
        case "serve": control?.send(.ready, ["ports": ["media": 4001, "bad": 70_000]])
        case "complain":
            control?.send(.error, ["message": "no voice \"slt\""])
            loop.schedule(at: loop.now + .milliseconds(1)) { exit(2) }
        case "garbage":
            isDeaf = true
            control?.stream.write([UInt8](repeating: 0xff, count: 64).span.bytes)
        case "crash":
            print("first line")
            print("about to fall over: \(getenv("SECRET").map { String(cString: $0) } ?? "")")
            fflush(nil)
            kill(getpid(), SIGUSR1)
        default: break
        }
    }

    func controlReceived(_ kind: ControlKind, _ value: JSONValue, on connection: ControlConnection)
    {
        guard kind == .drain else { return }
        let sink = ControlFactSink(connection: connection)
        for index in 0..<3000 {
            sink.state(
                Fact(.finalSent, at: loop.now, call: UInt32(index), origin: .provider(.deepgram)))
        }
        sink.flush()
        connection.send(.evidence, ["facts_dropped": JSONValue(connection.factsDropped)])
        connection.close()
    }

    func controlClosed(_ connection: ControlConnection, error: ControlError?) {
        if !isDeaf { exit(0) }
    }
}
