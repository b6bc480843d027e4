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

    @Test func aWebhookIsNamedWithWhatItSaid() {
        let due = "; TwiML with <Connect><Stream url=\"wss://…\"/></Connect> is due"
        func text(_ status: Int?, _ words: String = "") -> String {
            RefusalText.of(
                .unhooked(WebhookProblem(url: "http://h/v", status: status, words: words)))
        }
        #expect(
            text(404, "Not Found") == "the webhook http://h/v answered HTTP 404 (\"Not Found\")"
                + due)
        #expect(text(500) == "the webhook http://h/v answered HTTP 500" + due)
        #expect(text(nil) == "the webhook http://h/v never answered" + due)
    }

    /// What counts is what happened, not the words for it.
    @Test func otherFailuresThatSpeakOfCertificatesAreNotToldSo() {
        let words = "TLS failed: the client's certificate is missing"
        #expect(RefusalText.of(.unreachable(words)) == words)
    }
}
