import Testing
import UproarAgent
import UproarCore

@testable import UproarHarness

@Suite struct AgentConfigurationTests {
    private func configuration(
        _ variables: [String: String] = [:], isChild: Bool = false, file: String? = nil,
        change: (inout AgentConfiguration.Flags) -> Void = { _ in }
    ) throws -> AgentConfiguration {
        var flags = AgentConfiguration.Flags()
        if file != nil { flags.config = "agent.json" }
        change(&flags)
        return try AgentConfiguration(
            flags, isChild: isChild, variable: { variables[$0] },
            read: { _ in try JSONParser.parse(file ?? "") })
    }

    @Test func theGuidesVariablesAreTaken() throws {
        let settings = try configuration([
            "REDIS_URL": "redis://r:1/0", "HOSTNAME": "pod-7", "LOG_LEVEL": "DEBUG",
            "RECORDING_ENABLED": "true", "RECORDING_STORAGE": "s3://voice-recordings-bucket",
            "RECORDING_RETENTION_DAYS": "30", "RECORDING_ENCRYPTION": "AES-256",
            "RECORDING_ACCESS_LOGGING": "true", "TWILIO_PHONE_NUMBER": "+15550001111",
        ]).settings
        #expect(settings.redisURL == "redis://r:1/0")
        #expect(settings.worker == "pod-7")
        #expect(settings.logLevel == "debug")
        #expect(settings.records)
        #expect(settings.recordingBucket == "voice-recordings-bucket")
        #expect(settings.recordingKeepDays == 30)
        #expect(settings.twilioNumber == "+15550001111")
        #expect(settings.metricsPort == 9090 && settings.healthPort == 8081)
    }

    @Test func aHostAndAPortNameTheRedisUnlessAURLDoes() throws {
        let apart = ["REDIS_HOST": "redis-ha", "REDIS_PORT": "6390"]
        #expect(try configuration(apart).settings.redisURL == "redis://redis-ha:6390")
        let both = apart.merging(["REDIS_URL": "redis-sentinel://a,b#m"]) { $1 }
        #expect(try configuration(both).settings.redisURL == "redis-sentinel://a,b#m")
    }

    @Test func aFlagGoesBeforeTheFileAndTheFileBeforeTheEnvironment() throws {
        let configuration = try configuration(
            ["HOSTNAME": "pod-7", "LOG_LEVEL": "error"],
            file: #"{"agent": {"worker": "from-file", "maximum_calls": 3}}"#
        ) { $0.maximumCalls = 5 }
        #expect(configuration.settings.worker == "from-file")
        #expect(configuration.settings.maximumCalls == 5)
        #expect(configuration.settings.logLevel == "error")
        #expect(configuration.sources["worker"] == "file agent.json")
        #expect(configuration.sources["maximum_calls"] == "--max-calls")
        #expect(configuration.sources["log_level"] == "environment LOG_LEVEL")
        #expect(configuration.sources["greeting"] == nil)
    }

    @Test func aRunsChildTakesItsFileAlone() throws {
        let settings = try configuration(
            ["REDIS_URL": "redis://mine:1"], isChild: true,
            file: #"{"agent": {"redis_url": "redis://run:2"}}"#
        ).settings
        #expect(settings.redisURL == "redis://run:2")
        #expect(settings.metricsPort == 0 && settings.logLevel == "off")
    }

    @Test func onePortIsTheOnlyOne() throws {
        let settings = try configuration { $0.port = 7000 }.settings
        #expect(settings.port == 7000 && settings.metricsPort == 0 && settings.healthPort == 0)
    }

    @Test func emulatorsAreFoundFromTheirFirstPort() throws {
        let settings = try configuration { $0.providers = "http://127.0.0.1:9100" }.settings
        #expect(settings.deepgramURL == "ws://127.0.0.1:9100")
        #expect(settings.openaiURL == "http://127.0.0.1:9101/v1")
        #expect(throws: ScenarioLoading.Problem.self) {
            try configuration { $0.providers = "nowhere" }
        }
    }

    @Test(arguments: [
        ("REDIS_PORT", "many"), ("LOG_LEVEL", "loud"), ("RECORDING_ENABLED", "maybe"),
        ("RECORDING_STORAGE", "gs://b"),
        ("RECORDING_STORAGE", "s3://"), ("RECORDING_RETENTION_DAYS", "long"),
        ("RECORDING_ENCRYPTION", "none"), ("RECORDING_ACCESS_LOGGING", "false"),
    ])
    func aBadVariableIsNamed(name: String, value: String) throws {
        do {
            _ = try configuration([name: value])
            Issue.record("\(name)=\(value) was taken")
        } catch { #expect("\(error)".hasPrefix("\(name)=\(value): ")) }
    }

    @Test func aBadFileSaysAllThatIsWrongWithIt() throws {
        do {
            _ = try configuration(
                file: #"{"agent": {"maximum_cals": 3, "recording_consent": "maybe"}}"#)
            Issue.record("it was taken")
        } catch {
            #expect("\(error)".contains("nearest is 'maximum_calls'"))
            #expect("\(error)".contains("implied or opt_in"))
        }
    }

    @Test func printingHidesEverySecretAndSaysWhereEachSettingIsFrom() throws {
        let variables = [
            "REDIS_URL": "redis://user:hunter2@r:1, redis://:hunter3@s:1",
            "RECORDING_KEY": "hunter4", "OPENAI_API_KEY": "hunter5", "ELEVEN_API_KEY": "hunter6",
            "API_KEY": "hunter7", "LIVEKIT_API_SECRET": "hunter8",
        ]
        let lines = try configuration(variables).lines { variables[$0] }
        #expect(!lines.contains { $0.contains("hunter") })
        #expect(
            lines.contains(
                #"redis_url = "redis://…@r:1, redis://…@s:1"  (environment REDIS_URL)"#))
        #expect(lines.contains("RECORDING_KEY = set, hidden"))
        #expect(lines.contains("DEEPGRAM_API_KEY = not set"))
        #expect(lines.contains("ELEVENLABS_API_KEY = set, hidden"))
        #expect(lines.contains("API_KEY = set, hidden"))
        #expect(lines.contains { $0.hasPrefix("LIVEKIT_API_SECRET = set, not used: ") })
        #expect(!lines.contains { $0.hasPrefix("LIVEKIT_URL") })
        #expect(lines.contains("maximum_calls = 10  (default)"))
    }
}
