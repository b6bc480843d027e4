import UproarCore

/// Amazon's request signature, version 4, as S3 wants it (AWS, "Signature Version 4"): both to sign and to check.
///
/// S3's own rule is used: paths are percent-encoded once, other services do it twice.
package struct SigV4: Hashable, Sendable {
    package var accessKey: String
    package var secretKey: String
    package var region: String
    package var service: String

    package init(
        accessKey: String, secretKey: String, region: String = "us-east-1", service: String = "s3"
    ) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.region = region
        self.service = service
    }

    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What is signed. `headers` are those that count, and no others: `host` and every `x-amz-…` at least.
    package struct Request: Hashable, Sendable {
        package var method: String
        /// Not percent-encoded: `/bucket/a b.wav`.
        package var path: String
        /// Not percent-encoded.
        package var query: [Field]
        package var headers: [Field]
        /// The value of `x-amz-content-sha256`: a hash in hex, or a word such as `UNSIGNED-PAYLOAD`.
        package var payloadHash: String

        package init(
            method: String, path: String, query: [Field] = [], headers: [Field],
            payloadHash: String
        ) {
            self.method = method
            self.path = path
            self.query = query
            self.headers = headers
            self.payloadHash = payloadHash
        }

        /// The path as the request line must spell it, for the signature to fit.
        package var encodedPath: String { PercentEncoding.encode(path, keepingSlashes: true) }

        /// `content-type;host;x-amz-date`: small letters, sorted.
        package var signedHeaders: String { canonicalHeaders.map(\.name).joined(separator: ";") }

        /// The text whose hash is signed.
        package var canonical: String {
            let query = self.query
                .map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
                .sorted { $0.0 == $1.0 ? bytewise($0.1, $1.1) : bytewise($0.0, $1.0) }
                .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
            let headers = canonicalHeaders.map { "\($0.name):\($0.value)\n" }.joined()
            return [method, encodedPath, query, headers, signedHeaders, payloadHash]
                .joined(separator: "\n")
        }

        /// Names in small letters, values without needless blanks, one line for each name.
        private var canonicalHeaders: [Field] {
            var fields: [Field] = []
            for header in headers {
                let name = header.name.lowercased()
                let value = header.value.split(whereSeparator: { $0 == " " || $0 == "\t" })
                    .joined(separator: " ")
                if let place = fields.firstIndex(where: { $0.name == name }) {
                    fields[place].value += ",\(value)"
                } else {
                    fields.append(Field(name, value))
                }
            }
            return fields.sorted { bytewise($0.name, $1.name) }
        }
    }

    /// The signature in hex. `date` is the request's `x-amz-date`: `20130524T000000Z`.
    package func signature(of request: Request, date: String) -> String {
        let text = [
            "AWS4-HMAC-SHA256", date, scope(date),
            Hex.encode(Digest.sha256.hash(request.canonical)),
        ].joined(separator: "\n")
        var key = Array("AWS4\(secretKey)".utf8)
        for part in [String(date.prefix(8)), region, service, "aws4_request"] {
            key = Digest.sha256.authenticate(part, key: key)
        }
        return Hex.encode(Digest.sha256.authenticate(text, key: key))
    }

    /// The value of the Authorization header.
    package func authorization(for request: Request, date: String) -> String {
        "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope(date)), SignedHeaders=\(request.signedHeaders), Signature=\(signature(of: request, date: date))"
    }

    /// The query of a URL that carries its own signature, for `lifetime` seconds. `request.headers` is `host` at least; its
    /// `payloadHash` is not used.
    package func presignedQuery(
        for request: Request, date: String, lifetime: Int
    ) -> [Field] {
        var request = request
        request.payloadHash = "UNSIGNED-PAYLOAD"
        request.query += [
            Field("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            Field("X-Amz-Credential", "\(accessKey)/\(scope(date))"),
            Field("X-Amz-Date", date),
            Field("X-Amz-Expires", String(lifetime)),
            Field("X-Amz-SignedHeaders", request.signedHeaders),
        ]
        return request.query + [Field("X-Amz-Signature", signature(of: request, date: date))]
    }

    private func scope(_ date: String) -> String {
        "\(date.prefix(8))/\(region)/\(service)/aws4_request"
    }
}

/// An Authorization header of a request that came in.
package struct SigV4Authorization: Hashable, Sendable {
    package var accessKey: String
    /// `20130524`.
    package var day: String
    package var region: String
    package var service: String
    /// Which headers were signed, in small letters.
    package var signedHeaders: [String]
    package var signature: String

    /// Nil when it is not of this kind.
    package init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0] == "AWS4-HMAC-SHA256" else { return nil }
        var values: [String: Substring] = [:]
        for part in words[1].split(separator: ",") {
            let halves = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            values[String(halves[0])] = halves[1]
        }
        guard let credential = values["Credential"]?.split(separator: "/"), credential.count == 5,
            credential[4] == "aws4_request", let headers = values["SignedHeaders"],
            let signature = values["Signature"]
        else { return nil }
        accessKey = String(credential[0])
        day = String(credential[1])
        region = String(credential[2])
        service = String(credential[3])
        signedHeaders = headers.split(separator: ";").map(String.init)
        self.signature = String(signature)
    }

    /// Whether `request`, its headers narrowed to `signedHeaders`, was signed with this secret on `date` (`x-amz-date`).
    package func fits(_ request: SigV4.Request, secretKey: String, date: String) -> Bool {
        guard date.prefix(8) == day else { return false }
        let signer = SigV4(
            accessKey: accessKey, secretKey: secretKey, region: region, service: service)
        var request = request
        request.headers.removeAll { !signedHeaders.contains($0.name.lowercased()) }
        guard signedHeaders == request.signedHeaders.split(separator: ";").map(String.init) else {
            return false
        }
        return equalInConstantTime(
            Array(signer.signature(of: request, date: date).utf8), Array(signature.utf8))
    }
}

/// The order of bytes; `String`'s own order follows Unicode's canonical equivalence.
private func bytewise(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
}
