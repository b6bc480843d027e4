import Testing
import UproarCore

@testable import UproarCrypto

@Suite struct DigestTests {
    /// RFC 1321 §A.5, FIPS 180-4 examples.
    @Test(arguments: [
        (Digest.md5, "", "d41d8cd98f00b204e9800998ecf8427e"),
        (.md5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (.sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func hashesThePublishedVectors(digest: Digest, text: String, expected: String) {
        #expect(Hex.encode(digest.hash(text)) == expected)
    }

    @Test(arguments: [Digest.md5, .sha1, .sha256])
    func piecesHashLikeTheWhole(digest: Digest) {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for step in [1, 63, 64, 65, 999] {
            var running = RunningDigest(digest)
            for start in stride(from: 0, to: bytes.count, by: step) {
                running.update(
                    bytes.span.bytes.extracting(start..<min(bytes.count, start + step)))
            }
            #expect(running.finish() == digest.hash(bytes))
        }
    }

    /// RFC 2202 §3 cases 1, 2 and 6; RFC 4231 §4.2, §4.3 and §4.7.
    @Test(arguments: [
        (
            Digest.sha1, [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b617318655057264e28bc0b6fb378c8ef146be00"
        ),
        (
            .sha1, Array("Jefe".utf8), "what do ya want for nothing?",
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        ),
        (
            .sha1, [UInt8](repeating: 0xaa, count: 80),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        ),
        (
            .sha256, [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            .sha256, Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            .sha256, [UInt8](repeating: 0xaa, count: 131),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (.sha1, [], "", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"),
    ])
    func authenticatesThePublishedVectors(
        digest: Digest, key: [UInt8], message: String, expected: String
    ) {
        #expect(Hex.encode(digest.authenticate(message, key: key)) == expected)
    }

    @Test func comparesWholeBytes() {
        #expect(equalInConstantTime([1, 2, 3], [1, 2, 3]))
        #expect(!equalInConstantTime([1, 2, 3], [1, 2, 4]))
        #expect(!equalInConstantTime([1, 2], [1, 2, 3]))
        #expect(equalInConstantTime([], []))
    }
}
