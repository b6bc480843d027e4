import Testing
import UproarAudio
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarAgent

@Suite struct BrowserStreamMessageTests {
    private func decode(_ text: String) -> BrowserStreamMessage {
        BrowserStreamMessage.decode(text.utf8Span.span.bytes)
    }

    @Test func eventsAreRead() {
        #expect(
            decode(
                #"{"event":"websocket:connected","content-type":"audio/l16;rate=16000","call_id":"c","channel":"screen_share","user_id":"u"}"#
            )
                == .connected(
                    {
                        var introduction = CallIntroduction(
                            call: "c", parameters: [.init("user_id", "u")])
                        introduction.channel = "screen_share"
                        return introduction
                    }(), contentType: "audio/l16;rate=16000"))
        #expect(decode(#"{"event":"consent","granted":false}"#) == .consent(isGranted: false))
        #expect(decode(#"{"event":"websocket:dtmf","digit":"5","duration":260}"#) == .digit("5"))
        #expect(
            decode(#"{"event":"websocket:notify","payload":{"mark":"1.2"}}"#) == .mark("1.2"))
        #expect(decode(#"{"event":"websocket:cleared"}"#) == .cleared)
        #expect(decode(#"{"event":"text","text":"add milk"}"#) == .text("add milk"))
    }

    @Test func aPictureIsWhatItsBytesAre() {
        let bytes: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1]
        #expect(
            decode(#"{"event":"image","mime":"image/gif","data":"\#(Base64.encode(bytes))"}"#)
                == .picture(Picture(mime: "image/png", bytes: bytes)))
    }

    @Test(arguments: [
        "", "{", "[]", #"{"event":"image","mime":"image/png","data":"bm90aGluZw=="}"#,
        #"{"event":"image","mime":"image/png","data":"?"}"#, #"{"event":"consent"}"#,
        #"{"event":"text","text":""}"#, #"{"event":"media"}"#, #"{"event":"websocket:connected"}"#,
    ])
    func whatIsNoEventIsUnknown(text: String) { #expect(decode(text) == .unknown) }

    @Test(arguments: [
        ("audio/l16;rate=16000", AudioFormat.browser), ("audio/l16; rate=16000", .browser),
        ("audio/x-mulaw;rate=8000;channels=1", .telephone), ("audio/x-mulaw", .telephone),
        ("audio/l16;rate=24000", AudioFormat(.linear16, Hertz(24_000))),
        ("audio/x-mulaw;rate=8000;channels=2", nil), ("audio/opus;rate=48000", nil),
        ("audio/l16;rate=fast", nil), ("", nil),
    ])
    func contentTypesNameFormats(text: String, format: AudioFormat?) {
        #expect(MediaWire.format(text) == format)
    }
}

@Suite struct EncodingCheckTests {
    private func check(_ hearing: String = "", _ speaking: String = "", _ converters: String = "")
        -> EncodingCheck
    {
        var settings = AgentSettings()
        settings.hearingFormat = hearing
        settings.speakingFormat = speaking
        settings.converters = converters
        return settings.encodings
    }

    @Test func whatIsTheSameNeedsNothing() {
        #expect(check().problems("phone", carrying: .telephone) == [])
        #expect(check().problems("browser", carrying: .browser) == [])
        #expect(
            check("linear16 16000", "linear16 16000").problems("browser", carrying: .browser) == [])
    }

    @Test func aMismatchNamesBothSides() {
        let problems = check("linear16 16000", "linear16 24000").problems(
            "phone", carrying: .telephone)
        #expect(
            problems == [
                "phone carries mulaw 8000 Hz mono, deepgram hears linear16 16000 Hz mono, and no converter between them is declared",
                "cartesia speaks linear16 24000 Hz mono, phone carries mulaw 8000 Hz mono, and no converter between them is declared",
            ])
    }

    @Test func aDeclaredConverterJoinsThem() {
        let joined = check(
            "linear16 16000", "linear16 24000",
            "mulaw 8000 -> linear16 16000, linear16 24000 -> mulaw 8000")
        #expect(joined.problems("phone", carrying: .telephone) == [])
        // The other way round is another converter.
        #expect(joined.problems("browser", carrying: .browser).count == 1)
    }

    @Test func whatAVendorDoesNotSpeakIsSaid() {
        let problems = check("", "mulaw 16000", "mulaw 16000 -> mulaw 8000").problems(
            "phone", carrying: .telephone)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("elevenlabs does not make") == true)
    }

    @Test(arguments: ["mulaw", "pcm 8000", "linear16 fast", "linear16 1000", "linear16 16000 mono"])
    func whatIsNoFormatIsRefused(text: String) throws {
        var settings = AgentSettings()
        #expect(throws: TextProblem.self) { try settings.set("stt_format", text: text) }
    }

    @Test(arguments: [
        (AudioFormat.telephone, AudioFormat.browser), (.browser, .telephone),
        (.telephone, AudioFormat(.linear16, .telephone)),
    ])
    func aConverterKeepsTheSoundWhateverThePieces(source: AudioFormat, target: AudioFormat) {
        // Half a second of 440 Hz.
        let tone = PCM(
            rate: source.rate,
            samples: (0..<source.rate.value / 2).map { index in
                let phase = index * 440 * 4 % (source.rate.value * 4)
                let part = phase / source.rate.value
                return part < 2 ? 6000 : -6000
            })
        let bytes = tone.encoded(as: source)
        let whole = AudioConverter(from: source, to: target)
        let expected = whole.convert(bytes.span.bytes) + whole.finish()
        let cut = AudioConverter(from: source, to: target)
        var made: [UInt8] = []
        let step = 37 * source.encoding.bytesPerSample
        for start in stride(from: 0, to: bytes.count, by: step) {
            let piece = Array(bytes[start..<min(bytes.count, start + step)])
            made += cut.convert(piece.span.bytes)
        }
        made += cut.finish()
        #expect(made == expected)
        #expect(target.duration(bytes: made.count) == .milliseconds(500))
    }
}
