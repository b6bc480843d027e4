import Testing
import UproarRuntime

@testable import UproarTransports

@Suite struct TwilioSignatureTests {
    @Test func aFormIsSignedSortedByName() {
        let form = [
            HTTPField("To", "+18005551212"), HTTPField("CallSid", "CA1234567890ABCDE"),
            HTTPField("Digits", "1234"), HTTPField("From", "+12349013030"),
            HTTPField("Caller", "+12349013030"),
        ]
        let url = "https://agent.example.test/voice?foo=1&bar=2"
        #expect(
            TwilioSignature.sign(url: url, form: form, token: "12345")
                == "dirAVrueir805rGo7UsJdtD99vg=")
        // A repeated parameter with the same value counts once.
        #expect(
            TwilioSignature.sign(url: url, form: form + [form[0]], token: "12345")
                == "dirAVrueir805rGo7UsJdtD99vg=")
    }

    @Test func aStreamIsSignedByItsAddressAlone() {
        #expect(
            TwilioSignature.sign(url: "wss://agent.example.test/ws", token: "12345")
                == "vz1TlVe1aazGUPTTWUrqvLnGSTU=")
    }
}
