import Testing
import UproarCore
import UproarPosix
import UproarRuntime

/// HTTPS over libcurl against a server of our own over OpenSSL: who is trusted, and what comes through.
@Suite struct CurlHTTPSTests {
    private let world = TestWorld(.posix)

    /// Asks a server with the tests' certificate (or another file) for `/`, with a body that takes several TLS records.
    private func ask(
        scheme: String = "https", host: String = "127.0.0.1", serving file: String? = nil,
        sending body: [UInt8] = [], _ change: (inout CurlHTTPClient.Options) -> Void = { _ in }
    ) throws -> (log: ExchangeLog, received: [UInt8]?) {
        let authority = TestAuthority.shared
        let server = try ScriptedHTTPServer(
            world,
            tls: TLSServerOptions(
                certificateFile: file ?? authority.certificateFile, keyFile: authority.keyFile)
        ) { request in
            [
                .send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n"),
                .sendBytes(request.body.reversed()),
            ]
        }
        defer { server.listener.close() }
        var options = CurlHTTPClient.Options()
        options.authorityFile = authority.authorityFile
        change(&options)
        let client = CurlHTTPClient(
            loop: world.loop, driver: try #require(world.loop.driver as? PosixDriver),
            options: options)
        let log = ExchangeLog()
        let exchange = client.send(
            HTTPRequest(
                method: "POST", url: server.url(scheme: scheme, host: host), body: body),
            handler: log)
        world.run { log.end != nil }
        withExtendedLifetime(exchange) {}
        return (log, server.requests.first?.body)
    }

    private func words(_ log: ExchangeLog) -> String? {
        if case .failed(.untrusted(let words)) = log.end { words } else { nil }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func bodiesGoThroughBothWaysWhenTheAuthorityIsTrusted(host: String) throws {
        let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let (log, received) = try ask(host: host, sending: body)
        #expect(log.end == .finished)
        #expect(log.status == 200)
        #expect(received == body)
        #expect(log.body == body.reversed())
    }

    @Test func anAuthorityOfTheirOwnIsNotTrustedUntilTold() throws {
        let (log, received) = try ask { $0.authorityFile = nil }
        #expect(words(log)?.lowercased().contains("certificate") == true)
        #expect(received == nil)
    }

    @Test func anExpiredCertificateIsRefused() throws {
        let (log, received) = try ask(serving: TestAuthority.shared.expiredFile)
        #expect(words(log)?.lowercased().contains("expired") == true)
        #expect(received == nil)
    }

    @Test func withoutVerificationAnyCertificateWillDo() throws {
        let (log, _) = try ask(serving: TestAuthority.shared.expiredFile) {
            $0.verifies = false
            $0.authorityFile = nil
        }
        #expect(log.status == 200)
    }

    @Test func aServerThatSpeaksTLSIsNotHeardInTheClear() throws {
        let (log, received) = try ask(scheme: "http")
        #expect(log.status == nil)
        #expect(received == nil)
        if case .failed = log.end {
        } else {
            Issue.record("ended with \(String(describing: log.end))")
        }
    }
}
