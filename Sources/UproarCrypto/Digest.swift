import COpenSSL
import UproarCore

/// A hash function, of bytes that are all at hand; `RunningDigest` takes them piece by piece.
///
/// MD5 and SHA-1 are here because wires ask for them (ETag, WebSocket, Twilio), not for anything secret.
package enum Digest: Hashable, Sendable {
    case md5
    case sha1
    case sha256

    /// Bytes of a result: 16, 20 or 32.
    package var count: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        }
    }

    var algorithm: OpaquePointer {
        switch self {
        case .md5: EVP_md5()
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        }
    }

    /// The hash of `bytes`. The C function is `EVP_Digest`.
    package func hash(_ bytes: RawSpan) -> [UInt8] {
        bytes.withUnsafeBytes { source in
            [UInt8](unsafeUninitializedCapacity: count) { output, written in
                let done = EVP_Digest(
                    source.baseAddress, source.count, output.baseAddress, nil, algorithm, nil)
                precondition(done == 1, "EVP_Digest refused \(self)")
                written = count
            }
        }
    }

    package func hash(_ bytes: [UInt8]) -> [UInt8] { hash(bytes.span.bytes) }

    package func hash(_ text: String) -> [UInt8] { hash(Array(text.utf8)) }

    /// HMAC (RFC 2104) of `message` under `key`, which may have any length. The C function is `HMAC`.
    package func authenticate(_ message: RawSpan, key: [UInt8]) -> [UInt8] {
        message.withUnsafeBytes { message in
            [UInt8](unsafeUninitializedCapacity: count) { output, written in
                // A null key means "the key of the call before" in OpenSSL, so an empty key needs an address.
                let result =
                    key.isEmpty
                    ? withUnsafeBytes(of: UInt8(0)) { empty in
                        HMAC(
                            algorithm, empty.baseAddress, 0,
                            message.assumingMemoryBound(to: UInt8.self).baseAddress, message.count,
                            output.baseAddress, nil)
                    }
                    : HMAC(
                        algorithm, key, Int32(key.count),
                        message.assumingMemoryBound(to: UInt8.self).baseAddress, message.count,
                        output.baseAddress, nil)
                precondition(result != nil, "HMAC refused \(self)")
                written = count
            }
        }
    }

    package func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        authenticate(message.span.bytes, key: key)
    }

    package func authenticate(_ message: String, key: [UInt8]) -> [UInt8] {
        authenticate(Array(message.utf8), key: key)
    }
}

/// A hash of bytes that arrive in pieces (an upload's body, a journal).
package struct RunningDigest: ~Copyable {
    private let context: OpaquePointer
    private let digest: Digest

    package init(_ digest: Digest) {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a digest") }
        self.context = context
        self.digest = digest
        let done = EVP_DigestInit_ex(context, digest.algorithm, nil)
        precondition(done == 1, "EVP_DigestInit_ex refused \(digest)")
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: RawSpan) {
        let done = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(done == 1, "EVP_DigestUpdate failed")
    }

    /// The hash of everything so far.
    package consuming func finish() -> [UInt8] {
        let count = digest.count
        return [UInt8](unsafeUninitializedCapacity: count) { output, written in
            let done = EVP_DigestFinal_ex(context, output.baseAddress, nil)
            precondition(done == 1, "EVP_DigestFinal_ex failed")
            written = count
        }
    }
}

/// True when both hold the same bytes, in a time that does not tell where they differ.
package func equalInConstantTime(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}
