import Testing
import UproarCore
import UproarWire

/// The scanner finds the ends that the decoder finds, however the bytes are cut.
@Suite struct RESPScannerTests {
    private static let replies = [
        "+OK\r\n", "-ERR no\r\n", ":12\r\n", "$5\r\nhello\r\n", "$0\r\n\r\n", "$-1\r\n", "*-1\r\n",
        "*0\r\n", "*2\r\n$1\r\na\r\n*2\r\n:1\r\n+b\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n",
        "%1\r\n+k\r\n:1\r\n", ">2\r\n$1\r\na\r\n$1\r\nb\r\n", "_\r\n", "#t\r\n", ",1.5\r\n",
    ]

    private func ends(_ text: String, _ role: RESPScanner.Role, by size: Int) -> [Int] {
        let bytes = Array(text.utf8)
        var scanner = RESPScanner(role)
        var found: [Int] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            piece.withUnsafeBytes { piece in
                var offset = 0
                while scanner.next(in: piece, from: &offset) { found.append(start + offset) }
            }
        }
        #expect(!scanner.isLost)
        #expect(scanner.isBetweenValues)
        return found
    }

    @Test(arguments: [1, 2, 3, 7, 10_000])
    func everyValueEndsWhereItEnds(size: Int) {
        var sum = 0
        let expected = Self.replies.map { reply -> Int in
            sum += reply.utf8.count
            return sum
        }
        #expect(ends(Self.replies.joined(), .replies, by: size) == expected)
    }

    @Test(arguments: [1, 4, 1_000])
    func commandsAreReadWithTheirNames(size: Int) {
        var bytes: [UInt8] = []
        let commands = [["SET", "a", "b\r\n"], ["ping"], ["XREADGROUP", "GROUP", "g"]]
        for command in commands { RESPCommand.write(command, into: &bytes) }
        bytes += Array("PING\r\n\r\nGET a\r\n".utf8)
        var scanner = RESPScanner(.commands)
        var words: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { piece in
                var offset = 0
                while scanner.next(in: piece, from: &offset) {
                    words.append(String(decoding: scanner.word, as: UTF8.self))
                }
            }
        }
        #expect(words == ["SET", "ping", "XREADGROUP", "PING", "GET"])
    }

    @Test(arguments: [
        "$x\r\n", "*99999999999\r\n", "hello\r\n", "$999999999999\r\n", "*1\r\n?\r\n",
    ])
    func whatIsNoReplyIsLostForGood(text: String) {
        var scanner = RESPScanner(.replies)
        Array((text + "+OK\r\n").utf8).withUnsafeBytes { bytes in
            var offset = 0
            while scanner.next(in: bytes, from: &offset) {}
        }
        #expect(scanner.isLost)
    }

    @Test func noBytesMakeItTrap() {
        var random = RandomStream(state: 3)
        let letters = Array("*$+-:\r\n0123456789>%aX \0".utf8)
        for _ in 0..<20_000 {
            var scanner = RESPScanner(random.next() & 1 == 0 ? .replies : .commands)
            let bytes = (0..<40).map { _ in letters[random.below(letters.count)] }
            bytes.withUnsafeBytes { bytes in
                var offset = 0
                while scanner.next(in: bytes, from: &offset) {}
                #expect(offset <= bytes.count)
            }
        }
    }
}
