import Testing
import UproarCore

@testable import UproarWire

@Suite struct WebSocketFrameTests {
    @Test func writesTheExampleOfTheRFC() {
        var output: [UInt8] = [0xaa]
        WebSocketFrame.encode(
            .text, Array("Hello".utf8).span.bytes, mask: 0x37fa_213d, into: &output)
        #expect(
            output == [0xaa, 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])
    }

    @Test(arguments: 0..<40) func masksEveryLengthLikeOneByteAtATime(count: Int) {
        let key: UInt32 = 0x0102_fefd
        let keys = [UInt8(1), 2, 0xfe, 0xfd]
        let plain = (0..<count).map { UInt8($0 &* 5) }
        for start in 0...min(3, count) {
            var masked = plain
            WebSocketFrame.applyMask(key, to: &masked, from: start)
            let expected = plain.enumerated().map { index, byte in
                index < start ? byte : byte ^ keys[(index - start) % 4]
            }
            #expect(masked == expected)
        }
    }

    @Test func writesAPayloadInPlace() {
        let payload = [UInt8](repeating: 0x55, count: 345)
        var whole: [UInt8] = []
        WebSocketFrame.encode(.text, payload.span.bytes, mask: 99, into: &whole)
        var inPlace: [UInt8] = []
        WebSocketFrame.encode(.text, count: 345, mask: 99, into: &inPlace) {
            $0.append(contentsOf: payload)
        }
        #expect(whole == inPlace)
    }
}

@Suite struct UTF8CheckTests {
    func isUTF8(_ bytes: [UInt8]) -> Bool {
        expectSameInPieces(bytes) { pieces in
            var check = UTF8Check()
            for piece in pieces where !piece.withUnsafeBytes({ check.accept($0) }) { return false }
            return check.isComplete
        }
    }

    @Test func agreesWithTheStandardLibraryOnEveryShortText() {
        // All lead bytes with the edges of every following byte.
        let edges: [UInt8] = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
        for lead in UInt8.min...UInt8.max {
            for second in edges {
                for tail: [UInt8] in [[], [0x80], [0x80, 0xbf], [0xbf, 0x7f], [0x41, 0x41]] {
                    let bytes = [lead, second] + tail
                    let known = String(validating: bytes, as: UTF8.self) != nil
                    #expect(isUTF8(bytes) == known, "\(Hex.encode(bytes))")
                }
            }
        }
    }

    @Test func readsLongTextPastItsFastPath() {
        let ascii = [UInt8](repeating: 0x61, count: 21)
        #expect(isUTF8(ascii + Array("ü".utf8) + ascii))
        #expect(!isUTF8(ascii + [0xff] + ascii))
        #expect(!isUTF8(ascii + [0xc3] + ascii))
    }
}
