import Testing
import UproarCore

@testable import UproarWire

@Suite struct RESPTests {
    struct Seen: Equatable {
        var values: [RESPValue] = []
        var counts: [Int] = []
        var error: RESPError?
    }

    func decode(
        _ text: String, bytes: Int = 1000, parts: Int = 100,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> Seen {
        expectSameInPieces(Array(text.utf8), sourceLocation: sourceLocation) { pieces in
            var decoder = RESPDecoder(byteLimit: bytes, partLimit: parts)
            var seen = Seen()
            do throws(RESPError) {
                for piece in pieces {
                    decoder.receive(piece.span.bytes)
                    while let value = try decoder.next() {
                        seen.values.append(value)
                        seen.counts.append(decoder.lastCount)
                    }
                }
            } catch {
                seen.error = error
            }
            return seen
        }
    }

    @Test func readsReplies() {
        let seen = decode(
            "+OK\r\n-ERR no\r\n:-42\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n*0\r\n*-1\r\n$4\r\ncut"
        )
        #expect(
            seen.values == [
                .ok, .error("ERR no"), .integer(-42), .bulk("a\r\n"), .bulk(""), .null,
                .array([.bulk("x"), .array([.integer(1)])]), .array([]), .null,
            ])
        #expect(seen.counts == [5, 9, 6, 9, 6, 5, 19, 4, 5])
        #expect(seen.error == nil)
    }

    @Test(arguments: [
        "OK\r\n", "%1\r\n", "*99999999999999999999\r\n", "$-5\r\n", "*-2\r\n", "GET k\r\n",
    ])
    func refuses(text: String) {
        let seen = decode(":1\r\n" + text + ":2\r\n")
        #expect(seen.values == [.integer(1)])
        guard case .malformed(let reason)? = seen.error else {
            return #expect(Bool(false), "\(seen)")
        }
        #expect(!reason.isEmpty)
    }

    @Test func boundsWhatOneValueTakes() {
        #expect(decode("*101\r\n").error == .tooManyParts(limit: 100))
        #expect(decode("*50\r\n*50\r\n").error == .tooManyParts(limit: 100))
        #expect(decode("*2147483647\r\n").error == .tooManyParts(limit: 100))
        let ten = "*3\r\n:1\r\n:2\r\n:3\r\n"
        #expect(decode(String(repeating: ten, count: 100)).values.count == 100)
        #expect(
            decode("$2000\r\n" + String(repeating: "x", count: 1100)).error
                == .valueTooLong(limit: 1000))
        let parts =
            "*3\r\n"
            + String(repeating: "$400\r\n\(String(repeating: "x", count: 400))\r\n", count: 3)
        #expect(decode(parts).error == .valueTooLong(limit: 1000))
    }

    @Test func readsWhatItWrites() {
        let value = RESPValue.array([
            .ok, .error("LOADING Redis is loading"), .integer(.min), .bulk([0, 13, 10, 255]), .null,
            .array([.array([])]), .bulk("ü"),
        ])
        var output: [UInt8] = []
        value.write(into: &output)
        RESPValue.error("two\r\nlines").write(into: &output)
        var decoder = RESPDecoder()
        decoder.receive(output.span.bytes)
        let first = try? decoder.next()
        let second = try? decoder.next()
        #expect(first == value)
        #expect(second == .error("two  lines"))
    }

    @Test func writesCommandsThatAServerReads() {
        var output: [UInt8] = []
        RESPCommand.write(["SET", "k", "", "größe"], into: &output)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n$7\r\ngröße\r\n")
        RESPCommand.write([[UInt8]()], into: &output)
        var decoder = RESPDecoder()
        decoder.receive(output.span.bytes)
        let words = try? decoder.next()?.words
        #expect(words == ["SET", "k", "", "größe"].map { Array($0.utf8) })
        let empty = try? decoder.next()?.words
        #expect(empty == [[]])
        #expect(RESPValue.array([.integer(1)]).words == nil)
        #expect(RESPValue.array([]).words == nil)
    }

    @Test func survivesManyRepliesInOneStream() throws {
        var output: [UInt8] = []
        for index in 0..<5000 { RESPValue.bulk("value \(index)").write(into: &output) }
        var decoder = RESPDecoder(byteLimit: 100)
        var count = 0
        var start = 0
        while start < output.count {
            let end = min(output.count, start + 777)
            decoder.receive(output.span.bytes.extracting(start..<end))
            while let value = try decoder.next() {
                #expect(value == .bulk("value \(count)"))
                count += 1
            }
            start = end
        }
        #expect(count == 5000)
    }
}
