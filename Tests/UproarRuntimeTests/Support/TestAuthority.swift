import Glibc

/// An authority of the tests' own and the certificates it gave out, made once per process by the `openssl` command.
struct TestAuthority {
    let folder: String
    /// Trusted by nobody until told.
    var authorityFile: String { "\(folder)/authority.pem" }
    /// For `agent.test`, `localhost` and 127.0.0.1.
    var certificateFile: String { "\(folder)/agent.pem" }
    var keyFile: String { "\(folder)/agent.key" }
    /// Out of date since 2001.
    var expiredFile: String { "\(folder)/expired.pem" }

    static let shared = TestAuthority()

    private init() {
        var template = Array("/tmp/uproar-tls-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no folder in /tmp")
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let script = """
            set -e; cd \(folder)
            key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
            key authority.key
            openssl req -x509 -new -key authority.key -subj '/CN=Tests of Uproar' -days 3650 \
              -addext basicConstraints=critical,CA:TRUE -out authority.pem
            key agent.key
            openssl req -new -key agent.key -subj /CN=agent.test -out agent.csr
            printf 'subjectAltName=DNS:agent.test,DNS:localhost,IP:127.0.0.1' > agent.ext
            openssl x509 -req -in agent.csr -CA authority.pem -CAkey authority.key -set_serial 1 \
              -days 3650 -extfile agent.ext -out agent.pem
            openssl x509 -req -in agent.csr -CA authority.pem -CAkey authority.key -set_serial 2 \
              -days -1 -extfile agent.ext -out expired.pem
            """
        precondition(system("{ \(script)\n} >\(folder)/log 2>&1") == 0, "see \(folder)/log")
        atexit {
            _ = system("rm -rf '\(TestAuthority.shared.folder)'")
        }
    }
}
