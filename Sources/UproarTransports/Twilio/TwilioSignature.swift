import UproarCore
import UproarCrypto
import UproarRuntime

/// The `X-Twilio-Signature` header (Twilio, "Webhooks security"; `twilio` 9.13.0, `request_validator.py`).
///
/// It is base64 of HMAC-SHA1, under the account's token, of the address as it was requested, followed for form posts by each
/// parameter's name and value, sorted by name; of repeated names the different values, sorted.
package enum TwilioSignature {
    package static let header = "X-Twilio-Signature"

    package static func sign(url: String, form: [HTTPField] = [], token: String) -> String {
        var text = Array(url.utf8)
        let sorted = form.sorted {
            ($0.name, $0.value) < ($1.name, $1.value)
        }
        for (index, field) in sorted.enumerated() where index == 0 || sorted[index - 1] != field {
            text.append(contentsOf: field.name.utf8)
            text.append(contentsOf: field.value.utf8)
        }
        return Base64.encode(Digest.sha1.authenticate(text, key: Array(token.utf8)))
    }
}
