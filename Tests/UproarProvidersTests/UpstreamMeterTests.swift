import Testing
import UproarAudio
import UproarCore
import UproarWire

@testable import UproarProviders

/// What a vendor is paid for, counted from what passes.
@Suite struct UpstreamMeterTests {
    private func request(_ target: String, _ headers: HTTPHeaders = [:]) -> HTTPRequestHead {
        HTTPRequestHead(method: "POST", target: target, headers: headers)
    }

    private func used(
        _ provider: ProviderID, _ target: String, _ body: [UInt8], answer: [[UInt8]],
        headers: HTTPHeaders = [:]
    ) -> ProviderUsage {
        var meter = UpstreamMeter(request(target, headers), body: body, provider: provider)
        for piece in answer { meter.received(piece) }
        return meter.take(at: .zero, isEnd: true)
    }

    /// Half a second of telephone audio in a file of its own.
    private var wave: [UInt8] {
        WaveFileHeader.bytes(of: .telephone, dataByteCount: 4_000)
            + [UInt8](repeating: 0xff, count: 4_000)
    }

    @Test func aModelIsPaidForTheTokensItSaysAndWithoutAWordTheyAreUnknown() {
        let told = used(
            .anthropic, "/v1/messages", [],
            answer: [
                Array(#"data: {"message":{"usage":{"input_tokens":25,"output_tokens":1}}}"#.utf8),
                [UInt8](repeating: 0x20, count: 9_000),
                Array(#"data: {"usage":{"output_tokens":15}}"#.utf8),
            ])
        #expect(told.promptTokens == 25 && told.completionTokens == 15)
        #expect(told.requests == 1 && told.uncounted == 0)
        let silent = used(
            .openai, "/v1/chat/completions", [], answer: [Array("data: [DONE]".utf8)])
        #expect(silent.uncounted == 1 && silent.promptTokens == 0)
    }

    @Test func aFileIsAsLongAsTheAnswerSaysOrElseAsItsHead() {
        let head = used(.deepgram, "/v1/listen", wave, answer: [Array("{}".utf8)])
        #expect(head.audio == .milliseconds(500))
        let told = used(
            .deepgram, "/v1/listen", [1, 2, 3],
            answer: [Array(#"{"metadata":{"duration": 2.5}}"#.utf8)])
        #expect(told.audio == .milliseconds(2_500))
        var form: [UInt8] = []
        TranscriptionRequest(file: wave).form.write(boundary: "b", into: &form)
        let whisper = used(
            .whisper, "/v1/audio/transcriptions", form, answer: [Array(#"{"text":"a"}"#.utf8)],
            headers: ["Content-Type": MultipartForm.contentType(boundary: "b")])
        #expect(whisper.audio == .milliseconds(500))
        let packed = used(.deepgram, "/v1/listen", Array("OggS".utf8), answer: [[]])
        #expect(packed.audio == .zero && packed.uncounted == 1)
    }

    /// In pieces of any size, with the header and the Base64 left out.
    @Test(arguments: [1, 7, 100_000])
    func aVoicesSoundIsAsLongAsItsBytes(_ size: Int) {
        func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
            stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            }
        }
        let speech = used(
            .openai, "/v1/audio/speech", Array(#"{"input":"héllo","response_format":"wav"}"#.utf8),
            answer: pieces([UInt8](repeating: 1, count: 44 + 24_000)))
        #expect(speech.characters == 5 && speech.audio == .milliseconds(500))
        let events = [4_000, 4_001].map { count in
            #"data: {"type": "chunk","data": "\#(Base64.encode([UInt8](repeating: 5, count: count)))"}"#
        }
        let cartesia = used(
            .cartesia, "/tts/sse",
            Array(
                #"{"transcript":"hi","model_id":"s","voice":{"mode":"id","id":"v"},"output_format":{"container":"raw","encoding":"pcm_mulaw","sample_rate":8000}}"#
                    .utf8), answer: pieces(Array(events.joined(separator: "\n\n").utf8)))
        #expect(cartesia.characters == 2)
        #expect(cartesia.audio == .nanoseconds(8_001 * 125_000))
        let mp3 = used(
            .elevenlabs, "/v1/text-to-speech/v/stream?output_format=mp3_44100_128",
            Array(#"{"text":"hi"}"#.utf8), answer: pieces([UInt8](repeating: 1, count: 16_000)))
        #expect(mp3.audio == .seconds(1) && mp3.uncounted == 0)
    }

    @Test func aVoiceWhoseSoundCannotBeMeasuredIsKnownByItsTextWhereThatIsPaidFor() {
        let opus = used(
            .elevenlabs, "/v1/text-to-speech/v?output_format=opus_48000_64",
            Array(#"{"text":"hello"}"#.utf8), answer: [[1, 2, 3]])
        #expect(opus.characters == 5 && opus.uncounted == 1)
        func book(_ unit: PriceBook.Unit) -> PriceBook {
            PriceBook(
                name: "p",
                prices: [
                    .init(
                        .elevenlabs, model: "m", unit: unit, dollars: 10, asOf: "2026-01",
                        source: "test")
                ])
        }
        #expect(book(.thousandCharacters).cost(of: opus, provider: .elevenlabs) == 0.05)
        #expect(book(.audioMinute).cost(of: opus, provider: .elevenlabs) == nil)
    }

    @Test func aStreamThatIsPaidForByTheTimeItIsOpenIsCountedByTheClock() {
        var meter = UpstreamMeter(
            request("/v3/ws?sample_rate=16000"), body: nil, provider: .assemblyai)
        meter.opened(at: .zero + .seconds(1))
        meter.sent(binary: 99)
        #expect(!meter.isDue(at: .zero + .seconds(10)))
        #expect(meter.isDue(at: .zero + .seconds(11)))
        #expect(meter.take(at: .zero + .seconds(11), isEnd: false).audio == .seconds(10))
        #expect(meter.take(at: .zero + .seconds(12), isEnd: true).audio == .seconds(1))
    }

    @Test func whatHasNoCountIsUnknownAndWhatCostsNothingIsFree() {
        #expect(used(.openai, "/v1/embeddings", [], answer: [[1]]).uncounted == 1)
        var list = UpstreamMeter(
            HTTPRequestHead(method: "GET", target: "/v1/models", headers: [:]), body: [],
            provider: .openai)
        #expect(list.take(at: .zero, isEnd: true) == ProviderUsage())
        var realtime = UpstreamMeter(request("/v1/realtime?model=m"), body: nil, provider: .openai)
        #expect(realtime.take(at: .zero, isEnd: false) == ProviderUsage())
        #expect(realtime.take(at: .zero, isEnd: true).uncounted == 1)
    }

    @Test(
        arguments: [
            ([UInt8](), nil), (Array("RIFF".utf8), nil),
            (
                WaveFileHeader.bytes(of: .browser, dataByteCount: 0) + [0, 0, 0, 0],
                Duration.microseconds(125)
            ),
        ] as [([UInt8], Duration?)])
    func aHeadTellsALengthOrNothing(_ file: [UInt8], _ length: Duration?) {
        #expect(WaveFileHeader.length(of: file) == length)
    }
}
