import COpenSSL
import Glibc
import UproarRuntime

/// Settings shared by sessions: who is trusted, or who we are. OpenSSL's `SSL_CTX`.
final class TLSContext {
    fileprivate let context: OpaquePointer
    let verifies: Bool

    deinit { SSL_CTX_free(context) }

    /// For dialling. Trusts the system's authorities and those of `authorityFile`.
    init(verifies: Bool, authorityFile: String?) throws(TLSError) {
        self.verifies = verifies
        context = Self.make(TLS_client_method())
        SSL_CTX_set_verify(context, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        SSL_CTX_set_default_verify_paths(context)
        if let authorityFile {
            guard SSL_CTX_load_verify_locations(context, authorityFile, nil) == 1 else {
                throw TLSError("authority file \(authorityFile): \(TLSError.takeWords())")
            }
        }
        ERR_clear_error()
    }

    /// For serving. Of the protocols that a client offers, HTTP/1.1 is chosen; one that offers only others is refused.
    init(_ identity: TLSServerOptions.Identity) throws(TLSError) {
        verifies = false
        context = Self.make(TLS_server_method())
        SSL_CTX_set_alpn_select_cb(context, TLSProtocols.choose, nil)
        switch identity {
        case .files(let certificate, let key):
            guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
                throw TLSError("certificate \(certificate): \(TLSError.takeWords())")
            }
            guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1,
                SSL_CTX_check_private_key(context) == 1
            else { throw TLSError("key \(key): \(TLSError.takeWords())") }
        case .texts(let certificate, let key): try use(certificate, key)
        }
    }

    /// The first certificate is ours, those behind it lead to an authority.
    private func use(_ certificate: [UInt8], _ key: [UInt8]) throws(TLSError) {
        let chain = BIO_new_mem_buf(certificate, Int32(certificate.count))
        let secret = BIO_new_mem_buf(key, Int32(key.count))
        defer {
            BIO_free(chain)
            BIO_free(secret)
        }
        let own = PEM_read_bio_X509(chain, nil, nil, nil)
        defer { X509_free(own) }
        guard let own, SSL_CTX_use_certificate(context, own) == 1 else {
            throw TLSError("certificate: \(TLSError.takeWords())")
        }
        while let next = PEM_read_bio_X509(chain, nil, nil, nil) {
            // The macro SSL_CTX_add1_chain_cert; it counts a reference of its own.
            SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(next))
            X509_free(next)
        }
        // Its last answer was "no more", which is no error.
        ERR_clear_error()
        let loaded = PEM_read_bio_PrivateKey(secret, nil, nil, nil)
        defer { EVP_PKEY_free(loaded) }
        guard SSL_CTX_use_PrivateKey(context, loaded) == 1,
            SSL_CTX_check_private_key(context) == 1
        else { throw TLSError("key: \(TLSError.takeWords())") }
    }

    private static func make(_ method: OpaquePointer?) -> OpaquePointer {
        ERR_clear_error()
        guard let context = SSL_CTX_new(method) else {
            preconditionFailure("no TLS context: \(TLSError.takeWords())")
        }
        // The macros SSL_CTX_set_min_proto_version and SSL_CTX_set_mode are not imported. Idle sessions give back
        // their buffers: a thousand calls would hold 34 MB of them.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
        return context
    }
}

/// One end of one TLS connection without a socket: ciphertext and plaintext in, plaintext and ciphertext out.
///
/// OpenSSL's `SSL` between two memory BIOs.
struct TLSSession: ~Copyable {
    enum Progress: Equatable {
        case done
        case needsMore
        /// The peer's close_notify: it will send no more.
        case ended
        case failed(TLSError)
    }

    private let session: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let verifies: Bool

