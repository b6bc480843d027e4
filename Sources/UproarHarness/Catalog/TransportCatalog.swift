/// A way to call an agent, as scenarios and help name it.
package struct TransportDescriptor: Sendable {
    package var name: String
    package var summary: String
}

/// Every transport: a literal list.
package enum TransportCatalog {
    package static let all: [TransportDescriptor] = [
        TransportDescriptor(
            name: "twilio",
            summary:
                "Twilio Media Streams: mu-law 8 kHz in JSON over a WebSocket, as a phone call arrives"
        )
    ]
}
