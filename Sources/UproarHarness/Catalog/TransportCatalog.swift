import UproarCore

/// Every transport: a literal list.
package enum TransportCatalog {
    package static let all: [TransportDescriptor] = [
        TransportDescriptor(
            name: "twilio",
            summary:
                "Twilio Media Streams: mu-law 8 kHz in JSON over a WebSocket, as a phone call arrives",
            descriptorsPerCall: 1, portsPerCall: 1, schemes: ["ws", "wss", "http", "https"])
    ]
}
