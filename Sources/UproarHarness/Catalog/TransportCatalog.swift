import UproarCore

/// Every transport: a literal list.
package enum TransportCatalog {
    package static let all: [TransportDescriptor] = [
        TransportDescriptor(
            name: "twilio",
            summary:
                "Twilio Media Streams: mu-law 8 kHz in JSON over a WebSocket, as a phone call arrives",
            descriptorsPerCall: 1, portsPerCall: 1, schemes: ["ws", "wss", "http", "https"]),
        TransportDescriptor(
            name: "browser",
            summary:
                "browser stream: 16-bit PCM at 16 kHz and JSON events over a WebSocket, with pictures of a shared screen",
            descriptorsPerCall: 1, portsPerCall: 1, schemes: ["ws", "wss"],
            channels: ["browser", "screen_share"]),
    ]

    /// What the frames of a transport hold.
    static func format(of name: String) -> AudioFormat { name == "browser" ? .browser : .telephone }
}
