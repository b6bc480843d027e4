import Testing
import UproarCore
import UproarCrypto
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

struct ObjectStoreTests {
    let signer = SigV4(accessKey: "AKID", secretKey: ObjectStoreEmulator.usualSecret)
    /// 2026-01-01 00:00:00, where simulated worlds begin.
    let date = "20260101T000000Z"

    func start() throws -> (EmulatorWorld, EmulatorListener) {
        let world = EmulatorWorld()
        let emulator = ObjectStoreEmulator(
            ProviderEmulation(.objectStore, speed: .service(latency: .constant(.milliseconds(15)))),
            context: world.context)
        return (world, try EmulatorListener(emulator, on: .loopback(0), context: world.context))
    }

    func send(
        _ stage: (world: EmulatorWorld, listener: EmulatorListener), _ method: String,
        _ path: String, query: [SigV4.Field] = [], body: [UInt8] = [],
        headers extra: [SigV4.Field] = [], hash: String? = nil, date: String? = nil,
        secret: String? = nil, pieceSize: Int = .max, within: Duration = .milliseconds(100)
    ) throws -> HTTPPeer.Answer {
        let date = date ?? self.date
        let hash = hash ?? Hex.encode(Digest.sha256.hash(body))
        var signer = signer
        if let secret { signer.secretKey = secret }
        let request = SigV4.Request(
            method: method, path: path, query: query,
            headers: [
                .init("host", "emulator"), .init("x-amz-content-sha256", hash),
                .init("x-amz-date", date),
            ] + extra, payloadHash: hash)
        var headers: HTTPHeaders = [
            "Authorization": signer.authorization(for: request, date: date)
        ]
        for field in request.headers.dropFirst() { headers[field.name] = field.value }
        var parameters = FormParameters()
        for field in query { parameters.add(field.name, field.value) }
        let peer = HTTPPeer(stage.world, to: stage.listener.endpoint, pieceSize: pieceSize)
        peer.send(
            method, request.encodedPath + (query.isEmpty ? "" : "?" + parameters.encoded),
            headers: headers, body: body)
        stage.world.run(for: body.count < 1 << 20 ? within : .seconds(30))
        return try #require(peer.answers.first)
    }

    func code(_ answer: HTTPPeer.Answer) -> String? {
        (try? XMLReader.read(answer.body))?.child("Code")?.text
    }

