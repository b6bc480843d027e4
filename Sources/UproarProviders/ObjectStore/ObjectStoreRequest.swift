import UproarCore
import UproarCrypto
import UproarWire

/// A request to the store: whose object, and whether it may be believed.
package struct ObjectStoreRequest {
    package let head: HTTPRequestHead
    package let bucket: String
    /// Empty: the bucket itself.
    package let key: String
    package let query: FormParameters
    /// Out of its chunks.
    package private(set) var body: [UInt8]

    /// The words for bodies whose hash is not signed.
    private static let unsigned = "UNSIGNED-PAYLOAD"
    private static let unsignedChunks = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    /// How far a client's clock may be off (AWS, "RequestTimeTooSkewed").
    private static let skewLimit: Int64 = 15 * 60

    package init(_ head: HTTPRequestHead, body: [UInt8]) throws(ObjectStoreProblem) {
        self.head = head
        query = head.query
        var path = head.segments[...]
        let host = head.headers["Host"] ?? ""
        // `BUCKET.s3.REGION.amazonaws.com`: the bucket stands in the name.
        if let mark = host.firstRange(of: ".s3.") ?? host.firstRange(of: ".s3-"),
            host.contains("amazonaws")
        {
            bucket = String(host[..<mark.lowerBound])
        } else {
            bucket = path.popFirst() ?? ""
        }
        var key = path.joined(separator: "/")
        if !key.isEmpty, head.path.hasSuffix("/") { key += "/" }
        self.key = key
        self.body = body
        guard key.utf8.count <= 1024 else {
            throw ObjectStoreProblem(400, "KeyTooLongError", "Your key is too long")
        }
    }

    // MARK: Signature

    /// Checks the signature, the clock and the body's hash, and takes the body out of its chunks.
    ///
    /// - secrets: any of them may have signed it.
    /// - now: seconds since 1970.
    package mutating func authenticate(secrets: [String], now: Int64) throws(ObjectStoreProblem) {
        if query["X-Amz-Signature"] != nil {
            try checkPresigned(secrets, now: now)
        } else {
            try checkHeader(secrets, now: now)
        }
        try readBody()
    }

    private var signable: SigV4.Request {
        SigV4.Request(
            method: head.method, path: PercentEncoding.decode(head.path),
            query: query.items.map { SigV4.Field($0.name, $0.value) },
            headers: head.headers.fields.map { SigV4.Field($0.name, $0.value) },
            payloadHash: head.headers["x-amz-content-sha256"] ?? Self.unsigned)
    }

    private func checkHeader(_ secrets: [String], now: Int64) throws(ObjectStoreProblem) {
        guard let field = head.headers["Authorization"] else { throw .accessDenied }
        guard let authorization = SigV4Authorization(field),
            let date = head.headers["x-amz-date"]
        else { throw .malformed }
        try checkClock(date, now: now)
        // What S3 demands to be signed: the host and every x-amz header.
        let names = head.headers.fields.map { $0.name.lowercased() }
        let needed = names.filter { $0 == "host" || $0.hasPrefix("x-amz-") }
        guard Set(needed).isSubset(of: Set(authorization.signedHeaders)) else {
            throw ObjectStoreProblem(
                403, "AccessDenied",
                "There were headers present in the request which were not signed")
        }
        guard
            secrets.contains(where: {
                authorization.fits(signable, secretKey: $0, date: date)
            })
        else { throw .wrongSignature }
    }

    /// A URL that carries its own signature (AWS, "Authenticating requests: using query parameters").
    private func checkPresigned(_ secrets: [String], now: Int64) throws(ObjectStoreProblem) {
        guard let given = query["X-Amz-Signature"],
            let credential = query["X-Amz-Credential"]?.split(separator: "/"),
            credential.count == 5, let date = query["X-Amz-Date"],
            let signed = query["X-Amz-SignedHeaders"]?.split(separator: ";").map(String.init),
            let lifetime = query["X-Amz-Expires"].flatMap({ Int64($0) }),
            (1...604_800).contains(lifetime), let start = Self.seconds(date)
        else { throw .malformed }
        guard now >= start - Self.skewLimit, now <= start + lifetime else {
            throw ObjectStoreProblem(403, "AccessDenied", "Request has expired")
        }
        var request = signable
        request.query.removeAll { $0.name == "X-Amz-Signature" }
        request.headers.removeAll { !signed.contains($0.name.lowercased()) }
        request.payloadHash = Self.unsigned
        let isKnown = secrets.contains { secret in
            let signer = SigV4(
                accessKey: String(credential[0]), secretKey: secret,
                region: String(credential[2]), service: String(credential[3]))
            return signer.signature(of: request, date: date) == given
        }
        guard isKnown else { throw .wrongSignature }
    }

    private func checkClock(_ date: String, now: Int64) throws(ObjectStoreProblem) {
        guard let time = Self.seconds(date) else { throw .malformed }
        guard abs(time - now) <= Self.skewLimit else { throw .skewed }
    }

    /// `20130524T000000Z` in seconds since 1970; nil when it is none.
    static func seconds(_ date: String) -> Int64? {
        let bytes = Array(date.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z")
        else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            Int64(String(decoding: bytes[range], as: UTF8.self))
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
            let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15),
            (1...12).contains(month), (1...31).contains(day), (0..<24).contains(hour),
            (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        return UnixTime.days(year: year, month: month, day: day) * 86_400 + hour * 3600
            + minute * 60 + second
    }

    // MARK: Body

    private mutating func readBody() throws(ObjectStoreProblem) {
        var trailers: HTTPHeaders = [:]
        let hash = head.headers["x-amz-content-sha256"] ?? Self.unsigned
        if hash.hasPrefix("STREAMING-") {
            (body, trailers) = try Self.unchunked(body)
            if let length = head.headers["x-amz-decoded-content-length"].flatMap({ Int($0) }) {
                guard length == body.count else { throw .incomplete }
            }
        } else if hash != Self.unsigned {
            guard hash == Hex.encode(Digest.sha256.hash(body)) else { throw .wrongHash }
        }
        if let sum = head.headers["x-amz-checksum-crc32"] ?? trailers["x-amz-checksum-crc32"] {
            guard sum == CRC32.base64(body) else { throw .badDigest }
        }
        if let sum = head.headers["Content-MD5"] {
            guard sum == Base64.encode(Digest.md5.hash(body)) else { throw .badDigest }
        }
    }

    /// `aws-chunked`: `SIZE[;chunk-signature=…]\r\nBYTES\r\n … 0\r\ntrailers\r\n`. Signatures of single chunks are not checked.
    static func unchunked(_ bytes: [UInt8]) throws(ObjectStoreProblem) -> ([UInt8], HTTPHeaders) {
        var body: [UInt8] = []
        var place = 0
        func line() -> String? {
            var end = place
            while end + 1 < bytes.count, bytes[end] != 0x0d || bytes[end + 1] != 0x0a { end += 1 }
            guard end + 1 < bytes.count else { return nil }
            defer { place = end + 2 }
            return String(decoding: bytes[place..<end], as: UTF8.self)
        }
        while true {
            guard let head = line(),
                let size = Int(head.prefix { $0 != ";" }, radix: 16), size >= 0
            else { throw .incomplete }
            guard size > 0 else { break }
            guard size <= bytes.count - place else { throw .incomplete }
            body.append(contentsOf: bytes[place..<place + size])
            place += size
            guard line() == "" else { throw .incomplete }
        }
        var trailers: HTTPHeaders = [:]
        while let text = line(), !text.isEmpty {
            let halves = text.split(separator: ":", maxSplits: 1)
            if halves.count == 2 {
                trailers[String(halves[0])] = halves[1].trimmingBlanks
            }
        }
        return (body, trailers)
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

/// The checksum that S3's clients send by default (ITU-T V.42), as they write it.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { value in
        (0..<8).reduce(UInt32(value)) { sum, _ in
            sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0xedb8_8320
        }
    }

    static func base64(_ bytes: [UInt8]) -> String {
        var sum = ~UInt32(0)
        for byte in bytes { sum = sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
        sum = ~sum
        return Base64.encode(
            (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32($0))) })
    }
}
