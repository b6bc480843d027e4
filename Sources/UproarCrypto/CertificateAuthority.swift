import COpenSSL
import UproarCore

/// An authority of one process's own (X.509 v3, RFC 5280): its key is made here, signs what is asked for, and goes with it.
/// Nothing of it can be written down but the certificate.
///
/// Keys are of the curve P-256 and come from OpenSSL's generator, whatever a run's seed is: they are secrets.
package final class CertificateAuthority {
    /// A certificate with its key, as PEM text.
    package struct Identity: Hashable, Sendable {
        package var certificate: [UInt8]
        package var key: [UInt8]
    }

    private let key: OpaquePointer
    private let certificate: OpaquePointer
    private let now: Int64

    /// Within what some clients allow (398 days), and long enough for emulators that stay up.
    private static let validDays: Int64 = 397
    /// Clocks of containers differ.
    private static let slackSeconds: Int64 = 86_400

    /// - name: the common name, at most 64 letters.
    /// - now: seconds since 1970.
    package init(name: String, now: Int64) {
        self.now = now
        key = Self.makeKey()
        certificate = Self.blank(name: name, key: key, now: now)
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate))
        Self.extend(
            certificate, issuer: certificate,
            [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ])
        Self.check(X509_sign(certificate, key, EVP_sha256()) > 0)
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    /// What clients have to trust, as PEM text.
    package var certificateText: [UInt8] {
        Self.text { PEM_write_bio_X509($0, certificate) }
    }

    /// A server's certificate for these hosts, with a key of its own. Addresses (`127.0.0.1`, `::1`) become names of that kind.
    package func issue(for hosts: [String]) -> Identity {
        precondition(!hosts.isEmpty, "a server's certificate names a host")
        let own = Self.makeKey()
        defer { EVP_PKEY_free(own) }
        let leaf = Self.blank(name: "uproar emulated providers", key: own, now: now)
        defer { X509_free(leaf) }
        X509_set_issuer_name(leaf, X509_get_subject_name(certificate))
        let names = hosts.map { Self.isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }
        Self.extend(
            leaf, issuer: certificate,
            [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth"),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
                (NID_subject_alt_name, names.joined(separator: ",")),
            ])
        Self.check(X509_sign(leaf, key, EVP_sha256()) > 0)
        return Identity(
            certificate: Self.text { PEM_write_bio_X509($0, leaf) },
            key: Self.text { PEM_write_bio_PrivateKey($0, own, nil, nil, 0, nil, nil) })
    }

    // MARK: Parts

    private static func makeKey() -> OpaquePointer {
        let maker = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
        defer { EVP_PKEY_CTX_free(maker) }
        var key: OpaquePointer?
        check(EVP_PKEY_keygen_init(maker) == 1)
        check(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker, NID_X9_62_prime256v1) == 1)
        check(EVP_PKEY_keygen(maker, &key) == 1)
        guard let key else { preconditionFailure("OpenSSL made no key") }
        return key
    }

    /// Version 3, a serial number of 127 random bits (RFC 5280 §4.1.2.2), and no issuer yet.
    private static func blank(name: String, key: OpaquePointer, now: Int64) -> OpaquePointer {
        guard let made = X509_new() else { preconditionFailure("OpenSSL made no certificate") }
        check(X509_set_version(made, 2) == 1)
        var serial = [UInt8](repeating: 0, count: 16)
        check(RAND_bytes(&serial, Int32(serial.count)) == 1)
        serial[0] = serial[0] & 0x7f | 0x40
        let number = BN_bin2bn(serial, Int32(serial.count), nil)
        defer { BN_free(number) }
        check(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made)) != nil)
        check(ASN1_TIME_set(X509_getm_notBefore(made), Int(now - slackSeconds)) != nil)
        check(
            ASN1_TIME_set(X509_getm_notAfter(made), Int(now + (validDays - 1) * 86_400)) != nil)
        let letters = Array(name.utf8.prefix(64))
        // MBSTRING_UTF8, a macro of two others that is not imported.
        check(
            X509_NAME_add_entry_by_txt(
                X509_get_subject_name(made), "CN", 0x1000, letters, Int32(letters.count), -1, 0)
                == 1)
        check(X509_set_pubkey(made, key) == 1)
        return made
    }

    private static func extend(
        _ certificate: OpaquePointer, issuer: OpaquePointer, _ extensions: [(Int32, String)]
    ) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
        for (kind, value) in extensions {
            let made = X509V3_EXT_conf_nid(nil, &context, kind, value)
            check(made != nil && X509_add_ext(certificate, made, -1) == 1)
            X509_EXTENSION_free(made)
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        let octets = a2i_IPADDRESS(host)
        defer { ASN1_OCTET_STRING_free(octets) }
        ERR_clear_error()
        return octets != nil
    }

    private static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let memory = BIO_new(BIO_s_mem()) else { preconditionFailure("no memory BIO") }
        defer { BIO_free(memory) }
        check(write(memory) == 1)
        let count = Int(BIO_ctrl_pending(memory))
        return [UInt8](unsafeUninitializedCapacity: count) { output, written in
            written = max(0, Int(BIO_read(memory, output.baseAddress, Int32(count))))
        }
    }

    private static func check(_ isDone: Bool) {
        precondition(isDone, "OpenSSL refused to make a certificate")
    }
}
