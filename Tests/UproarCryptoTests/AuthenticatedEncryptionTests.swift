import Testing
import UproarCore

@testable import UproarCrypto

@Suite struct AuthenticatedEncryptionTests {
    func bytes(_ hex: String) -> [UInt8] { Hex.decode(hex)! }

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16.
    @Test(arguments: [
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000", "00000000000000000000000000000000", "",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ])
    func sealsThePublishedVectors(
        key: String, nonce: String, plaintext: String, context: String, sealed: String
    ) {
        let plaintext = bytes(plaintext)
        let result = AuthenticatedEncryption.seal(
            plaintext.span.bytes, key: bytes(key), nonce: bytes(nonce), context: bytes(context))
        #expect(Hex.encode(result) == sealed)
        #expect(
            AuthenticatedEncryption.open(
                result.span.bytes, key: bytes(key), nonce: bytes(nonce), context: bytes(context))
                == plaintext)
    }

    @Test func opensNothingThatWasChanged() {
        let key = unguessableBytes(32)
        let nonce = unguessableBytes(12)
        let sealed = AuthenticatedEncryption.seal(
            Array("a recording".utf8).span.bytes, key: key, nonce: nonce, context: [1])
        func open(_ bytes: [UInt8], context: [UInt8] = [1]) -> [UInt8]? {
            AuthenticatedEncryption.open(
                bytes.span.bytes, key: key, nonce: nonce, context: context)
        }
        #expect(open(sealed) == Array("a recording".utf8))
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(open(changed) == nil)
            #expect(open(Array(sealed[..<index])) == nil)
        }
        #expect(open(sealed, context: [2]) == nil)
    }

    /// RFC 3394 §4.6.
    @Test func wrapsTheKeyOfTheRFC() {
        let wrapping = bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        let key = bytes("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
        let wrapped = KeyWrap.wrap(key, with: wrapping)
        #expect(
            Hex.encode(wrapped)
                == "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
        )
        #expect(KeyWrap.unwrap(wrapped, with: wrapping) == key)
        var changed = wrapped
        changed[9] ^= 1
        #expect(KeyWrap.unwrap(changed, with: wrapping) == nil)
        #expect(KeyWrap.unwrap(wrapped, with: key) == nil)
        #expect(KeyWrap.unwrap([1, 2, 3], with: wrapping) == nil)
    }

    @Test func drawsNothingTwice() {
        #expect(unguessableBytes(0).isEmpty)
        #expect(unguessableBytes(16) != unguessableBytes(16))
    }
}
