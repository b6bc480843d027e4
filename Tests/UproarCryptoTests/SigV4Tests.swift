import Testing
import UproarCore

@testable import UproarCrypto

@Suite struct SigV4Tests {
    static let signer = SigV4(
        accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    static let date = "20130524T000000Z"
    static let empty = Hex.encode(Digest.sha256.hash(""))

    /// AWS, "Authorization header examples": GET object.
    @Test func signsTheGetOfTheDocumentation() {
        let request = SigV4.Request(
            method: "GET", path: "/test.txt",
            headers: [
                .init("Host", "examplebucket.s3.amazonaws.com"), .init("Range", "bytes=0-9"),
                .init("x-amz-content-sha256", Self.empty), .init("x-amz-date", Self.date),
            ], payloadHash: Self.empty)
        #expect(
            Self.signer.authorization(for: request, date: Self.date)
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    }

    /// The same, PUT object: a path that needs encoding, a header in another order.
    @Test func signsThePutOfTheDocumentation() {
        let hash = Hex.encode(Digest.sha256.hash("Welcome to Amazon S3."))
        let request = SigV4.Request(
            method: "PUT", path: "/test$file.text",
            headers: [
                .init("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                .init("Date", "  Fri,  24 May 2013 00:00:00 GMT "),
                .init("Host", "examplebucket.s3.amazonaws.com"), .init("x-amz-date", Self.date),
                .init("x-amz-content-sha256", hash),
            ], payloadHash: hash)
        #expect(request.encodedPath == "/test%24file.text")
        #expect(
            Self.signer.signature(of: request, date: Self.date)
                == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    }

    /// AWS, "Query parameter examples".
    @Test func presignsTheUrlOfTheDocumentation() {
        let request = SigV4.Request(
            method: "GET", path: "/test.txt",
            headers: [.init("host", "examplebucket.s3.amazonaws.com")], payloadHash: "")
        let query = Self.signer.presignedQuery(for: request, date: Self.date, lifetime: 86400)
        #expect(
            query.last
                == .init(
                    "X-Amz-Signature",
                    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"))
        #expect(query.count == 6)
    }

    static let upload = SigV4.Request(
        method: "PUT", path: "/recordings/calls/2026/01/02/call 1+a.wav",
        headers: [
            .init("content-type", "audio/wav"), .init("host", "127.0.0.1:9000"),
            .init(
                "x-amz-content-sha256",
                "a40ff3d5900fb7698b8c865041347cb49eccedc8f93945f89629ad104aaecce4"),
            .init("x-amz-date", "20260102T030405Z"),
        ], payloadHash: "a40ff3d5900fb7698b8c865041347cb49eccedc8f93945f89629ad104aaecce4")

    @Test func signsAnUpload() {
        #expect(Hex.encode(Digest.sha256.hash("RIFF")) == Self.upload.payloadHash)
        #expect(
            Hex.encode(Digest.sha256.hash(Self.upload.canonical))
                == "19625cd5649ed9bb561979a0d0fd8811a5f4f5b090df2575d43b7dfc366e01bc")
        #expect(
            Self.signer.signature(of: Self.upload, date: "20260102T030405Z")
                == "4cad65b3164d89b7a1cd8958d2781c2c765773c6e5c2dbc318f86ab158ec82a2")
    }

    @Test func checksWhatItSigned() throws {
        let date = "20260102T030405Z"
        let text = Self.signer.authorization(for: Self.upload, date: date)
        let authorization = try #require(SigV4Authorization(text))
        #expect(authorization.accessKey == Self.signer.accessKey)
        func fits(_ change: (inout SigV4.Request) -> Void, secret: String? = nil) -> Bool {
            var request = Self.upload
            change(&request)
            return authorization.fits(
                request, secretKey: secret ?? Self.signer.secretKey, date: date)
        }
        #expect(fits { _ in })
        // Headers that were not signed do not count.
        #expect(fits { $0.headers.append(.init("User-Agent", "x")) })
        #expect(!fits { $0.method = "POST" })
        #expect(!fits { $0.path += "x" })
        #expect(!fits { $0.query.append(.init("a", "")) })
        #expect(!fits { $0.headers[1].value = "other" })
        #expect(!fits { $0.headers.removeLast() })
        #expect(!fits { $0.payloadHash = "UNSIGNED-PAYLOAD" })
        #expect(!fits({ _ in }, secret: "other"))
        #expect(
            !authorization.fits(
                Self.upload, secretKey: Self.signer.secretKey, date: "20260103T030405Z"))
    }

    @Test(arguments: [
        "", "Basic abc", "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=h, Signature=s",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=h",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws5_request, SignedHeaders=h, Signature=s",
        "AWS4-HMAC-SHA256 Credential, SignedHeaders=h, Signature=s",
    ])
    func readsNoOtherAuthorization(text: String) {
        #expect(SigV4Authorization(text) == nil)
    }

    @Test func sortsQueriesByBytesAndJoinsHeaders() {
        let request = SigV4.Request(
            method: "GET", path: "/",
            query: [
                .init("b", "2"), .init("a", "z"), .init("B", "1"), .init("a", "y"),
                .init("a-b", ""),
            ],
            headers: [.init("X-A", "1"), .init("x-a", " 2 ")], payloadHash: "h")
        #expect(request.canonical == "GET\n/\nB=1&a=y&a=z&a-b=&b=2\nx-a:1,2\n\nx-a\nh")
    }
}
