import Testing
import UproarCore
import UproarHarness
import UproarRuntime
import UproarScenario

@Suite struct AgentAddressesTests {
    private let addresses = AgentAddresses(
        ports: ["deepgram": 9100, "openai": 9101, "cartesia": 9102], redis: 6380, media: 8080)

    @Test func variablesStandForOrigins() throws {
        #expect(try addresses.value(.provider(.deepgram, .ws)) == "ws://127.0.0.1:9100")
        #expect(try addresses.value(.provider(.openai, .http)) == "http://127.0.0.1:9101")
        #expect(try addresses.value(.provider(.cartesia, .port)) == "9102")
        #expect(try addresses.value(.redisURL) == "redis://127.0.0.1:6380/0")
        #expect(try addresses.value(.mediaPort) == "8080")
    }

    @Test func secureOriginsGoWithTheAuthorityThatClientsTrust() throws {
        var addresses = addresses
        #expect(throws: AgentAddresses.Problem.self) { try addresses.value(.authority(.file)) }
        #expect(addresses.environment.allSatisfy { !$0.name.hasPrefix("SSL_") })
        addresses.trust = TrustFiles(folder: "/run")
        #expect(try addresses.value(.provider(.deepgram, .wss)) == "wss://127.0.0.1:9100")
        #expect(try addresses.value(.provider(.openai, .https)) == "https://127.0.0.1:9101")
        #expect(try addresses.value(.authority(.file)) == "/run/ca.pem")
        #expect(try addresses.value(.authority(.bundle)) == "/run/ca-bundle.pem")
        func value(_ name: String) -> String? {
            addresses.environment.first { $0.name == name }?.value
        }
        // One that replaces what is trusted gets all; one that adds gets ours.
        #expect(value("SSL_CERT_FILE") == "/run/ca-bundle.pem")
        #expect(value("NODE_EXTRA_CA_CERTS") == "/run/ca.pem")
    }

    @Test func whatDoesNotRunIsNamedWithWhatDoes() {
        let error = #expect(throws: AgentAddresses.Problem.self) {
            try addresses.value(.provider(.assemblyai, .ws))
        }
        #expect(
            error?.description
                == "${assemblyai.ws}: this run emulates no assemblyai, only deepgram, openai, cartesia"
        )
    }

    @Test func theKnownVariablesPointAtWhatRunsAndKeysOpenNothing() {
        func value(_ name: String) -> String? {
            addresses.environment.first { $0.name == name }?.value
        }
        #expect(value("OPENAI_BASE_URL") == "http://127.0.0.1:9101/v1")
        #expect(value("CARTESIA_BASE_URL") == "http://127.0.0.1:9102")
        #expect(value("REDIS_URL") == "redis://127.0.0.1:6380/0" && value("PORT") == "8080")
        // Nobody plays Anthropic here: an address would be a lie.
        #expect(value("ANTHROPIC_BASE_URL") == nil)
        #expect(value("ANTHROPIC_API_KEY") == "uproar-emulated")
        for key in AgentAddresses.dummyKeys where key.name.hasSuffix("_API_KEY") {
            #expect(key.value == "uproar-emulated")
        }
    }

    @Test func keysOfThePersonAreWithheldUnlessPassedByName() {
        let names = [
            "PATH", "OPENAI_API_KEY", "MY_CRM_API_KEY", "HF_TOKEN", "AWS_PROFILE",
            "OPENAI_BASE_URL", "TOKENIZERS_PARALLELISM", "HOME", "AWS_SECRET_ACCESS_KEY",
        ]
        #expect(
            WithheldKeys.names(of: names, passed: ["MY_CRM_API_KEY"]) == [
                "OPENAI_API_KEY", "HF_TOKEN", "AWS_PROFILE", "OPENAI_BASE_URL",
                "AWS_SECRET_ACCESS_KEY",
            ])
    }
}
