import COpenSSL
import UproarCore

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D): secrecy and integrity in one.
package enum AuthenticatedEncryption {
    package static let keyCount = 32
    package static let nonceCount = 12
    package static let tagCount = 16

    /// The ciphertext with its 16-byte tag behind it. A nonce must never come twice with one key. `context` is not secret and not
    /// in the result, but must be the same when it is opened.
    package static func seal(
        _ plaintext: RawSpan, key: [UInt8], nonce: [UInt8], context: [UInt8] = []
    ) -> [UInt8] {
        checkSizes(key, nonce)
        let cipher = CipherContext()
        check(EVP_EncryptInit_ex(cipher.pointer, EVP_aes_256_gcm(), nil, key, nonce))
        var count: Int32 = 0
        check(EVP_EncryptUpdate(cipher.pointer, nil, &count, context, Int32(context.count)))
        let size = plaintext.byteCount
        return [UInt8](unsafeUninitializedCapacity: size + tagCount) { output, written in
            plaintext.withUnsafeBytes { bytes in
                check(
                    EVP_EncryptUpdate(
                        cipher.pointer, output.baseAddress, &count,
                        bytes.assumingMemoryBound(to: UInt8.self).baseAddress, Int32(size)))
            }
            // GCM keeps nothing back: this writes no bytes, it completes the tag.
            check(EVP_EncryptFinal_ex(cipher.pointer, output.baseAddress! + size, &count))
            check(
                EVP_CIPHER_CTX_ctrl(
                    cipher.pointer, EVP_CTRL_AEAD_GET_TAG, Int32(tagCount),
                    output.baseAddress! + size))
            written = size + tagCount
        }
    }

    /// The plaintext, or nil when the bytes, the key, the nonce or the context are not those it was sealed with.
    package static func open(
        _ sealed: RawSpan, key: [UInt8], nonce: [UInt8], context: [UInt8] = []
    ) -> [UInt8]? {
        checkSizes(key, nonce)
        let size = sealed.byteCount - tagCount
        guard size >= 0 else { return nil }
        let cipher = CipherContext()
        check(EVP_DecryptInit_ex(cipher.pointer, EVP_aes_256_gcm(), nil, key, nonce))
        var count: Int32 = 0
        check(EVP_DecryptUpdate(cipher.pointer, nil, &count, context, Int32(context.count)))
        var isGenuine = false
        let plaintext = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { output, written in
            sealed.withUnsafeBytes { bytes in
                check(
                    EVP_DecryptUpdate(
                        cipher.pointer, output.baseAddress, &count,
                        bytes.assumingMemoryBound(to: UInt8.self).baseAddress, Int32(size)))
                var tag = Array(bytes[size...])
                check(
                    EVP_CIPHER_CTX_ctrl(
                        cipher.pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tagCount), &tag))
            }
            isGenuine =
                EVP_DecryptFinal_ex(cipher.pointer, output.baseAddress! + size, &count) == 1
            written = isGenuine ? size : 0
        }
        return isGenuine ? plaintext : nil
    }

    private static func checkSizes(_ key: [UInt8], _ nonce: [UInt8]) {
        precondition(key.count == keyCount, "a key of AES-256 has 32 bytes")
        precondition(nonce.count == nonceCount, "a nonce of GCM has 12 bytes here")
    }
}

/// A key wrapped by another (RFC 3394, AES-256): how a data key travels beside what it encrypts.
package enum KeyWrap {
    /// 8 bytes longer than `key`, whose size must be a multiple of 8, at least 16.
    package static func wrap(_ key: [UInt8], with wrapping: [UInt8]) -> [UInt8] {
        precondition(wrapping.count == 32, "a wrapping key has 32 bytes")
        precondition(key.count >= 16 && key.count % 8 == 0, "a wrapped key has 16, 24, 32, … bytes")
        let cipher = CipherContext(wrapping: true)
        check(EVP_EncryptInit_ex(cipher.pointer, EVP_aes_256_wrap(), nil, wrapping, nil))
        return [UInt8](unsafeUninitializedCapacity: key.count + 8) { output, written in
            var count: Int32 = 0
            check(
                EVP_EncryptUpdate(
                    cipher.pointer, output.baseAddress, &count, key, Int32(key.count)))
            written = Int(count)
        }
    }

    /// The key inside, or nil when it was wrapped with another one or changed since.
    package static func unwrap(_ wrapped: [UInt8], with wrapping: [UInt8]) -> [UInt8]? {
        precondition(wrapping.count == 32, "a wrapping key has 32 bytes")
        guard wrapped.count >= 24, wrapped.count % 8 == 0 else { return nil }
        let cipher = CipherContext(wrapping: true)
        check(EVP_DecryptInit_ex(cipher.pointer, EVP_aes_256_wrap(), nil, wrapping, nil))
        var isGenuine = false
        let key = [UInt8](unsafeUninitializedCapacity: wrapped.count) { output, written in
            var count: Int32 = 0
            isGenuine =
                EVP_DecryptUpdate(
                    cipher.pointer, output.baseAddress, &count, wrapped, Int32(wrapped.count)) == 1
            written = isGenuine ? Int(count) : 0
        }
        return isGenuine ? key : nil
    }
}

/// Bytes nobody can guess, for keys and nonces. Never for anything that a seed should repeat.
package func unguessableBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { output, written in
        guard count > 0 else { return }
        check(RAND_bytes(output.baseAddress, Int32(count)))
        written = count
    }
}

private struct CipherContext: ~Copyable {
    let pointer: OpaquePointer

    init(wrapping: Bool = false) {
        guard let pointer = EVP_CIPHER_CTX_new() else {
            preconditionFailure("no memory for a cipher")
        }
        self.pointer = pointer
        // OpenSSL 1.1 asks to be told that a wrap cipher is meant; version 3 does not mind.
        if wrapping { EVP_CIPHER_CTX_set_flags(pointer, Int32(EVP_CIPHER_CTX_FLAG_WRAP_ALLOW)) }
    }

    deinit { EVP_CIPHER_CTX_free(pointer) }
}

/// What fails here fails for want of memory, or because the arguments are wrong, which were checked.
private func check(_ result: Int32, _ caller: StaticString = #function) {
    precondition(result == 1, "OpenSSL refused in \(caller)")
}