    /// A client that asks for `serverName` and, unless the context trusts everybody, insists on it.
    init(_ context: TLSContext, serverName: String) {
        self.init(context)
        var address = in6_addr()
        let isAddress =
            inet_pton(AF_INET, serverName, &address) == 1
            || inet_pton(AF_INET6, serverName, &address) == 1
        if isAddress {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), serverName)
        } else {
            SSL_set1_host(session, serverName)
            // The macro SSL_set_tlsext_host_name. Addresses are not allowed as names (RFC 6066 §3).
            var name = Array(serverName.utf8CString)
            SSL_ctrl(
                session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &name)
        }
        SSL_set_connect_state(session)
    }

    /// A server.
    init(serving context: TLSContext) {
        self.init(context)
        SSL_set_accept_state(session)
    }

    private init(_ context: TLSContext) {
        guard let session = SSL_new(context.context), let input = BIO_new(BIO_s_mem()),
            let output = BIO_new(BIO_s_mem())
        else { preconditionFailure("no TLS session: \(TLSError.takeWords())") }
        SSL_set_bio(session, input, output)
        self.session = session
        self.input = input
        self.output = output
        verifies = context.verifies
    }

    deinit { SSL_free(session) }

    /// Takes ciphertext from the peer; `handshake` or `read` make use of it.
    mutating func receive(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let taken = BIO_write(input, piece.baseAddress, Int32(clamping: piece.count))
                precondition(taken > 0, "a memory BIO takes all it is given")
                rest = rest.dropFirst(Int(taken))
            }
        }
    }

    mutating func handshake() -> Progress {
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        return result == 1 ? .done : progress(result)
    }

    /// Fills `buffer` from its start; how many bytes, and why not more: `.done` when it is full.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> (Int, Progress) {
        var count = 0
        while count < buffer.count {
            ERR_clear_error()
            let result = SSL_read(
                session, buffer.baseAddress! + count, Int32(clamping: buffer.count - count))
            guard result > 0 else { return (count, progress(result)) }
            count += Int(result)
        }
        return (count, .done)
    }

    /// Encrypts all of `bytes`.
    mutating func write(_ bytes: RawSpan) -> Progress {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                ERR_clear_error()
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let result = SSL_write(session, piece.baseAddress, Int32(clamping: piece.count))
                guard result > 0 else { return progress(result) }
                rest = rest.dropFirst(Int(result))
            }
            return .done
        }
    }

    /// Says close_notify.
    mutating func closeWriting() {
        ERR_clear_error()
        SSL_shutdown(session)
    }

    /// Ciphertext for the peer; 0 when there is none.
    mutating func takeOutput(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        max(0, Int(BIO_read(output, buffer.baseAddress, Int32(clamping: buffer.count))))
    }

    private func progress(_ result: Int32) -> Progress {
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .needsMore
        case SSL_ERROR_ZERO_RETURN: .ended
        default: .failed(error)
        }
    }

    /// What went wrong; the certificate check's own words where it was that.
    private var error: TLSError {
        let check = SSL_get_verify_result(session)
        let general = TLSError.takeWords()
        guard verifies, check != Int(X509_V_OK),
            let reason = X509_verify_cert_error_string(check)
        else { return TLSError(general) }
        return TLSError("certificate: \(String(cString: reason))", isUntrusted: true)
    }
}

/// The protocols inside TLS (ALPN, RFC 7301).
private enum TLSProtocols {
    /// As `SSL_CTX_set_alpn_select_cb` wants it: offers are names with their length before each.
    static let choose:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
            UnsafeMutablePointer<UInt8>?, UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, chosen, count, offers, total, _ in
            guard let offers else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            let wanted: StaticString = "http/1.1"
            var place = 0
            while place < Int(total) {
                let length = Int(offers[place])
                guard place + 1 + length <= Int(total) else { break }
                if length == wanted.utf8CodeUnitCount,
                    memcmp(offers + place + 1, wanted.utf8Start, length) == 0
                {
                    chosen?.pointee = offers + place + 1
                    count?.pointee = UInt8(length)
                    return SSL_TLSEXT_ERR_OK
                }
                place += 1 + length
            }
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
}

/// In OpenSSL's words.
struct TLSError: Error, Equatable {
    var words: String
    /// The peer's certificate did not pass the check.
    var isUntrusted: Bool

    init(_ words: String, isUntrusted: Bool = false) {
        self.words = words
        self.isUntrusted = isUntrusted
    }

    var reason: CloseReason { isUntrusted ? .untrusted(words) : .tls(words) }

    /// The oldest error of this thread's queue, which is emptied.
    static func takeWords() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0, let reason = ERR_reason_error_string(code) else {
            return code == 0 ? "no reason given" : "error \(code)"
        }
        return String(cString: reason)
    }
}
