import Testing
import UproarCore

@testable import UproarWire

@Suite struct WireURLTests {
    @Test(arguments: [
        (
            "ws://127.0.0.1:8765/ws",
            WireURL(scheme: .ws, host: "127.0.0.1", port: 8765, path: "/ws")
        ),
        ("wss://agent.example.test", WireURL(scheme: .wss, host: "agent.example.test", port: 443)),
        ("HTTP://h?x=1", WireURL(scheme: .http, host: "h", query: "x=1")),
        (
            "https://[::1]:8443/a%20b?c=d?e#frag",
            WireURL(scheme: .https, host: "::1", port: 8443, path: "/a%20b", query: "c=d?e")
        ),
        ("ws://h:/", WireURL(scheme: .ws, host: "h", port: 80)),
        ("http://h/?", WireURL(scheme: .http, host: "h", query: "")),
    ])
    func reads(text: String, expected: WireURL) throws {
        #expect(try WireURL(text) == expected)
    }

    @Test(arguments: [
        ("h:80/x", WireURLError.schemeMissing),
        ("", .schemeMissing),
        ("ftp://h", .schemeUnknown("ftp")),
        ("http://", .hostMissing),
        ("http://:80/", .hostMissing),
        ("http://h:0/", .portMalformed("0")),
        ("http://h:65536/", .portMalformed("65536")),
        ("http://h:+1/", .portMalformed("+1")),
        ("http://[::1/", .hostMalformed),
        ("http://[::1]x/", .hostMalformed),
        ("http://[host]/", .hostMalformed),
        ("http://a:b@h/", .credentialsInside),
        ("http://h/a b", .blankInside),
        ("http://h/\r\nX: y", .blankInside),
    ])
    func refuses(text: String, error: WireURLError) {
        #expect(throws: error) { try WireURL(text) }
    }

    @Test func writesWhatItRead() throws {
        for text in ["ws://h/", "wss://h:1/a?b", "http://[fe80::1]:81/x", "https://h/?"] {
            #expect(try WireURL(text).description == text)
        }
        let url = WireURL(scheme: .http, host: "h", path: "/p")
        #expect(url.adding("a b", "c&d").description == "http://h/p?a%20b=c%26d")
        #expect(url.adding("a", "1").adding("b", "2").target == "/p?a=1&b=2")
        #expect(WireURL(scheme: .https, host: "::1").authority == "[::1]")
    }

    @Test func endpointsStandBelowABaseOnce() throws {
        for (base, target) in [
            ("ws://h", "/v1/listen"), ("ws://h/", "/v1/listen"), ("ws://h/v1/listen", "/v1/listen"),
            ("ws://h/v1/listen/", "/v1/listen"), ("ws://h/proxy?k=1", "/proxy/v1/listen?k=1"),
        ] {
            #expect(try WireURL(base).at("/v1/listen").target == target)
        }
        let url = try WireURL("ws://h/p?k=1")
        #expect(url.adding(["a": "2", "b": "3"]).target == "/p?k=1&a=2&b=3")
        #expect(url.adding([:]) == url)
        #expect(try WireURL("ws://h/p").adding([:]).target == "/p")
    }

    @Test func decodesPercentsAndForms() {
        #expect(PercentEncoding.decode("a%2Fb%zz%4") == "a/b%zz%4")
        #expect(PercentEncoding.decode("%C3%A9%ff") == "é\u{fffd}")
        #expect(PercentEncoding.encode("a b/é~") == "a%20b%2F%C3%A9~")
        #expect(PercentEncoding.encode("a b/c", keepingSlashes: true) == "a%20b/c")
        let form = FormParameters(parsing: "From=%2B1555&Body=a+b%3D&x&&=y&a=b=c")
        #expect(form["From"] == "+1555")
        #expect(form["Body"] == "a b=")
        #expect(form["x"] == "")
        #expect(form[""] == "y")
        #expect(form["a"] == "b=c")
        #expect(form["none"] == nil)
        #expect(FormParameters(parsing: form.encoded) == form)
    }
}
