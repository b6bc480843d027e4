import UproarCore
import UproarRuntime

/// Whose connection it is, for the links, which see bytes alone.
extension EmulatorConnection {
    func tellUse(at now: Instant) {
        guard context.tellsStreams, let call, toldCall != call else { return }
        toldCall = call
        tell(session == nil ? .request : .stream, call, at: now)
    }

    func tellAnswered(at now: Instant) {
        guard let call = toldCall, session == nil else { return }
        toldCall = nil
        tell(.answered, call, at: now)
    }

    private func tell(_ use: StreamUse, _ call: UInt32, at now: Instant) {
        context.state(
            .streamUsed, of: service.provider, at: now, call: call, value: use.rawValue,
            detail: UInt32(stream.remote.port))
    }
}
