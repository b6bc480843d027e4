import Glibc
import Testing
import UproarCore
import UproarCrypto
import UproarPosix
import UproarRuntime
import UproarSimulation

/// Who is trusted, and how TLS fails. How its streams behave is in `NetworkContractTests`.
@Suite struct TLSTests {
    private static let kinds: [WorldKind] = [.simulatedTLS, .posixTLS]

    /// Dials a listener that has the tests' certificate and waits for the end of the handshake.
    private func dial(
        _ kind: WorldKind, _ change: (inout TLSClientOptions) -> Void, serving file: String? = nil
    ) throws -> (client: StreamLog, server: StreamLog?) {
        let world = TestWorld(kind)
        let acceptor = Acceptor()
        var listen = ListenOptions()
        let authority = TestAuthority.shared
        listen.tls = TLSServerOptions(
            certificateFile: file ?? authority.certificateFile, keyFile: authority.keyFile)
        let listener = try world.network.listen(
            on: .loopback(0), options: listen, handler: acceptor)
        defer { listener.close() }
        var options = ConnectOptions()
        var wanted = TLSClientOptions(serverName: "agent.test")
        wanted.authorityFile = authority.authorityFile
        change(&wanted)
        options.tls = wanted
        let client = StreamLog()
        client.stream = world.network.connect(
            to: listener.endpoint, options: options, handler: client)
        world.run { client.isOpen || client.isClosed }
        if client.isOpen {
            client.send("secret")
            world.run { acceptor.logs.first?.text == "secret" }
        } else if let server = acceptor.logs.first {
            world.run { server.isClosed }
        }
        return (client, acceptor.logs.first)
    }

    private func words(_ reason: CloseReason?) -> String? {
        if case .tls(let words) = reason { words } else { nil }
    }

    /// Why a certificate was refused.
    private func check(_ reason: CloseReason?) -> String? {
        if case .untrusted(let words) = reason { words } else { nil }
    }

    @Test(arguments: kinds, ["agent.test", "localhost", "127.0.0.1"])
    func aCertificateForTheNameAskedForIsAccepted(kind: WorldKind, name: String) throws {
        let (client, server) = try dial(kind) { $0.serverName = name }
        #expect(client.isOpen)
        #expect(server?.text == "secret")
    }

    @Test(arguments: kinds, ["other.test", "127.0.0.2", "test"])
    func aCertificateForAnotherNameIsRefused(kind: WorldKind, name: String) throws {
        let (client, server) = try dial(kind) { $0.serverName = name }
        #expect(!client.isOpen)
        #expect(check(client.reason)?.hasPrefix("certificate: ") == true)
        #expect(check(client.reason)?.contains("mismatch") == true)
        #expect(words(server?.reason) != nil)
    }

    @Test(arguments: kinds)
    func anUnknownAuthorityIsRefused(kind: WorldKind) throws {
        let (client, _) = try dial(kind) { $0.authorityFile = nil }
        #expect(!client.isOpen)
        #expect(check(client.reason)?.hasPrefix("certificate: ") == true)
    }

    @Test(arguments: kinds)
    func anExpiredCertificateIsRefused(kind: WorldKind) throws {
        let (client, _) = try dial(kind, { _ in }, serving: TestAuthority.shared.expiredFile)
        #expect(check(client.reason) == "certificate: certificate has expired")
    }

    @Test(arguments: kinds)
    func withoutVerificationAnyCertificateWillDo(kind: WorldKind) throws {
        let (client, _) = try dial(
            kind,
            {
                $0.verifies = false
                $0.serverName = "other.test"
                $0.authorityFile = nil
            }, serving: TestAuthority.shared.expiredFile)
        #expect(client.isOpen)
    }

    @Test(arguments: kinds)
    func aMissingAuthorityFileIsSaidInTheNextTurn(kind: WorldKind) throws {
        let (client, _) = try dial(kind) { $0.authorityFile = "/no/such/file.pem" }
        #expect(words(client.reason)?.contains("/no/such/file.pem") == true)
    }

