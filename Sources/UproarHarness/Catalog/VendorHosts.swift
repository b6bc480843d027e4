import UproarCore

/// The names under which vendors' APIs are called, as far as an emulator serves them: a literal list (each vendor's API
/// reference, November 2026).
package enum VendorHosts {
    package struct Entry: Hashable, Sendable {
        package var name: String
        package var provider: ProviderID
        package init(_ name: String, _ provider: ProviderID) {
            self.name = name
            self.provider = provider
        }
    }

    package static let all: [Entry] = [
        Entry("api.deepgram.com", .deepgram), Entry("api.eu.deepgram.com", .deepgram),
        Entry("api.openai.com", .openai), Entry("eu.api.openai.com", .openai),
        Entry("us.api.openai.com", .openai),
        Entry("api.cartesia.ai", .cartesia),
        Entry("streaming.assemblyai.com", .assemblyai),
        Entry("streaming.eu.assemblyai.com", .assemblyai),
        Entry("api.elevenlabs.io", .elevenlabs), Entry("api.us.elevenlabs.io", .elevenlabs),
        Entry("api.anthropic.com", .anthropic),
        Entry("api.twilio.com", .sms),
        Entry("s3.amazonaws.com", .objectStore), Entry("s3.us-east-1.amazonaws.com", .objectStore),
        Entry("s3.us-east-2.amazonaws.com", .objectStore),
        Entry("s3.us-west-2.amazonaws.com", .objectStore),
        Entry("s3.eu-west-1.amazonaws.com", .objectStore),
        Entry("s3.eu-central-1.amazonaws.com", .objectStore),
    ]
}
