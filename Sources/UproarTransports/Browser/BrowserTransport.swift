import UproarCore
import UproarRuntime
import UproarWire

/// Calls an agent as a browser does: 16 kHz PCM and JSON events over one WebSocket per call (`docs/browser-stream.md`).
///
/// One object serves all calls of one loop, which share its buffers.
package final class BrowserTransport: CallTransport {
    package struct Options: Sendable {
        /// False only by the person's own word (`--insecure`).
        package var verifiesCertificates = true
        /// PEM file of further trusted authorities.
        package var authorityFile: String?
        package init() {}
    }

    /// An agent that stops reading breaks the call when so many bytes wait for it: 15 s of frames.
    static let queueLimit = 512 << 10

    package let format = AudioFormat.browser
    private let urls: [WireURL]
    let network: any Network
    let loop: EventLoop
    let seed: Seed
    let options: Options
    var writer = BrowserFrameWriter()
    /// Agent audio, on its way to a handler.
    var audio: [UInt8] = []
    private var masks: RandomStream

    /// - urls: of the kind `ws` or `wss`, one for each worker of the agent: a call's number picks its own. At least one.
    package init(
        urls: [WireURL], network: any Network, loop: EventLoop, seed: Seed,
        options: Options = Options()
    ) {
        precondition(!urls.isEmpty, "a transport to nowhere")
        for url in urls {
            precondition(
                url.scheme == .ws || url.scheme == .wss, "a browser stream is no \(url.scheme)")
        }
        self.urls = urls
        self.network = network
        self.loop = loop
        self.seed = seed
        self.options = options
        masks = seed.stream("browser-masks")
    }

    package func prepare(_ frames: [UInt8]) -> any PreparedAudio {
        BrowserPreparedAudio(frames, bytesPerFrame: format.bytesPerFrame)
    }

    package func prepare(_ picture: Picture) -> (any PreparedPicture)? {
        BrowserPreparedPicture(picture)
    }

    package func dial(_ setup: CallSetup, handler: any CallMediaHandler) -> any CallMedia {
        let call = BrowserCall(
            setup, to: urls[Int(setup.call) % urls.count], over: self, handler: handler)
        call.dial()
        return call
    }

    func nextMask() -> UInt32 { UInt32(truncatingIfNeeded: masks.next()) }
}