    @Test("What is put can be got, in ranges too, listed, and deleted", arguments: pieceSizes)
    func objects(pieceSize: Int) throws {
        let stage = try start()
        let body = Array("RIFF and so on".utf8)
        let path = "/recordings/calls/2026/call 1+a.wav"
        let put = try send(
            stage, "PUT", path, body: body, headers: [.init("content-type", "audio/wav")],
            pieceSize: pieceSize)
        #expect(put.head.status == 200)
        #expect(put.head.headers["ETag"] == "\"\(Hex.encode(Digest.md5.hash(body)))\"")
        let got = try send(stage, "GET", path)
        #expect(got.body == body)
        #expect(got.head.headers["Content-Type"] == "audio/wav")
        let range = try send(stage, "GET", path, headers: [.init("range", "bytes=5-7")])
        #expect(range.head.status == 206)
        #expect(String(decoding: range.body, as: UTF8.self) == "and")
        #expect(range.head.headers["Content-Range"] == "bytes 5-7/14")
        let head = try send(stage, "HEAD", path)
        #expect(head.head.headers["Content-Length"] == "14")
        #expect(head.body.isEmpty)
        let list = try XMLReader.read(
            try send(stage, "GET", "/recordings", query: [.init("prefix", "calls/")]).body)
        #expect(
            list.children("Contents").map { $0.child("Key")?.text } == ["calls/2026/call 1+a.wav"])
        #expect(try send(stage, "DELETE", path).head.status == 204)
        #expect(code(try send(stage, "GET", path)) == "NoSuchKey")
        #expect(stage.0.context[.objectStore].usage.requests == 6)
    }

    @Test("Parts become one object with the vendor's tag; a missing one is refused")
    func multipart() throws {
        let stage = try start()
        let begun = try XMLReader.read(
            try send(stage, "POST", "/b/big", query: [.init("uploads", "")]).body)
        let id = try #require(begun.child("UploadId")?.text)
        let parts = [[UInt8](repeating: 1, count: 500), [UInt8](repeating: 2, count: 300)]
        var tags: [String] = []
        for (index, part) in parts.enumerated() {
            let answer = try send(
                stage, "PUT", "/b/big",
                query: [.init("partNumber", String(index + 1)), .init("uploadId", id)], body: part)
            tags.append(try #require(answer.head.headers["ETag"]))
        }
        func complete(_ numbers: [Int]) throws -> HTTPPeer.Answer {
            let list = numbers.map {
                "<Part><PartNumber>\($0)</PartNumber><ETag>\(tags[min($0, 2) - 1])</ETag></Part>"
            }.joined()
            return try send(
                stage, "POST", "/b/big", query: [.init("uploadId", id)],
                body: Array("<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>".utf8))
        }
        #expect(code(try complete([1, 3])) == "InvalidPart")
        #expect(code(try complete([2, 1])) == "InvalidPartOrder")
        let done = try XMLReader.read(try complete([1, 2]).body)
        let digest = Digest.md5.hash(parts.flatMap { Digest.md5.hash($0) })
        #expect(done.child("ETag")?.text == "\"\(Hex.encode(digest))-2\"")
        #expect(try send(stage, "GET", "/b/big").body == parts.flatMap { $0 })
        #expect(code(try complete([1, 2])) == "NoSuchUpload")
    }

    @Test("An object longer than a stream's queue comes back whole")
    func long() throws {
        let stage = try start()
        let body = (0..<6 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try send(stage, "PUT", "/b/long", body: body).head.status == 200)
        let answer = try send(stage, "GET", "/b/long", within: .seconds(30))
        #expect(answer.body == body)
    }

    @Test("Signatures, hashes, sums and clocks are checked")
    func checks() throws {
        let stage = try start()
        let body = Array("x".utf8)
        #expect(
            code(try send(stage, "PUT", "/b/k", body: body, secret: "wrong"))
                == "SignatureDoesNotMatch")
        #expect(
            code(try send(stage, "PUT", "/b/k", body: body, date: "20260101T002000Z"))
                == "RequestTimeTooSkewed")
        #expect(
            code(
                try send(
                    stage, "PUT", "/b/k", body: body, hash: Hex.encode(Digest.sha256.hash("y"))))
                == "XAmzContentSHA256Mismatch")
        #expect(
            code(
                try send(
                    stage, "PUT", "/b/k", body: body,
                    headers: [.init("x-amz-checksum-crc32", "AAAAAA==")])) == "BadDigest")
        // The check value of CRC-32, cbf43926, over "123456789".
        let sum = try send(
            stage, "PUT", "/b/k", body: Array("123456789".utf8),
            headers: [.init("x-amz-checksum-crc32", "y/Q5Jg==")])
        #expect(sum.head.status == 200)
        #expect(stage.0.facts.of(.providerRefused).count == 4)
        let peer = HTTPPeer(stage.0, to: stage.1.endpoint)
        peer.send("GET", "/b/k")
        stage.0.run()
        #expect(code(peer.answers[0]) == "AccessDenied")
    }

    @Test("A body in aws-chunks with its sum behind it is stored without them")
    func chunks() throws {
        let stage = try start()
        let body = Array(
            "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n".utf8)
        let answer = try send(
            stage, "PUT", "/b/k", body: body,
            headers: [
                .init("x-amz-decoded-content-length", "11"),
                .init("x-amz-trailer", "x-amz-checksum-crc32"),
            ], hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        #expect(answer.head.status == 200)
        #expect(try send(stage, "GET", "/b/k").body == Array("hello world".utf8))
        for cut in 0..<body.count - 2 {
            let broken = try send(
                stage, "PUT", "/b/k", body: Array(body.prefix(cut)),
                headers: [.init("x-amz-decoded-content-length", "11")],
                hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            // Without its trailer the body is whole all the same.
            #expect((broken.head.status == 200) == (cut >= 24))
        }
    }

    @Test("A URL that carries its signature is good for its time")
    func presigned() throws {
        let stage = try start()
        #expect(try send(stage, "PUT", "/b/k", body: [7]).head.status == 200)
        let request = SigV4.Request(
            method: "GET", path: "/b/k", headers: [.init("host", "emulator")], payloadHash: "")
        var parameters = FormParameters()
        for field in signer.presignedQuery(for: request, date: date, lifetime: 60) {
            parameters.add(field.name, field.value)
        }
        func get() -> HTTPPeer {
            let peer = HTTPPeer(stage.0, to: stage.1.endpoint)
            peer.send("GET", "/b/k?" + parameters.encoded)
            stage.0.run(for: .milliseconds(100))
            return peer
        }
        #expect(get().answers[0].body == [7])
        stage.0.run(for: .seconds(61))
        #expect(code(get().answers[0]) == "AccessDenied")
    }

    @Test(
        "The shelf never holds more than its bound: the oldest leave, and uploads that are never finished"
    )
    func bound() {
        var shelf = ObjectShelf(byteLimit: 100)
        for index in 0..<10 {
            shelf.put(
                [UInt8](repeating: 0, count: 30), in: "b", as: String(index), contentType: "",
                at: 0)
        }
        #expect(shelf.count == 3)
        #expect(shelf.byteCount == 90)
        #expect(shelf.evicted == 7)
        shelf.begin(.init(bucket: "b", key: "k", contentType: ""), id: "u")
        _ = shelf.put(part: 1, [UInt8](repeating: 0, count: 60), of: "u")
        #expect(shelf.byteCount <= 100)
        #expect(shelf.put(part: 2, [UInt8](repeating: 0, count: 90), of: "u") == nil)
        #expect(shelf.byteCount <= 100)
    }
}
