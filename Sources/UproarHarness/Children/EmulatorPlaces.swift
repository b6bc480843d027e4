import UproarAgent
import UproarCore

/// Points the reference agent at emulators.
enum EmulatorPlaces {
    /// - except: keys of settings that stay as they are.
    static func direct(
        _ settings: inout UproarAgent.AgentSettings, host: String, port: (ProviderID) -> UInt16,
        except own: [String] = []
    ) {
        func address(_ provider: ProviderID) -> String { "\(host):\(port(provider))" }
        let places:
            [(key: String, path: WritableKeyPath<UproarAgent.AgentSettings, String>, url: String)] =
                [
                    ("deepgram_url", \.deepgramURL, "ws://" + address(.deepgram)),
                    ("assemblyai_url", \.assemblyaiURL, "ws://" + address(.assemblyai)),
                    ("whisper_url", \.whisperURL, "http://" + address(.whisper) + "/v1"),
                    ("openai_url", \.openaiURL, "http://" + address(.openai) + "/v1"),
                    ("cartesia_url", \.cartesiaURL, "ws://" + address(.cartesia)),
                    ("elevenlabs_url", \.elevenlabsURL, "ws://" + address(.elevenlabs)),
                    ("recording_url", \.recordingURL, "http://" + address(.objectStore)),
                    ("twilio_url", \.twilioURL, "http://" + address(.sms)),
                    ("pager_url", \.pagerURL, "http://" + address(.workflow) + "/page"),
                    ("twilio_account", \.twilioAccount, "AC" + String(repeating: "0", count: 32)),
                    // The number that the callers' webhooks call.
                    ("twilio_number", \.twilioNumber, "+15555550100"),
                ]
        for place in places where !own.contains(place.key) {
            settings[keyPath: place.path] = place.url
        }
    }

    /// `http://HOST:PORT` of the first emulator of `uproar providers`; the others follow in the order of the list.
    static func direct(_ settings: inout UproarAgent.AgentSettings, to base: String) throws {
        let address = base.firstRange(of: "://").map { base[$0.upperBound...] } ?? base[...]
        guard let colon = address.lastIndex(of: ":"),
            let first = UInt16(address[address.index(after: colon)...].prefix { $0 != "/" }),
            first > 0, colon > address.startIndex
        else {
            throw ScenarioLoading.Problem(
                "--providers \(base): HOST:PORT of 'uproar providers --port PORT' is due")
        }
        let order = ProviderCatalog.all.map(\.id)
        direct(&settings, host: String(address[..<colon])) { provider in
            first &+ UInt16(order.firstIndex(of: provider) ?? 0)
        }
    }
}
