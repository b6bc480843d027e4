import Testing
import UproarCore

@testable import UproarWire

@Suite struct HTTPRequestDecoderTests {
    /// What came out; neighbouring body pieces joined, because where they are cut means nothing.
    enum Seen: Equatable {
        case head(HTTPRequestHead)
        case body(String)
        case end(HTTPHeaders)
        case failed(HTTPError)
    }

    func decode(
        _ text: String, limits: HTTPLimits = .init(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> [Seen] {
        expectSameInPieces(Array(text.utf8), sourceLocation: sourceLocation) { pieces in
            var decoder = HTTPRequestDecoder(limits: limits)
            var seen: [Seen] = []
            for piece in pieces {
                decoder.receive(piece.span.bytes)
                while let event = decoder.next() {
                    switch event {
                    case .head(let head): seen.append(.head(head))
                    case .body:
                        let bytes = String(decoding: decoder.payloadBytes, as: UTF8.self)
                        if case .body(let before) = seen.last {
                            seen[seen.count - 1] = .body(before + bytes)
                        } else {
                            seen.append(.body(bytes))
                        }
                    case .end(let trailers): seen.append(.end(trailers))
                    case .failed(let error): seen.append(.failed(error))
                    }
                }
            }
            return seen
        }
    }

    @Test func readsARequestWithoutBody() {
        let seen = decode(
            "GET /v1/listen?model=nova-3&keyterm=a%20b&keyterm=c+d&flag HTTP/1.1\r\nhost: h:1\r\nX-Odd:\t  v w \t\r\nEmpty:\r\n\r\n"
        )
        guard case .head(let head) = seen.first else { return #expect(Bool(false), "\(seen)") }
        #expect(head.method == "GET")
        #expect(head.path == "/v1/listen")
        #expect(head.query["model"] == "nova-3")
        #expect(head.query.all("keyterm") == ["a b", "c d"])
        #expect(head.query["flag"] == "")
        #expect(head.headers["HOST"] == "h:1")
        #expect(head.headers["x-odd"] == "v w")
        #expect(head.headers["empty"] == "")
        #expect(head.keepsAlive)
        #expect(seen.dropFirst() == [.end([:])])
    }

    @Test func readsALengthAndAPipelinedRequest() {
        let head = { HTTPRequestHead(method: "POST", target: $0, headers: $1) }
        #expect(
            decode(
                "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
            ) == [
                .head(head("/a", ["Host": "h", "Content-Length": "5"])), .body("hello"), .end([:]),
                .head(head("/b", ["Host": "h", "Content-Length": "0"])), .end([:]),
            ])
    }

    @Test func readsChunksAndTrailers() {
        let seen = decode(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00A;x=\"1\"\r\n, worldly!\r\n0\r\nX-Sum: 1\r\nb: 2\r\n\r\nGET / HTTP/1.0\r\n\r\n"
        )
        #expect(
            seen.dropFirst().prefix(2) == [
                .body("hello, worldly!"), .end(["X-Sum": "1", "b": "2"]),
            ])
        #expect(seen.last == .end([:]))
        #expect(seen.count == 5)
    }

    @Test func saysWhenAConnectionMayGoOn() {
        func keepsAlive(_ version: String, _ fields: String) -> Bool? {
            if case .head(let head) = decode("GET / HTTP/\(version)\r\nHost: h\r\n\(fields)\r\n")
                .first
            {
                head.keepsAlive
            } else {
                nil
            }
        }
        #expect(keepsAlive("1.1", "") == true)
        #expect(keepsAlive("1.1", "Connection: foo, Close\r\n") == false)
        #expect(keepsAlive("1.0", "") == false)
        #expect(keepsAlive("1.0", "connection: Keep-Alive\r\n") == true)
    }

    @Test func readsAbsoluteTargetsAndEmptyPaths() {
        let head = HTTPRequestHead(method: "GET", target: "http://h:1/a/b%20c?x=1")
        #expect(head.path == "/a/b%20c")
        #expect(head.segments == ["a", "b c"])
        #expect(head.query["x"] == "1")
        #expect(HTTPRequestHead(method: "GET", target: "http://h:1?x=1").path == "/")
        #expect(HTTPRequestHead(method: "GET", target: "http://h:1").path == "/")
        #expect(HTTPRequestHead(method: "GET", target: "/a?u=http://x/y").path == "/a")
    }

    @Test(arguments: [
        ("GET /\r\nHost: h\r\n\r\n", HTTPError.startLineMalformed),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .startLineMalformed),
        ("GET / a HTTP/1.1\r\nHost: h\r\n\r\n", .startLineMalformed),
        ("G(T / HTTP/1.1\r\nHost: h\r\n\r\n", .startLineMalformed),
        ("GET / http/1.1\r\nHost: h\r\n\r\n", .startLineMalformed),
        ("GET / HTTP/1.11\r\nHost: h\r\n\r\n", .startLineMalformed),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", .versionUnsupported),
        ("GET / HTTP/1.1\nHost: h\r\n\r\n", .fieldMalformed),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", .fieldMalformed),
        ("GET / HTTP/1.1\r\n: h\r\n\r\n", .fieldMalformed),
        ("GET / HTTP/1.1\r\nHost\r\n\r\n", .fieldMalformed),
        ("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", .fieldMalformed),
        ("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", .fieldMalformed),
        ("GET / HTTP/1.1\r\nHost: h\u{0}\r\n\r\n", .fieldMalformed),
        ("GET / HTTP/1.1\r\n\r\n", .hostMissing),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .hostMissing),
    ])
    func refusesMalformedHeads(text: String, error: HTTPError) {
        #expect(decode(text + "GET / HTTP/1.1\r\nHost: h\r\n\r\n") == [.failed(error)])
    }

    /// The tools of request smuggling (RFC 9112 §11.2).
    @Test(arguments: [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", HTTPError.lengthAmbiguous),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", .lengthAmbiguous),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", .lengthAmbiguous),
        ("Content-Length: 5, 5\r\n", .lengthAmbiguous),
        ("Content-Length: +5\r\n", .lengthAmbiguous),
        ("Content-Length: -5\r\n", .lengthAmbiguous),
        ("Content-Length: 0x5\r\n", .lengthAmbiguous),
        ("Content-Length:\r\n", .lengthAmbiguous),
        ("Content-Length: 99999999999999999999\r\n", .lengthAmbiguous),
        ("Transfer-Encoding: gzip, chunked\r\n", .codingUnsupported),
        ("Transfer-Encoding: xchunked\r\n", .codingUnsupported),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .codingUnsupported),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", .codingUnsupported),
        ("Content-Length: 1001\r\n", .bodyTooLong(limit: 1000)),
    ])
    func refusesAmbiguousLengths(fields: String, error: HTTPError) {
        #expect(
            decode(
                "POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\nhello", limits: .init(bodyBytes: 1000))
                == [.failed(error)])
        #expect(
            decode("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")
                == [.failed(.lengthAmbiguous)])
    }

    @Test(arguments: [
        ("x\r\n", HTTPError.chunkMalformed),
        ("\r\n", .chunkMalformed),
        ("5\n", .chunkMalformed),
        ("5 x\ry\r\n", .chunkMalformed),
        ("1000000000000000\r\n", .chunkMalformed),
        ("2\r\nabX", .chunkMalformed),
        ("2\r\nab\rX", .chunkMalformed),
        ("3E9\r\n", .bodyTooLong(limit: 1000)),
        ("0\r\nbad field\r\n\r\n", .fieldMalformed),
        (String(repeating: "0", count: 5000), .chunkMalformed),
    ])
    func refusesMalformedChunks(body: String, error: HTTPError) {
        let seen = decode(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
            limits: .init(bodyBytes: 1000))
        #expect(seen.last == .failed(error))
    }

    @Test func countsAllChunksAgainstTheLimit() {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        let seen = decode(head + "3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n", limits: .init(bodyBytes: 5))
        #expect(seen.last == .failed(.bodyTooLong(limit: 5)))
        #expect(
            decode(head + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", limits: .init(bodyBytes: 5)).last
                == .end([:]))
    }

    @Test func boundsTheHead() {
        let limits = HTTPLimits(headBytes: 100, fields: 3)
        #expect(
            decode("GET /" + String(repeating: "a", count: 200), limits: limits)
                == [.failed(.headTooLong(limit: 100))])
        #expect(
            decode("GET / HTTP/1.1\r\nHost: h\r\na:b\r\nc:d\r\ne:f\r\n\r\n", limits: limits)
                == [.failed(.tooManyFields(limit: 3))])
        #expect(
            decode("GET / HTTP/1.1\r\nHost: h\r\na:b\r\nc:d\r\n\r\n", limits: limits).count == 2)
    }

    @Test func handsOverWhatFollows() {
        var decoder = HTTPRequestDecoder()
        decoder.receive(Array("GET / HTTP/1.1\r\nHost: h\r\n\r\nrest".utf8).span.bytes)
        #expect(decoder.next() != nil)
        #expect(decoder.next() == .end(trailers: [:]))
        #expect(decoder.takeRest() == Array("rest".utf8))
        #expect(decoder.next() == nil)
    }
}
