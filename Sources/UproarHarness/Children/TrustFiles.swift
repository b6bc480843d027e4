import Glibc
import UproarCore
import UproarCrypto
import UproarPosix
import UproarRuntime

/// Where the certificate of a run's own authority lies, and what makes clients trust it.
///
/// Only certificates are in these files: the keys live in the process of the emulators and end with it.
package struct TrustFiles: Hashable, Sendable {
    package var folder: String

    package init(folder: String) { self.folder = folder }

    /// Our authority alone, for variables that add to what a client trusts.
    package var certificate: String { folder + "/ca.pem" }
    /// The authorities trusted before and ours behind them, for variables that replace: other hosts keep working.
    package var bundle: String { folder + "/ca-bundle.pem" }

    /// What each library reads (its own documentation).
    package var environment: [EnvironmentEntry] {
        [
            // OpenSSL's default file: Python's ssl, aiohttp, websockets, httpx; also Go and Rust's native roots.
            .init("SSL_CERT_FILE", bundle),
            // requests, and what is built on it.
            .init("REQUESTS_CA_BUNDLE", bundle),
            .init("CURL_CA_BUNDLE", bundle),
            .init("AWS_CA_BUNDLE", bundle),
            // Python's websocket-client.
            .init("WEBSOCKET_CLIENT_CA_BUNDLE", bundle),
            .init("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", bundle),
            // Node and Deno add to their own lists.
            .init("NODE_EXTRA_CA_CERTS", certificate),
            .init("DENO_CERT", certificate),
        ]
    }

    /// The first that is there is what the system trusts: Debian, Fedora, Alpine and the BSDs, SUSE.
    static let systemBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem",
    ]

    /// What is trusted on this machine, or by whoever set `SSL_CERT_FILE`; empty where nothing is installed.
    ///
    /// - except: a file of ours from before, which would grow with each start.
    static func trustedBefore(
        except ours: String,
        own: String? = getenv("SSL_CERT_FILE").map { String(cString: $0) }
    ) -> [UInt8] {
        for path in [own].compactMap({ $0 }) + systemBundles where path != ours {
            if let bytes = try? TextFile.read(path), !bytes.isEmpty { return bytes }
        }
        return []
    }

    package func write(authority: [UInt8]) throws(Errno) {
        try AtomicFile.makeFolder(folder)
        try AtomicFile.write(authority, to: certificate)
        var all = Self.trustedBefore(except: bundle)
        if let last = all.last, last != 0x0a { all.append(0x0a) }
        try AtomicFile.write(all + authority, to: bundle)
    }
}

/// That the emulators of a process speak TLS, too; for which names, and where the certificate to trust goes.
package struct SecureListening: Hashable, Sendable {
    package var trust: TrustFiles
    /// Beyond loopback and the vendors' own.
    package var hosts: [String]
    /// Where a provider listens a second time, on port 443, in TLS alone.
    package var addresses: [Address] = []

    package struct Address: Hashable, Sendable {
        package var provider: ProviderID
        package var host: String
    }

    package init(trust: TrustFiles, hosts: [String] = []) {
        self.trust = trust
        self.hosts = hosts
    }

    /// Makes an authority and a certificate, and leaves the files for clients. Keys stay in memory.
    ///
    /// - now: seconds since 1970.
    package func open(now: Int64) throws(Errno) -> TLSServerOptions {
        let authority = CertificateAuthority(name: "uproar, for one run alone", now: now)
        var names = ["localhost", "127.0.0.1", "::1"]
        for name in VendorHosts.all.map(\.name) + hosts where !names.contains(name) {
            names.append(name)
        }
        let identity = authority.issue(for: names)
        try trust.write(authority: authority.certificateText)
        return TLSServerOptions(.texts(certificate: identity.certificate, key: identity.key))
    }

    package var json: JSONValue {
        [
            "folder": .string(trust.folder), "hosts": .array(hosts.map { .string($0) }),
            "addresses": .object(addresses.map { .init($0.provider.name, .string($0.host)) }),
        ]
    }

    package init?(json: JSONValue) {
        guard let folder = json["folder"]?.text, let hosts = json["hosts"]?.texts else {
            return nil
        }
        self.init(trust: TrustFiles(folder: folder), hosts: hosts)
        addresses = (json["addresses"]?.members ?? []).compactMap { member in
            guard let provider = ProviderID(name: member.key), let host = member.value.text else {
                return nil
            }
            return Address(provider: provider, host: host)
        }
    }
}
