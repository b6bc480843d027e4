import UproarCore
import UproarPosix
import UproarRuntime
import UproarWire

/// Emulators that somebody else started (`uproar providers`), as a run hears them. Belongs to the control loop.
final class AttachedProviders: ByteStreamHandler {
    private let url: String
    private let loop: EventLoop
    private let clock: RunClock
    private let seed: Seed
    private let isTagging: Bool
    private var stream: (any ByteStream)?
    private var connection: ControlConnection?
    private var limit = TimerID.none
    /// Their clock's zero, on the run's clock.
    private var shift = Duration.zero
    private var isReady = false
    private var isOver = false

    var onReady: (() -> Void)?
    var onEvidence: ((JSONValue) -> Void)?
    var onRequests: ((JSONValue, _ shift: Duration) -> Void)?
    var onFacts: ((RawSpan, _ shift: Duration) -> Void)?
    /// They cannot be used, or are gone. Called at most once.
    var onEnded: ((String) -> Void)?

    private static let answerLimit = Duration.seconds(5)

    init(
        _ url: String, seed: Seed, isTagging: Bool, clock: RunClock, network: any Network,
        loop: EventLoop
    ) {
        self.url = url
        self.loop = loop
        self.clock = clock
        self.seed = seed
        self.isTagging = isTagging
        guard let place = Self.endpoint(url) else {
            loop.schedule(at: loop.now) { [weak self] in
                self?.end(
                    "providers.attach: \(self?.url ?? "") is no address such as tcp://127.0.0.1:9199"
                )
            }
            return
        }
        var options = ConnectOptions()
        options.timeout = Self.answerLimit
        stream = network.connect(to: place, options: options, handler: self)
        limit = loop.schedule(at: loop.now + Self.answerLimit) { [weak self] in
            guard let self, !isReady else { return }
            end("\(self.url) accepts connections and says nothing: it is no `uproar providers`")
        }
    }

    /// Asks for the last facts and evidence.
    func drain() { connection?.send(.drain) }

    static func endpoint(_ url: String) -> Endpoint? {
        guard url.hasPrefix("tcp://"), let place = try? WireURL("http://" + url.dropFirst(6)) else {
            return nil
        }
        return .tcp(host: place.host, port: place.port)
    }

    private func end(_ reason: String) {
        guard !isOver else { return }
        isOver = true
        loop.cancel(limit)
        stream?.reset()
        stream = nil
        onEnded?(reason)
    }

    // MARK: Before the first word

    func opened(_ stream: any ByteStream) {
        connection = ControlConnection(stream: stream, handler: self)
    }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {}

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        end("no providers are at \(url): start them with `uproar providers`")
    }

    private func greeted(_ value: JSONValue) {
        guard let epoch = value["epoch_ns"]?.text.flatMap({ Int64($0) }),
            let theirs = value["seed"]?.text.flatMap({ UInt64($0) })
        else { return end("\(url) speaks another version of this protocol") }
        if let boot = value["boot_id"]?.text, boot != MachineLimits.ownBootID() {
            return end(
                "the providers at \(url) run on another machine, whose clock cannot be compared with this one's"
            )
        }
        guard theirs == seed.value else {
            return end(
                "the providers at \(url) run with seed \(theirs), this run with \(seed.value): add --seed \(theirs), or start them with --seed \(seed.value)"
            )
        }
        guard value["tagging"]?.isTrue == isTagging else {
            return end(
                "tagging is on in one of the providers at \(url) and this run, off in the other")
        }
        shift = .nanoseconds(epoch - clock.epoch)
        isReady = true
        loop.cancel(limit)
        onReady?()
    }
}

extension AttachedProviders: ControlHandler {
    func controlReceived(
        _ kind: ControlKind, _ value: JSONValue, on connection: ControlConnection
    ) {
        switch kind {
        case .hello where !isReady: greeted(value)
        case .evidence:
            if let requests = value["requests"] {
                onRequests?(requests, shift)
            } else {
                onEvidence?(value)
            }
        case .error: end(value["message"]?.text ?? "\(url) refuses")
        default: break
        }
    }

    func controlReceived(facts records: RawSpan, on connection: ControlConnection) {
        onFacts?(records, shift)
    }

    func controlClosed(_ connection: ControlConnection, error: ControlError?) {
        stream = nil
        self.connection = nil
        end("the providers at \(url) closed the connection")
    }
}
