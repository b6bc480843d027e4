import UproarCore
import UproarCrypto
import UproarRuntime
import UproarWire

/// One bucket of an S3-compatible store, addressed by path, every request signed (AWS, "Signature Version 4").
package final class ObjectStoreClient: ObjectStore {
    private let base: String
    private let host: String
    private let bucket: String
    private let signer: SigV4
    private let deadline: Duration
    private let verifies: Bool
    private let http: any HTTPClient
    private let now: () -> Int64

    /// - base: scheme and host, with a port where it is not the usual one: `http://127.0.0.1:9000`.
    /// - deadline: of one request, whatever its size.
    /// - verifies: what is put counts as stored only when the store's ETag is of what was sent. Where a store's ETags are no MD5 (keys of
    ///   one's own, KMS), they say nothing, and its word is taken.
    /// - now: seconds since 1970; the store refuses clocks that are 15 minutes off.
    package init(
        base: String, bucket: String, signer: SigV4, deadline: Duration = .seconds(60),
        verifies: Bool = true, http: any HTTPClient, now: @escaping () -> Int64
    ) {
        let base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.base = base
        host = base.firstRange(of: "://").map { String(base[$0.upperBound...]) } ?? base
        self.bucket = bucket
        self.signer = signer
        self.deadline = deadline
        self.verifies = verifies
        self.http = http
        self.now = now
    }

    // MARK: ObjectStore

    package func put(
        _ bytes: [UInt8], at key: String, contentType: String,
        then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        send("PUT", key, body: bytes, contentType: contentType) { [self] result in
            then(
                result.flatMap { reply in stored(bytes, reply).map { .failure($0) } ?? .success(())
                })
        }
    }

    package func beginParts(
        at key: String, contentType: String,
        then: @escaping (Result<String, ProviderFailure>) -> Void
    ) {
        send("POST", key, query: [.init("uploads", "")], contentType: contentType) { result in
            then(
                result.flatMap { reply in
                    guard let id = reply.xml?.first("UploadId")?.text, !id.isEmpty else {
                        return .failure(.malformed("an upload without an id"))
                    }
                    return .success(id)
                })
        }
    }

    package func put(
        part: Int, _ bytes: [UInt8], of upload: String, at key: String,
        then: @escaping (Result<String, ProviderFailure>) -> Void
    ) {
        let query: [SigV4.Field] = [
            .init("partNumber", String(part)), .init("uploadId", upload),
        ]
        send("PUT", key, query: query, body: bytes) { [self] result in
            then(
                result.flatMap { reply in
                    if let failure = stored(bytes, reply) { return .failure(failure) }
                    guard let tag = reply.tag else {
                        return .failure(.malformed("a part without a tag"))
                    }
                    return .success(tag)
                })
        }
    }

    package func completeParts(
        _ tags: [String], of upload: String, at key: String,
        then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        var text = "<CompleteMultipartUpload>"
        for (index, tag) in tags.enumerated() {
            text += "<Part><PartNumber>\(index + 1)</PartNumber>"
            text += "<ETag>\(XMLElement.escaped(tag))</ETag></Part>"
        }
        text += "</CompleteMultipartUpload>"
        send(
            "POST", key, query: [.init("uploadId", upload)], body: Array(text.utf8),
            contentType: "application/xml"
        ) { [self] result in
            then(
                result.flatMap { reply in
                    // The status came before the parts were put together: only the body tells (AWS, "CompleteMultipartUpload").
                    guard let xml = reply.xml, xml.name == "CompleteMultipartUploadResult" else {
                        let code = reply.xml?.first("Code")?.text ?? "no result"
                        return .failure(.reported("the parts were not put together: \(code)"))
                    }
                    let tag = ObjectTag(xml.first("ETag")?.text)
                    guard !verifies || tag.fits(parts: tags.map { ObjectTag($0) }) else {
                        return .failure(.malformed(Self.mismatch(tag)))
                    }
                    return .success(())
                })
        }
    }

    /// Why the store cannot have what it was sent; nil: its answer speaks for nothing else.
    private func stored(_ bytes: [UInt8], _ reply: ObjectStoreExchange.Reply) -> ProviderFailure? {
        guard verifies, reply.hasPlainTag else { return nil }
        let tag = ObjectTag(reply.tag)
        return tag.fits(bytes) ? nil : .malformed(Self.mismatch(tag))
    }

    private static func mismatch(_ tag: ObjectTag) -> String {
        "the store has other bytes than it was sent: its ETag is \(tag.text)"
    }

    package func abortParts(
        of upload: String, at key: String,
        then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        send("DELETE", key, query: [.init("uploadId", upload)]) { then($0.map { _ in }) }
    }

    package func openUploads(then: @escaping (Result<[String], ProviderFailure>) -> Void) {
        send("GET", "", query: [.init("uploads", "")]) { result in
            then(
                result.map { reply in
                    (reply.xml?.children ?? []).filter { $0.name == "Upload" }
                        .compactMap { $0.first("Key")?.text }
                })
        }
    }

    package func get(_ key: String, then: @escaping (Result<[UInt8], ProviderFailure>) -> Void) {
        send("GET", key) { then($0.map(\.body)) }
    }

    package func list(
        prefix: String, after: String?,
        then: @escaping (Result<[StoredObject], ProviderFailure>) -> Void
    ) {
        var query: [SigV4.Field] = [.init("list-type", "2"), .init("prefix", prefix)]
        if let after { query.append(.init("start-after", after)) }
        send("GET", "", query: query) { result in
            then(
                result.flatMap { reply in
                    guard let list = reply.xml, list.name == "ListBucketResult" else {
                        return .failure(.malformed("no list of objects"))
                    }
                    return .success(
                        list.children.filter { $0.name == "Contents" }.compactMap { entry in
                            entry.first("Key").map {
                                StoredObject(
                                    key: $0.text,
                                    byteCount: entry.first("Size").flatMap { Int($0.text) } ?? 0,
                                    storedAt: entry.first("LastModified")?.text ?? "")
                            }
                        })
                })
        }
    }

    package func delete(_ key: String, then: @escaping (Result<Void, ProviderFailure>) -> Void) {
        send("DELETE", key) { then($0.map { _ in }) }
    }

    // MARK: Requests

    private func send(
        _ method: String, _ key: String, query: [SigV4.Field] = [], body: [UInt8] = [],
        contentType: String? = nil,
        then: @escaping (Result<ObjectStoreExchange.Reply, ProviderFailure>) -> Void
    ) {
        let path = "/" + bucket + (key.isEmpty ? "" : "/" + key)
        let hash = Hex.encode(Digest.sha256.hash(body))
        let date = Self.date(now())
        var fields = [
            HTTPField("x-amz-content-sha256", hash), HTTPField("x-amz-date", date),
        ]
        if let contentType { fields.append(HTTPField("Content-Type", contentType)) }
        let signed = SigV4.Request(
            method: method, path: path, query: query,
            headers: [.init("Host", host)] + fields.map { .init($0.name, $0.value) },
            payloadHash: hash)
        fields.append(
            HTTPField("Authorization", signer.authorization(for: signed, date: date)))
        let text = query.map {
            PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value)
        }.joined(separator: "&")
        var request = HTTPRequest(
            method: method, url: base + signed.encodedPath + (text.isEmpty ? "" : "?" + text),
            headers: fields, body: body)
        request.deadlines.total = deadline
        ObjectStoreExchange(then).start(request, http)
    }

    /// `20130524T000000Z`.
    static func date(_ seconds: Int64) -> String {
        String(UnixTime.text(seconds).prefix(19).filter { $0 != "-" && $0 != ":" }) + "Z"
    }
}

