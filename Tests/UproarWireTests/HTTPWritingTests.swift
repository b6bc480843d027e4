import Testing
import UproarCore

@testable import UproarWire

@Suite struct HTTPWritingTests {
    func text(_ write: (inout [UInt8]) -> Void) -> String {
        var output: [UInt8] = []
        write(&output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test func writesHeads() {
        let request = HTTPRequestHead(method: "GET", target: "/a?b=c", headers: ["Host": "h"])
        #expect(text { request.write(into: &$0) } == "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n")
        let response = HTTPResponseHead(status: 429, headers: ["Retry-After": "2"])
        #expect(
            text { response.write(into: &$0) }
                == "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\n\r\n")
    }

    @Test func letsNoValueBecomeAField() {
        let head = HTTPResponseHead(
            status: 200, reason: "O\r\nK", headers: ["X": "a\r\nSet-Cookie: b", "Y\n": "\u{0}"])
        #expect(
            text { head.write(into: &$0) }
                == "HTTP/1.1 200 O  K\r\nX: a  Set-Cookie: b\r\nY :  \r\n\r\n")
    }

    @Test func writesChunks() {
        #expect(
            text {
                HTTPChunk.write([UInt8](repeating: 0x61, count: 26).span.bytes, into: &$0)
                HTTPChunk.write([UInt8]().span.bytes, into: &$0)
                HTTPChunk.writeEnd(trailers: ["a": "b"], into: &$0)
            } == "1a\r\n" + String(repeating: "a", count: 26) + "\r\n0\r\na: b\r\n\r\n")
        for count in [1, 15, 16, 255, 256, 4095, 4096, 65536] {
            let chunk = text {
                HTTPChunk.write([UInt8](repeating: 0x61, count: count).span.bytes, into: &$0)
            }
            #expect(chunk.hasPrefix(String(count, radix: 16) + "\r\n"))
        }
    }

    @Test func findsHeadersWithoutRegardToCase() {
        var headers: HTTPHeaders = ["A": "1", "b": "2", "a": "3"]
        #expect(headers["a"] == "1")
        #expect(headers.all("A") == ["1", "3"])
        headers["a"] = "4"
        #expect(headers == ["A": "4", "B": "2"])
        headers["c"] = "5"
        headers["b"] = nil
        #expect(headers == ["A": "4", "c": "5"])
        let lists: HTTPHeaders = ["Connection": "keep-alive, Upgrade", "connection": " x ,,"]
        #expect(lists.list("Connection") == ["keep-alive", "Upgrade", "x"])
        #expect(lists.lists("connection", "upgrade"))
        let typed: HTTPHeaders = ["content-type": "Text/HTML ; charset=utf-8"]
        #expect(typed.mediaType == "text/html")
    }
}
