import Testing
import UproarCore
import UproarPosix
import UproarRuntime
import UproarSimulation

/// The clients that must keep the one contract of `HTTPClient`, each in a world it runs in.
enum HTTPClientKind: String, CaseIterable, CustomTestStringConvertible {
    /// Our codec over the simulated network.
    case simulated
    /// The same with what is ready at once in seeded order.
    case seeded
    /// Our codec over sockets.
    case sockets
    /// libcurl on the live loop.
    case curl

    var testDescription: String { rawValue }

    var world: WorldKind {
        switch self {
        case .simulated: .simulated
        case .seeded: .seeded
        case .sockets, .curl: .posix
        }
    }

    func make(in world: TestWorld) throws -> any HTTPClient {
        switch self {
        case .simulated, .seeded, .sockets:
            return SimulatedHTTPClient(loop: world.loop, network: world.network)
        case .curl:
            guard let driver = world.loop.driver as? PosixDriver else {
                preconditionFailure("libcurl runs in real time only")
            }
            return CurlHTTPClient(loop: world.loop, driver: driver)
        }
    }
}
