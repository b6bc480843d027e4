import Testing
import UproarRuntime

@testable import UproarHarness

@Suite struct RefusalTextTests {
    @Test func whoseCertificateIsRefusedIsToldHowToTrustIt() {
        let text = RefusalText.of(.untrusted("TLS failed: certificate: it has expired"))
        #expect(text.hasPrefix("TLS failed: certificate: it has expired; "))
        #expect(text.contains("SSL_CERT_FILE"))
        #expect(text.contains("--insecure"))
    }

    /// What counts is what happened, not the words for it.
    @Test func otherFailuresThatSpeakOfCertificatesAreNotToldSo() {
        let words = "TLS failed: the client's certificate is missing"
        #expect(RefusalText.of(.unreachable(words)) == words)
    }
}
