import UproarRuntime
import UproarWire

/// For sessions that pass on what another says.
extension EmulatorConnection {
    /// A ping or pong.
    func control(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        act { $0.send(opcode, count: payload.count) { $0 += payload } }
    }

    /// The peer's bytes wait in the network.
    func pauseReading() { stream.pauseReading() }
    func resumeReading() { if !isFrozen { stream.resumeReading() } }
}