/// One exchange, with its body.
final class ObjectStoreExchange: HTTPExchangeHandler {
    struct Reply {
        var body: [UInt8]
        var tag: String?
        /// The tag of an object in one piece is its MD5, as far as the answer tells.
        var hasPlainTag = true
        /// Nil when the body is none.
        var xml: XMLElement? { body.isEmpty ? nil : try? XMLReader.read(body) }
    }

    /// Larger objects than any recording: an answer must not fill the memory.
    private static let bodyLimit = 512 << 20

    private var then: ((Result<Reply, ProviderFailure>) -> Void)?
    private var answer = HTTPAnswer(limit: ObjectStoreExchange.bodyLimit)
    private var tag: String?
    private var hasPlainTag = true

    init(_ then: @escaping (Result<Reply, ProviderFailure>) -> Void) { self.then = then }

    func start(_ request: HTTPRequest, _ http: any HTTPClient) {
        // The client keeps its handler until the exchange is over.
        _ = http.send(request, handler: self)
    }

    private func end(_ result: Result<Reply, ProviderFailure>) {
        let then = then
        self.then = nil
        then?(result)
    }

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        answer.begin(status: status, headers: headers)
        tag = headers.first { $0.name.lowercased() == "etag" }?.value
        // Encrypted otherwise than with the store's own keys, a tag is no digest (AWS, "Object": ETag).
        hasPlainTag = !headers.contains { field in
            switch field.name.lowercased() {
            case "x-amz-server-side-encryption": field.value.hasPrefix("aws:kms")
            case "x-amz-server-side-encryption-customer-algorithm": true
            default: false
            }
        }
    }

    func received(body bytes: RawSpan, on exchange: any HTTPExchange) {
        guard answer.body.count + bytes.byteCount <= Self.bodyLimit else {
            exchange.cancel()
            return end(.failure(.malformed("an object larger than \(Self.bodyLimit) bytes")))
        }
        answer.receive(bytes)
    }

    func finished(_ exchange: any HTTPExchange) {
        guard (200..<300).contains(answer.status) else { return end(.failure(answer.refusal)) }
        end(.success(Reply(body: answer.body, tag: tag, hasPlainTag: hasPlainTag)))
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        end(.failure(ProviderFailure(failure)))
    }
}
