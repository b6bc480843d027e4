import Testing
import UproarCore

@testable import UproarWire

@Suite struct HTTPResponseDecoderTests {
    enum Seen: Equatable {
        case informational(Int)
        case head(Int, String)
        case body(String)
        case end(HTTPHeaders)
        case failed(HTTPError)
    }

    func decode(
        _ text: String, methods: [String] = ["GET"], limits: HTTPLimits = .init(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> [Seen] {
        expectSameInPieces(Array(text.utf8), sourceLocation: sourceLocation) { pieces in
            var decoder = HTTPResponseDecoder(limits: limits)
            for method in methods { decoder.requestSent(method: method) }
            var seen: [Seen] = []
            func drain() {
                while let event = decoder.next() {
                    switch event {
                    case .informational(let head): seen.append(.informational(head.status))
                    case .head(let head): seen.append(.head(head.status, head.reason))
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
            for piece in pieces {
                decoder.receive(piece.span.bytes)
                drain()
            }
            decoder.streamEnded()
            drain()
            return seen
        }
    }

    @Test func readsALength() {
        #expect(
            decode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                == [.head(200, "OK"), .body("hi"), .end([:])])
    }

    @Test func readsChunksTrailersAndTheNextResponse() {
        #expect(
            decode(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\na: b\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                methods: ["GET", "GET"])
                == [
                    .head(200, "OK"), .body("hi"), .end(["a": "b"]), .head(404, "Not Found"),
                    .end([:]),
                ])
    }

    @Test func readsUntilTheStreamEnds() {
        #expect(
            decode("HTTP/1.0 200\r\n\r\nall of it") == [
                .head(200, ""), .body("all of it"), .end([:]),
            ])
        #expect(decode("HTTP/1.0 200 \r\n\r\n") == [.head(200, ""), .end([:])])
    }

    @Test func passesInformationalAnswersOn() {
        #expect(
            decode(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
            ) == [
                .informational(100), .informational(103), .head(200, "OK"), .body("x"), .end([:]),
            ])
    }

    @Test func knowsAnswersWithoutBody() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        #expect(
            decode(head + "HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n", methods: ["HEAD", "GET"])
                == [.head(200, "OK"), .end([:]), .head(204, "N"), .end([:])])
        #expect(
            decode("HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n")
                == [.head(304, "N"), .end([:])])
        #expect(
            decode("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n") == [.head(101, "S"), .end([:])])
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", HTTPError.truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", .truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", .truncated),
        ("HTTP/1.1 200 OK\r\nContent-Le", .truncated),
        ("", .truncated),
        ("HTTP/1.1 20 OK\r\n\r\n", .startLineMalformed),
        ("HTTP/1.1 099 OK\r\n\r\n", .startLineMalformed),
        ("HTTP/1.1 2000 OK\r\n\r\n", .startLineMalformed),
        ("ICY 200 OK\r\n\r\n", .startLineMalformed),
        ("HTTP/3.0 200 OK\r\n\r\n", .versionUnsupported),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            .lengthAmbiguous
        ),
        ("HTTP/1.1 200 OK\r\n\r\nmore than ten", .bodyTooLong(limit: 10)),
    ])
    func refuses(text: String, error: HTTPError) {
        #expect(decode(text, limits: .init(bodyBytes: 10)).last == .failed(error))
    }
}
