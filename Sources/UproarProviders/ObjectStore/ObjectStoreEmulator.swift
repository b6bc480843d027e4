import UproarCore
import UproarCrypto
import UproarFaults
import UproarRuntime
import UproarWire

/// An S3-compatible store: PUT, GET, HEAD, DELETE of objects, uploads in parts, listing. Signatures are checked.
package final class ObjectStoreEmulator: EmulatedService {
    package let provider = ProviderID.objectStore
    private let context: EmulatorContext
    private let emulation: ProviderEmulation
    private var shelf = ObjectShelf()
    private var ordinal: UInt64 = 0
    private var inWork = 0

    /// The secret of a store whose keys nobody named: signatures need one that both sides know.
    package static let usualSecret = "uproar-emulated"

    package init(_ emulation: ProviderEmulation, context: EmulatorContext) {
        self.emulation = emulation
        self.context = context
    }

    private struct Answer {
        var status = 200
        var headers: HTTPHeaders = [:]
        var body: [UInt8] = []
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        do throws(ObjectStoreProblem) {
            var wanted = try ObjectStoreRequest(request, body: body)
            try wanted.authenticate(secrets: secrets, now: context.unixSeconds)
            var answer = try serve(wanted)
            for field in identity.fields { answer.headers[field.name] = field.value }
            return TimedAnswer(
                answer.status, headers: answer.headers, body: answer.body,
                after: context.firstContent(
                    connection.entry?.timing?.first ?? emulation.latency, "object store latency",
                    ordinal, of: provider, reference: nil, fields: connection.fields
                ),
                provider: provider, context: context, connection: connection)
        } catch {
            refuse(error, request, on: connection)
            return nil
        }
    }

    private var secrets: [String] {
        if case .only(let keys) = context.keys { keys } else { [Self.usualSecret] }
    }

    private var identity: HTTPHeaders {
        [
            "x-amz-request-id": EmulatorContext.hex(context.seed.key("s3 request", ordinal))
                .uppercased(), "x-amz-id-2": "uproar", "Server": "AmazonS3",
            "Date": UnixTime.mailText(context.unixSeconds),
        ]
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        refuse(.wrongMethod, request, on: connection)
        return nil
    }

    // MARK: Operations

    private func serve(_ request: ObjectStoreRequest) throws(ObjectStoreProblem) -> Answer {
        guard !request.bucket.isEmpty else {
            guard request.head.method == "GET" else { throw .wrongMethod }
            return xml("<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>")
        }
        guard !request.key.isEmpty else { return try serveBucket(request) }
        let upload = request.query["uploadId"]
        switch request.head.method {
        case "PUT" where upload != nil: return try putPart(request, upload ?? "")
        case "PUT":
            guard request.head.headers["x-amz-copy-source"] == nil else { throw .notImplemented }
            return put(request)
        case "GET", "HEAD": return try get(request)
        case "DELETE" where upload != nil:
            shelf.abort(upload ?? "")
            return Answer(status: 204)
        case "DELETE":
            shelf.remove(request.bucket, request.key)
            return Answer(status: 204)
        case "POST" where request.query.items.contains { $0.name == "uploads" }:
            let id = context.uuid("s3 upload", ordinal)
            shelf.begin(
                .init(
                    bucket: request.bucket, key: request.key, contentType: contentType(request)),
                id: id)
            return xml(
                "<InitiateMultipartUploadResult><Bucket>\(XMLElement.escaped(request.bucket))</Bucket>"
                    + "<Key>\(XMLElement.escaped(request.key))</Key><UploadId>\(id)</UploadId>"
                    + "</InitiateMultipartUploadResult>")
        case "POST" where upload != nil: return try complete(request, upload ?? "")
        default: throw .notImplemented
        }
    }

    private func put(_ request: ObjectStoreRequest) -> Answer {
        let defects = defects(of: .put, request)
        let kept = Kept(request.body, defects)
        let object = shelf.put(
            kept.bytes, in: request.bucket, as: request.key, contentType: contentType(request),
            at: context.unixSeconds, tag: "\"\(kept.tag)\"")
        hide(request, defects)
        return Answer(headers: ["ETag": kept.said.map { "\"\($0)\"" } ?? object.tag])
    }

    /// What of a body is kept, by which tag it is known, and which tag is said where that is another one.
    private struct Kept {
        var bytes: [UInt8]
        var tag: String
        var said: String?

        init(_ sent: [UInt8], _ defects: [StorageDefect]) {
            bytes = sent
            tag = Hex.encode(Digest.md5.hash(sent))
            for case .mismatch(let mismatch) in defects {
                let damaged = StorageDefect.damaged(bytes)
                let other = Hex.encode(Digest.md5.hash(damaged))
                switch mismatch {
                case .tag: said = other
                case .body: (bytes, tag) = (damaged, other)
                case .silent: bytes = damaged
                }
            }
        }
    }

    private func defects(of operation: StorageOperation, _ request: ObjectStoreRequest)
        -> [StorageDefect]
    {
        guard let interference = context.interference else { return [] }
        var passage = EmulatorPassage(provider: provider, kind: .request, ordinal: ordinal)
        passage.fields = [.init("path", request.head.path), .init("method", request.head.method)]
        return interference.defects(of: operation, on: passage, at: context.now)
    }

    private func hide(_ request: ObjectStoreRequest, _ defects: [StorageDefect]) {
        for case .hidden(let time) in defects {
            shelf.hide(request.bucket, request.key, for: time, at: context.now)
        }
    }

    private func contentType(_ request: ObjectStoreRequest) -> String {
        request.head.headers["Content-Type"] ?? "binary/octet-stream"
    }

    private func xml(_ body: String) -> Answer {
        let space = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
        var text = body
        if let end = text.firstIndex(of: ">") { text.insert(contentsOf: space, at: end) }
        return Answer(
            headers: ["Content-Type": "application/xml"],
            body: Array(("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + text).utf8))
    }

    /// Every bucket exists.
    private func serveBucket(_ request: ObjectStoreRequest) throws(ObjectStoreProblem) -> Answer {
        switch request.head.method {
        case "PUT": return Answer(headers: ["Location": "/\(request.bucket)"])
        case "HEAD": return Answer(headers: ["x-amz-bucket-region": "us-east-1"])
        case "DELETE": return Answer(status: 204)
        case "GET" where request.query.items.contains { $0.name == "location" }:
            return xml("<LocationConstraint></LocationConstraint>")
        case "GET" where request.query.items.contains { $0.name == "uploads" }:
            return xml(
                "<ListMultipartUploadsResult><Bucket>\(XMLElement.escaped(request.bucket))</Bucket>"
                    + shelf.uploads(in: request.bucket).map {
                        "<Upload><Key>\(XMLElement.escaped($0.key))</Key>"
                            + "<UploadId>\($0.id)</UploadId></Upload>"
                    }.joined() + "</ListMultipartUploadsResult>")
        case "GET": return list(request)
        default: throw .notImplemented
        }
    }

    private func list(_ request: ObjectStoreRequest) -> Answer {
        let prefix = request.query["prefix"] ?? ""
        let limit = min(1000, max(0, request.query["max-keys"].flatMap { Int($0) } ?? 1000))
        var keys = shelf.keys(
            in: request.bucket, prefix: prefix, at: context.now)[...]
        let after =
            request.query["continuation-token"] ?? request.query["start-after"]
            ?? request.query["marker"]
        if let after { keys = keys.drop { !after.utf8.lexicographicallyPrecedes($0.utf8) } }
        let page = keys.prefix(limit)
        let isCut = page.count < keys.count
        var text = "<ListBucketResult><Name>\(XMLElement.escaped(request.bucket))</Name>"
        text += "<Prefix>\(XMLElement.escaped(prefix))</Prefix><KeyCount>\(page.count)</KeyCount>"
        text += "<MaxKeys>\(limit)</MaxKeys><IsTruncated>\(isCut)</IsTruncated>"
        if isCut, let last = page.last {
            text += "<NextContinuationToken>\(XMLElement.escaped(last))</NextContinuationToken>"
        }
        for key in page {
            guard let object = shelf.object(request.bucket, key, at: context.now) else { continue }
            text += "<Contents><Key>\(XMLElement.escaped(key))</Key>"
            text += "<LastModified>\(UnixTime.text(object.storedAt))</LastModified>"
            text += "<ETag>\(XMLElement.escaped(object.tag))</ETag>"
            text += "<Size>\(object.bytes.count)</Size><StorageClass>STANDARD</StorageClass>"
            text += "</Contents>"
        }
        return xml(text + "</ListBucketResult>")
    }

    private func get(_ request: ObjectStoreRequest) throws(ObjectStoreProblem) -> Answer {
        guard let object = shelf.object(request.bucket, request.key, at: context.now) else {
            throw .noKey
        }
        var answer = Answer(
            headers: [
                "ETag": object.tag, "Content-Type": object.contentType, "Accept-Ranges": "bytes",
                "Last-Modified": UnixTime.mailText(object.storedAt),
            ], body: object.bytes)
        guard let range = request.head.headers["Range"] else { return answer }
        guard let bounds = Self.range(range, of: object.bytes.count) else { throw .badRange }
        answer.status = 206
        answer.headers["Content-Range"] =
            "bytes \(bounds.lowerBound)-\(bounds.upperBound - 1)/\(object.bytes.count)"
        answer.body = Array(object.bytes[bounds])
        return answer
    }

    /// `bytes=0-9`, `bytes=10-`, `bytes=-5` (RFC 9110 §14.1.2); one range only.
    static func range(_ text: String, of count: Int) -> Range<Int>? {
        guard text.hasPrefix("bytes=") else { return nil }
        let halves = text.dropFirst(6).split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        if halves[0].isEmpty {
            guard let last = Int(halves[1]), last > 0 else { return nil }
            return max(0, count - last)..<count
        }
        guard let first = Int(halves[0]), first >= 0, first < count else { return nil }
        guard !halves[1].isEmpty else { return first..<count }
        guard let last = Int(halves[1]), last >= first else { return nil }
        return first..<min(count, last == .max ? count : last + 1)
    }

    private func putPart(_ request: ObjectStoreRequest, _ upload: String)
        throws(ObjectStoreProblem) -> Answer
    {
        guard let number = request.query["partNumber"].flatMap({ Int($0) }),
            (1...ObjectShelf.partLimit).contains(number)
        else {
            throw ObjectStoreProblem(
                400, "InvalidArgument",
                "Part number must be an integer between 1 and 10000, inclusive")
        }
        let kept = Kept(request.body, defects(of: .putPart, request))
        guard let tag = shelf.put(part: number, kept.bytes, of: upload, tag: kept.tag) else {
            throw .noUpload
        }
        return Answer(headers: ["ETag": kept.said.map { "\"\($0)\"" } ?? tag])
    }

    private func complete(_ request: ObjectStoreRequest, _ upload: String)
        throws(ObjectStoreProblem) -> Answer
    {
        guard shelf.upload(upload) != nil else { throw .noUpload }
        let root: XMLElement
        do { root = try XMLReader.read(request.body) } catch { throw .badXML }
        var parts: [(number: Int, tag: String)] = []
        for part in root.children where part.name == "Part" {
            guard let number = part.first("PartNumber").flatMap({ Int($0.text) }),
                let tag = part.first("ETag")?.text
            else { throw .badXML }
            parts.append((number, tag))
        }
        guard zip(parts, parts.dropFirst()).allSatisfy({ $0.number < $1.number }) else {
            throw ObjectStoreProblem(
                400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        }
        let defects = defects(of: .complete, request)
        var failing: StorageDefect.Incompletion?
        for case .incomplete(let how) in defects { failing = how }
        switch failing {
        case .saidInBody?:
            return xml(
                "<Error><Code>InternalError</Code>"
                    + "<Message>We encountered an internal error. Please try again.</Message></Error>"
            )
        case .refused(let status)?: throw .status(status, retryAfter: nil)
        case .saidFailed?, nil: break
        }
        guard let object = shelf.complete(upload, parts: parts, at: context.unixSeconds) else {
            throw .invalidPart
        }
        hide(request, defects)
        if case .saidFailed(let status)? = failing { throw .status(status, retryAfter: nil) }
        return xml(
            "<CompleteMultipartUploadResult><Bucket>\(XMLElement.escaped(request.bucket))</Bucket>"
                + "<Key>\(XMLElement.escaped(request.key))</Key>"
                + "<ETag>\(XMLElement.escaped(object.tag))</ETag></CompleteMultipartUploadResult>")
    }

    // MARK: Refusals

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(.status(status, retryAfter: retryAfter), request, on: connection)
    }

    package func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) {
        connection.respond(status: 200, headers: identity)
    }

    private func refuse(
        _ problem: ObjectStoreProblem, _ request: HTTPRequestHead,
        on connection: EmulatorConnection
    ) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: context.now, detail: UInt32(problem.status))
        var headers = identity
        for field in RetryAfterField.headers(problem.retryAfter).fields {
            headers[field.name] = field.value
        }
        headers["Content-Type"] = "application/xml"
        connection.respond(
            status: problem.status, headers: headers,
            body: problem.xml(
                resource: request.path, requestID: headers["x-amz-request-id"] ?? ""))
    }
}
