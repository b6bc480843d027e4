import UproarCore
import UproarRuntime
import UproarWire

/// Serves one emulated vendor on one port.
package final class EmulatorListener: ListenerHandler {
    private let context: EmulatorContext
    private let service: any EmulatedService
    private var listener: (any Listener)?
    /// By identity; their order never shows.
    private var connections: [ObjectIdentifier: EmulatorConnection] = [:]
    private var accepted: UInt64 = 0

    /// Port 0 asks for an ephemeral port; `endpoint` then has the one given out.
    package init(
        _ service: any EmulatedService, on endpoint: Endpoint, context: EmulatorContext,
        options: ListenOptions = ListenOptions()
    ) throws(NetworkError) {
        self.service = service
        self.context = context
        listener = try context.network.listen(on: endpoint, options: options, handler: self)
        context.onFaults.append { [weak self] now in self?.meetFaults(at: now) }
    }

    /// Open streams meet what was armed or cleared, in the order in which they were accepted.
    private func meetFaults(at now: Instant) {
        let open = connections.values.sorted { $0.place < $1.place }
        for connection in open { connection.meetFaults(at: now) }
    }

    package var endpoint: Endpoint { listener?.endpoint ?? .loopback(0) }
    package var connectionCount: Int { connections.count }

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        context[service.provider].active += 1
        context[service.provider].connections += 1
        accepted += 1
        let connection = EmulatorConnection(
            stream, service: service, context: context, listener: self, place: accepted)
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    /// Stops accepting; open connections go on.
    package func close() {
        listener?.close()
        listener = nil
    }

    func closed(_ connection: EmulatorConnection) {
        connections[ObjectIdentifier(connection)] = nil
    }
}
