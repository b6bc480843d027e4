import UproarCore
import UproarRuntime
import UproarWire

/// A call that begins with the agent's voice webhook and goes on as the media stream that it answers with.
///
///     dial ─► asking ─┬─► streaming (a TwilioCall from here on)
///        redirect ▲───┘└─► over
final class TwilioWebhookCall: CallMedia {
    private enum Phase { case asking, streaming, over }

    private let setup: CallSetup
    private let transport: TwilioTransport
    private let webhook: VoiceWebhook
    private let http: any HTTPClient
    private let began: Instant
    private var handler: (any CallMediaHandler)?
    private var phase = Phase.asking
    private var place: WireURL
    private var redirects = 0
    private var exchange: (any HTTPExchange)?
    private var status = 0
    private var location: String?
    private var body: [UInt8] = []
    /// HTTP redirects one behind the other, and how the next request is made.
    private var hops = 0
    private var method = "POST"
    private var media: TwilioCall?

    private static let redirectLimit = 5
    /// Twilio's own limit (its error 11215) is not published; common clients follow as many.
    private static let hopLimit = 10
    /// The redirects that Twilio follows (its error 11216). After the last one the method stays.
    private static let redirects = [301, 302, 303, 307]
    private static let wordLimit = 80

    init(
        _ setup: CallSetup, over transport: TwilioTransport, webhook: VoiceWebhook,
        http: any HTTPClient, handler: any CallMediaHandler
    ) {
        self.setup = setup
        self.transport = transport
        self.webhook = webhook
        self.http = http
        self.handler = handler
        place = webhook.url
        began = transport.loop.now
    }

    func dial() {
        let identity = TwilioIdentity(seed: transport.seed, call: setup.call)
        status = 0
        location = nil
        body = []
        var request = webhook.request(setup, identity: identity, at: place, method: method)
        request.deadlines.total = left
        exchange = http.send(request, handler: self)
    }

    /// What is left of the time to be answered in.
    private var left: Duration {
        max(.milliseconds(1), setup.limit - (transport.loop.now - began))
    }

    var sentByteCount: Int { media?.sentByteCount ?? 0 }
    var receivedByteCount: Int { media?.receivedByteCount ?? 0 }
    var localPort: UInt16 { media?.localPort ?? 0 }

    func send(_ audio: any PreparedAudio, frame: Int) { media?.send(audio, frame: frame) }
    func send(digit: Character) { media?.send(digit: digit) }
    func show(_ picture: any PreparedPicture) { media?.show(picture) }

    func hangUp() {
        if let media { return media.hangUp() }
        guard phase == .asking else { return }
        exchange?.cancel()
        exchange = nil
        transport.loop.schedule(at: transport.loop.now) { [self] in end(.hungUp) }
    }

    private func end(_ end: CallMediaEnd) {
        guard phase == .asking else { return }
        phase = .over
        let handler = handler
        self.handler = nil
        handler?.ended(end, at: transport.loop.now)
    }

    /// Goes where an HTTP redirect points to; false where it points nowhere, or has done so too often.
    private func hop() -> Bool {
        guard Self.redirects.contains(status), hops < Self.hopLimit, let location,
            let url = VoiceWebhook.resolved(location, against: place)
        else { return false }
        hops += 1
        if status != 307 { method = "GET" }
        place = url
        dial()
        return true
    }

    /// What the webhook said instead of TwiML.
    private var problem: WebhookProblem {
        var address = place
        address.query = nil
        return WebhookProblem(
            url: address.description, status: status == 0 ? nil : status, words: firstWords)
    }

    /// One line of them, without control characters.
    private var firstWords: String {
        let text = String(decoding: body.prefix(4 * Self.wordLimit), as: UTF8.self)
        let plain = text.unicodeScalars.map {
            $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0)
        }
        let words = String(plain).split(separator: " ").joined(separator: " ")
        return words.count > Self.wordLimit ? words.prefix(Self.wordLimit) + "…" : words
    }

    private func follow() {
        do throws(CallInstructions.Problem) {
            switch try CallInstructions(body) {
            case .redirect(let text):
                redirects += 1
                guard redirects <= Self.redirectLimit,
                    let url = VoiceWebhook.resolved(text, against: place)
                else { return end(.unreachable("the webhook redirects to \"\(text)\"")) }
                place = url
                hops = 0
                method = "POST"
                dial()
            case .stream(let url, let parameters):
                guard let handler else { return }
                var setup = setup
                setup.limit = left
                setup.parameters = parameters
                phase = .streaming
                self.handler = nil
                let media = TwilioCall(
                    setup, to: webhook.streamURL ?? url, over: transport, handler: handler)
                self.media = media
                media.dial()
            }
        } catch {
            end(.unreachable(error.description))
        }
    }
}

extension TwilioWebhookCall: HTTPExchangeHandler {
    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        self.status = status
        location = headers.first { $0.name.lowercased() == "location" }?.value
    }

    func received(body bytes: RawSpan, on exchange: any HTTPExchange) {
        let room = MarkupParser.byteLimit + 1 - body.count
        bytes.withUnsafeBytes { body.append(contentsOf: $0.prefix(max(0, room))) }
    }

    func finished(_ exchange: any HTTPExchange) {
        guard phase == .asking else { return }
        self.exchange = nil
        guard (200..<300).contains(status) else {
            return hop() ? () : end(.unhooked(problem))
        }
        follow()
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        self.exchange = nil
        switch failure {
        case .timedOut:
            status = 0
            end(.unhooked(problem))
        case .unreachable(let words): end(.unreachable("the webhook: \(words)"))
        case .tls(let words): end(.unreachable("the webhook: TLS failed: \(words)"))
        case .untrusted(let words): end(.untrusted("the webhook: TLS failed: \(words)"))
        case .cut: end(.unreachable("the webhook: the connection ended before the answer"))
        case .malformed(let words): end(.unreachable("the webhook: \(words)"))
        }
    }
}
