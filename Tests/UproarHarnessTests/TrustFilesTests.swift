import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

@testable import UproarHarness

@Suite struct TrustFilesTests {
    private func folder() throws -> String {
        var template = Array("/tmp/uproar-trust-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func certificatesAreWrittenAndNoKeyIs() throws {
        let trust = TrustFiles(folder: try folder() + "/children")
        let options = try SecureListening(trust: trust).open(now: Int64(time(nil)))
        guard case .texts(_, let key) = options.identity else {
            Issue.record("the key came from a file")
            return
        }
        #expect(String(decoding: key, as: UTF8.self).contains("PRIVATE KEY"))
        let own = try TextFile.read(trust.certificate)
        let all = try TextFile.read(trust.bundle)
        let before = TrustFiles.trustedBefore(except: trust.bundle)
        #expect(!before.isEmpty && all.starts(with: before) && all.suffix(own.count) == own[...])
        for bytes in [own, all] {
            #expect(!String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY"))
        }
    }

    @Test func anEarlierBundleOfOursIsNotTakenForTheSystems() throws {
        let trust = TrustFiles(folder: try folder())
        try trust.write(authority: Array("ours\n".utf8))
        let before = TrustFiles.trustedBefore(except: trust.bundle, own: trust.bundle)
        #expect(!String(decoding: before, as: UTF8.self).contains("ours"))
    }

    @Test func whatTheEmulatorsAreToldArrives() throws {
        let secure = SecureListening(trust: TrustFiles(folder: "/x"), hosts: ["10.0.0.1"])
        #expect(SecureListening(json: secure.json) == secure)
        #expect(SecureListening(json: .null) == nil)
    }

    @Test func everyVendorNameHasAnEmulatorAndStandsOnce() {
        let names = VendorHosts.all.map(\.name)
        #expect(Set(names).count == names.count)
        for entry in VendorHosts.all { #expect(ProviderCatalog[entry.provider] != nil) }
    }

    /// OpenSSL's own, strict judgement of the chain: what Python 3.13 and others ask for.
    @Test func theChainHoldsToTheLetter() throws {
        let place = try folder()
        let trust = TrustFiles(folder: place)
        let options = try SecureListening(trust: trust, hosts: ["my-bucket.s3.amazonaws.com"])
            .open(now: Int64(time(nil)))
        guard case .texts(let certificate, _) = options.identity else { return }
        try AtomicFile.write(certificate, to: place + "/leaf.pem")
        for name in ["api.openai.com", "streaming.assemblyai.com", "my-bucket.s3.amazonaws.com"] {
            let check =
                "openssl verify -x509_strict -purpose sslserver -verify_hostname \(name) "
                + "-CAfile \(trust.certificate) \(place)/leaf.pem >/dev/null 2>&1"
            #expect(system(check) == 0, "\(name)")
        }
        let other =
            "openssl verify -x509_strict -verify_hostname example.com "
            + "-CAfile \(trust.certificate) \(place)/leaf.pem >/dev/null 2>&1"
        #expect(system(other) != 0)
    }
}
