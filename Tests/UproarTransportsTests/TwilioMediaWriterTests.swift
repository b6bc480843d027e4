import Testing
import UproarCore
import UproarWire

@testable import UproarTransports

@Suite struct TwilioMediaWriterTests {
    /// The message as an agent's WebSocket decoder hands it on.
    private func message(_ writer: TwilioMediaWriter) -> String? {
        var decoder = WebSocketDecoder(role: .server)
        writer.withBytes { decoder.receive($0) }
        guard decoder.next() == .text else { return nil }
        return decoder.payloadText
    }

    @Test func theMessageIsTwiliosToTheByte() {
        let audio = TwilioPreparedAudio(
            [UInt8](repeating: 0xff, count: 160) + [UInt8](0..<160), bytesPerFrame: 160)
        var writer = TwilioMediaWriter()
        writer.compose(
            audio, frame: 1, sequence: 4, chunk: 2, milliseconds: 20,
            closing: .init(stream: "MZ01"), mask: 0xa1b2_c3d4)
        #expect(
            message(writer)
                == #"{"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"2","timestamp":"20","payload":"\#(Base64.encode([UInt8](0..<160)))"},"streamSid":"MZ01"}"#
        )
    }

    @Test(arguments: [0, 9, 10, 99, 100, 1_234_567_890, UInt64.max])
    func numbersOfAnySizeAreWritten(number: UInt64) throws {
        let audio = TwilioPreparedAudio([UInt8](repeating: 7, count: 160), bytesPerFrame: 160)
        var writer = TwilioMediaWriter()
        writer.compose(
            audio, frame: 0, sequence: number, chunk: number, milliseconds: number,
            closing: .init(stream: "MZ"), mask: 1)
        let value = try JSONParser.parse(#require(message(writer)))
        #expect(value["sequenceNumber"] == .string(String(number)))
        #expect(value["media"]?["chunk"] == .string(String(number)))
        #expect(value["media"]?["timestamp"] == .string(String(number)))
        #expect(value["streamSid"] == "MZ")
    }

    @Test func aShorterFrameAfterALongerOneLeavesNothingBehind() {
        var writer = TwilioMediaWriter()
        let long = TwilioPreparedAudio([UInt8](repeating: 1, count: 640), bytesPerFrame: 640)
        let short = TwilioPreparedAudio([UInt8](repeating: 2, count: 160), bytesPerFrame: 160)
        let closing = TwilioMediaWriter.Closing(stream: "MZ")
        for audio in [long, short] {
            writer.compose(
                audio, frame: 0, sequence: 1, chunk: 1, milliseconds: 0, closing: closing,
                mask: 0xffff_0000)
            #expect(message(writer)?.hasSuffix(#""streamSid":"MZ"}"#) == true)
        }
    }
}
