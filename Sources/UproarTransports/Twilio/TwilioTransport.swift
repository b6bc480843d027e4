import UproarCore
import UproarRuntime
import UproarWire

/// Calls an agent as Twilio does: a media stream over one WebSocket per call (Twilio, "Media Streams – WebSocket Messages").
///
/// One object serves all calls of one loop, which share its buffers.
package final class TwilioTransport: CallTransport {
    package struct Options: Sendable {
        /// Signs the upgrade (`X-Twilio-Signature`) when not nil.
        package var authToken: String?
        /// False only by the person's own word (`--insecure`).
        package var verifiesCertificates = true
        /// PEM file of further trusted authorities.
        package var authorityFile: String?
        package init() {}
    }

    /// An agent that stops reading breaks the call when so many bytes wait for it: 15 s of frames.
    static let queueLimit = 256 << 10

    package let format = AudioFormat.telephone
    /// Where calls go: straight to a stream, or to the webhook that says where the stream is.
    private enum Place {
        case streams([WireURL])
        case webhook(VoiceWebhook, any HTTPClient)
    }

    private let place: Place
    let network: any Network
    let loop: EventLoop
    let seed: Seed
    let options: Options

    var writer = TwilioMediaWriter()
    /// Decoded agent audio, on its way to a handler.
    var audio: [UInt8] = []
    var mediaShapes = TwilioAgentMessage.mediaShapes
    private var masks: RandomStream

    package convenience init(
        url: WireURL, network: any Network, loop: EventLoop, seed: Seed,
        options: Options = Options()
    ) { self.init(urls: [url], network: network, loop: loop, seed: seed, options: options) }

    /// - urls: of the kind `ws` or `wss`, one for each worker of the agent: a call's number picks its own. At least one.
    package init(
        urls: [WireURL], network: any Network, loop: EventLoop, seed: Seed,
        options: Options = Options()
    ) {
        precondition(!urls.isEmpty, "a transport to nowhere")
        for url in urls {
            precondition(
                url.scheme == .ws || url.scheme == .wss, "a media stream is no \(url.scheme)")
        }
        place = .streams(urls)
        self.network = network
        self.loop = loop
        self.seed = seed
        self.options = options
        masks = seed.stream("twilio-masks")
    }

    /// Asks `webhook` over `http` at the start of each call, as Twilio does, and calls the stream it answers with.
    package init(
        webhook: VoiceWebhook, http: any HTTPClient, network: any Network, loop: EventLoop,
        seed: Seed, options: Options = Options()
    ) {
        place = .webhook(webhook, http)
        self.network = network
        self.loop = loop
        self.seed = seed
        self.options = options
        masks = seed.stream("twilio-masks")
    }

    package func prepare(_ frames: [UInt8]) -> any PreparedAudio {
        TwilioPreparedAudio(frames, bytesPerFrame: format.bytesPerFrame)
    }

    /// A telephone shows nothing.
    package func prepare(_ picture: Picture) -> (any PreparedPicture)? { nil }

    package func dial(_ setup: CallSetup, handler: any CallMediaHandler) -> any CallMedia {
        switch place {
        case .streams(let urls):
            let call = TwilioCall(
                setup, to: urls[Int(setup.call) % urls.count], over: self, handler: handler)
            call.dial()
            return call
        case .webhook(let webhook, let http):
            let call = TwilioWebhookCall(
                setup, over: self, webhook: webhook, http: http, handler: handler)
            call.dial()
            return call
        }
    }

    func nextMask() -> UInt32 { UInt32(truncatingIfNeeded: masks.next()) }
}