    @Test(arguments: kinds)
    func filesThatAreNoCertificateAreRefusedWhenListening(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let authority = TestAuthority.shared
        for (certificate, key) in [
            ("/no/such.pem", authority.keyFile), (authority.certificateFile, "/no/such.key"),
            (authority.keyFile, authority.keyFile),
            (authority.certificateFile, authority.folder + "/authority.key"),
        ] {
            var options = ListenOptions()
            options.tls = TLSServerOptions(certificateFile: certificate, keyFile: key)
            #expect(throws: NetworkError.self) {
                try world.network.listen(on: .loopback(0), options: options, handler: Acceptor())
            }
        }
    }

    @Test func aPeerThatSpeaksNoTLSIsNamedAsSuch() throws {
        let world = TestWorld(.posix)
        let acceptor = Acceptor()
        acceptor.onAccepted = { $0.send("HTTP/1.1 400 Bad Request\r\n\r\n") }
        let listener = try world.network.listen(
            on: .loopback(0), options: ListenOptions(), handler: acceptor)
        let client = StreamLog()
        var options = ConnectOptions()
        options.tls = TLSClientOptions(serverName: "localhost")
        client.stream = world.network.connect(
            to: listener.endpoint, options: options, handler: client)
        world.run { client.isClosed }
        #expect(client.events.count == 1)
        #expect(words(client.reason) == "wrong version number")
        listener.close()
    }

    @Test func aClientThatSpeaksNoTLSIsClosed() throws {
        let world = TestWorld(.posix)
        let authority = TestAuthority.shared
        let acceptor = Acceptor()
        var listen = ListenOptions()
        listen.tls = TLSServerOptions(
            certificateFile: authority.certificateFile, keyFile: authority.keyFile)
        let listener = try world.network.listen(
            on: .loopback(0), options: listen, handler: acceptor)
        let client = StreamLog()
        client.stream = world.network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: client)
        client.send("GET / HTTP/1.1\r\n\r\n")
        world.run { client.isClosed && acceptor.logs.first?.isClosed ?? false }
        #expect(words(acceptor.logs.first?.reason) == "http request")
        listener.close()
    }

    @Test func aPeerThatNeverShakesHandsTimesOut() throws {
        let world = SimulatedWorld()
        let acceptor = Acceptor()
        let listener = try world.network.listen(
            on: .loopback(443), options: ListenOptions(), handler: acceptor)
        let layer = TLSLayer(loop: world.loop)
        var options = ConnectOptions()
        options.timeout = .seconds(3)
        options.tls = TLSClientOptions(serverName: "agent.test")
        let client = StreamLog()
        client.stream = layer.connect(
            over: world.network, to: listener.endpoint, options: options, handler: client)
        world.run()
        #expect(client.events == [.closed(.unreachable(errno: ETIMEDOUT))])
        #expect(world.now == .zero + .seconds(3))
        #expect(acceptor.logs.first?.isClosed == true)
    }

    @Test(arguments: [1, 7, 1000])
    func recordsMayComeInPieces(window: Int) throws {
        let world = SimulatedWorld(seed: Seed(5))
        world.network.window = window
        let network = TLSNetwork(over: world.network, loop: world.loop)
        let acceptor = Acceptor()
        let listener = try network.listen(
            on: .loopback(0), options: ListenOptions(), handler: acceptor)
        let client = StreamLog()
        client.stream = network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: client)
        let payload = [UInt8](repeating: 9, count: 20_000)
        client.send(payload)
        client.stream.closeWriting()
        world.run(for: .seconds(1))
        #expect(acceptor.logs.first?.bytes == payload)
        #expect(acceptor.logs.first?.reason == .ended)
        #expect(client.reason == .ended)
    }

    // MARK: One address for TLS and plain

    /// A listener for both in a simulated world, and the layer to dial it with.
    private func either(_ world: SimulatedWorld) throws -> (
        layer: TLSLayer, listener: any Listener, acceptor: Acceptor
    ) {
        let authority = TestAuthority.shared
        let acceptor = Acceptor()
        let layer = TLSLayer(loop: world.loop)
        var wanted = TLSServerOptions(
            certificateFile: authority.certificateFile, keyFile: authority.keyFile)
        wanted.takesPlain = true
        let listener = try world.network.listen(
            on: .loopback(0), options: ListenOptions(),
            handler: try layer.serving(wanted, ListenOptions(), handler: acceptor))
        return (layer, listener, acceptor)
    }

    private func secure(_ layer: TLSLayer, _ world: SimulatedWorld, _ to: Endpoint) -> StreamLog {
        var options = ConnectOptions()
        options.tls = TLSClientOptions(serverName: "localhost")
        options.tls?.authorityFile = TestAuthority.shared.authorityFile
        let client = StreamLog()
        client.stream = layer.connect(
            over: world.network, to: to, options: options, handler: client)
        return client
    }

    @Test(arguments: [1, 7, 1000])
    func theFirstByteSaysWhatAClientSpeaks(window: Int) throws {
        let world = SimulatedWorld(seed: Seed(5))
        world.network.window = window
        let (layer, listener, acceptor) = try either(world)
        let secret = secure(layer, world, listener.endpoint)
        let plain = StreamLog()
        plain.stream = world.network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: plain)
        acceptor.onAccepted = { log in log.onReceived = { $0.send("got it") } }
        secret.send("GET / in secret")
        plain.send("GET / in plain")
        world.run(for: .seconds(1))
        #expect(Set(acceptor.logs.map(\.text)) == ["GET / in secret", "GET / in plain"])
        #expect(secret.text.hasPrefix("got it") && plain.text.hasPrefix("got it"))
        secret.stream.close()
        plain.stream.close()
        world.run(for: .seconds(1))
        #expect(acceptor.logs.allSatisfy { $0.isClosed })
    }

    @Test func whoStopsInTheHandshakeIsLeftAfterItsTimeAndWhoSaysNothingIsNot() throws {
        let world = SimulatedWorld()
        let (_, listener, acceptor) = try either(world)
        let quiet = StreamLog()
        quiet.stream = world.network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: quiet)
        let stopped = StreamLog()
        stopped.stream = world.network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: stopped)
        // The head of a record of 512 bytes that never come.
        stopped.send([22, 3, 1, 2, 0])
        world.run(for: .seconds(60))
        #expect(stopped.isClosed && !quiet.isClosed)
        #expect(
            acceptor.logs.compactMap { words($0.reason) } == [
                "no handshake within the time allowed"
            ])
    }

    /// Whatever a client says after the first byte of TLS, and wherever it stops, the server comes to an end of it.
    @Test func rubbishAndCutsInTheHandshakeEndInOrder() throws {
        let world = SimulatedWorld(seed: Seed(3))
        let (layer, listener, acceptor) = try either(world)
        var random = RandomStream(state: 9)
        var expected = 0
        for count in [1, 2, 5, 6, 40, 300, 20_000] {
            for isRubbish in [true, false] {
                let client = StreamLog()
                client.stream = world.network.connect(
                    to: listener.endpoint, options: ConnectOptions(), handler: client)
                var bytes: [UInt8] = [22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3]
                while bytes.count < count {
                    bytes.append(isRubbish ? UInt8(truncatingIfNeeded: random.next()) : 0)
                }
                client.send(Array(bytes.prefix(count)))
                client.stream.closeWriting()
                expected += 1
            }
        }
        world.run(for: .seconds(30))
        #expect(acceptor.logs.count == expected && acceptor.logs.allSatisfy { $0.isClosed })
        #expect(acceptor.logs.allSatisfy { words($0.reason) != nil && $0.bytes.isEmpty })
        let next = secure(layer, world, listener.endpoint)
        next.send("still here")
        world.run(for: .seconds(1))
        #expect(acceptor.logs.last?.text == "still here")
    }

    @Test func whatAServerSaysFirstReachesAClientThatSpeaksPlain() throws {
        let world = SimulatedWorld()
        let (_, listener, acceptor) = try either(world)
        acceptor.onAccepted = { $0.send("welcome") }
        let client = StreamLog()
        client.stream = world.network.connect(
            to: listener.endpoint, options: ConnectOptions(), handler: client)
        client.send("hello")
        world.run(for: .seconds(1))
        #expect(client.text == "welcome" && acceptor.logs.first?.text == "hello")
    }

    // MARK: Identities from memory

    @Test func anAuthorityOfOurOwnIsTrustedForItsNamesAlone() throws {
        let authority = CertificateAuthority(name: "tests", now: Int64(time(nil)))
        let identity = authority.issue(for: ["api.vendor.test", "127.0.0.1"])
        let file = "\(TestAuthority.shared.folder)/ours-\(getpid()).pem"
        let text = String(decoding: authority.certificateText, as: UTF8.self)
        let output = try #require(fopen(file, "w"))
        fputs(text, output)
        fclose(output)
        let world = TestWorld(.posix)
        var listen = ListenOptions()
        listen.tls = TLSServerOptions(
            .texts(certificate: identity.certificate, key: identity.key))
        let acceptor = Acceptor()
        let listener = try world.network.listen(
            on: .loopback(0), options: listen, handler: acceptor)
        for (name, isKnown) in [
            ("api.vendor.test", true), ("127.0.0.1", true), ("other.test", false),
        ] {
            var options = ConnectOptions()
            options.tls = TLSClientOptions(serverName: name)
            options.tls?.authorityFile = file
            let client = StreamLog()
            client.stream = world.network.connect(
                to: listener.endpoint, options: options, handler: client)
            world.run { client.isOpen || client.isClosed }
            #expect(client.isOpen == isKnown, "\(name): \(String(describing: client.reason))")
        }
        listener.close()
    }

    @Test func textsThatAreNoIdentityAreRefused() throws {
        let world = TestWorld(.posix)
        let authority = CertificateAuthority(name: "tests", now: Int64(time(nil)))
        let (one, two) = (authority.issue(for: ["a.test"]), authority.issue(for: ["b.test"]))
        for (certificate, key) in [
            ([], one.key), (one.certificate, []), (one.certificate, two.key),
            (one.key, one.certificate),
        ] {
            var options = ListenOptions()
            options.tls = TLSServerOptions(.texts(certificate: certificate, key: key))
            #expect(throws: NetworkError.self) {
                try world.network.listen(on: .loopback(0), options: options, handler: Acceptor())
            }
        }
    }
}
