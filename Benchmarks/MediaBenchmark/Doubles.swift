import UproarAgent
import UproarCore
import UproarRuntime

/// A clock that stands still until it is set.
final class StoppedClock: LoopDriver, @unchecked Sendable {
    var now = Instant.zero
    var nextInput: Instant? { nil }
    func wait(until deadline: Instant) -> Bool { false }
    func wake() {}
}

/// A stream that forgets what is written.
final class NullStream: ByteStream {
    var handler: (any ByteStreamHandler)?
    let remote = Endpoint.loopback(1)
    var queuedByteCount: Int { 0 }
    var isKeeping = true
    private(set) var written: [UInt8] = []

    func write(_ bytes: RawSpan) {
        guard isKeeping else { return }
        bytes.withUnsafeBytes { written.append(contentsOf: $0) }
    }

    func pauseReading() {}
    func resumeReading() {}
    func closeWriting() {}
    func close() {}
    func reset() {}
}

final class NullNetwork: Network {
    var latest = NullStream()

    func connect(
        to endpoint: Endpoint, options: ConnectOptions, handler: any ByteStreamHandler
    ) -> any ByteStream {
        latest = NullStream()
        latest.handler = handler
        return latest
    }

    func listen(
        on endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler
    ) throws(NetworkError) -> any Listener {
        throw NetworkError(errno: 1, description: "nothing can listen here")
    }
}

final class CountingEar: CallMediaHandler {
    private(set) var heard = 0
    func answered(at: Instant) {}
    func heard(_ audio: RawSpan, playsAt: Instant, arrivedAt: Instant) { heard += audio.byteCount }
    func cleared(at: Instant) {}
    func shown(_ text: String, at: Instant) {}
    func remarked(_ text: String, at: Instant) {}
    func ended(_ end: CallMediaEnd, at: Instant) {}
}

final class CountingRecogniser: SpeechToText {
    let provider = ProviderID.deepgram
    let stream = CountingRecogniserStream()
    private var handler: (any SpeechToTextHandler)?

    func open(_ settings: SpeechToTextSettings, handler: any SpeechToTextHandler)
        -> any SpeechToTextStream
    {
        self.handler = handler
        return stream
    }

    func answer() { handler?.opened(stream) }
}

final class CountingRecogniserStream: SpeechToTextStream {
    private(set) var heard = 0
    func send(audio: RawSpan) { heard += audio.byteCount }
    func finishUtterance() {}
    func close() {}
}

final class SilentModel: LanguageModel, LanguageModelReply {
    let provider = ProviderID.openai
    func start(_ request: LanguageModelRequest, handler: any LanguageModelHandler)
        -> any LanguageModelReply
    {
        self
    }
    func cancel() {}
}

final class SilentVoice: TextToSpeech, VoiceStream {
    let provider = ProviderID.cartesia
    func open(_ settings: TextToSpeechSettings, handler: any VoiceHandler) -> any VoiceStream {
        self
    }
    func speak(_ text: String, reply: Int) {}
    func finishText(reply: Int) {}
    func cancel(reply: Int) {}
    func close() {}
}
