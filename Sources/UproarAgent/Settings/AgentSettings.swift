import UproarCore

/// Everything the agent can be told. No secrets: keys and passwords come by the environment.
package struct AgentSettings: Hashable, Sendable {
    /// Where calls, health and metrics are served. Port 0 asks for an ephemeral one.
    package var host = "127.0.0.1"
    package var port: UInt16 = 0
    /// The path of the media stream's WebSocket.
    package var mediaPath = "/media"
    /// Calls at a time; more are refused with 503.
    package var maximumCalls = 10
    package var worker = "agent-1"

    /// Where the providers are; the names of the vendors' own addresses when they are real.
    package var deepgramURL = "wss://api.deepgram.com"
    package var openaiURL = "https://api.openai.com/v1"
    package var cartesiaURL = "wss://api.cartesia.ai"
    package var redisURL = "redis://127.0.0.1:6379"

    package var recogniserModel = "nova-3"
    package var model = "gpt-4o-mini"
    package var voiceModel = "sonic-3"
    package var voice = "a0e99841-438c-4a64-b679-ae501e7d6091"
    package var language = "en"
    package var instructions =
        "You are a voice assistant that keeps the caller's task list. Answer in one or two short sentences."
    package var greeting = "Hello! How can I help with your tasks today?"
    package var resumption = "I'm back. We were discussing your task list. Where were we?"
    /// Said while a tool runs, when nothing has been said yet; empty for silence.
    package var toolFiller = "Okay, one moment."
    /// Said when no answer could be made.
    package var apology = "I'm sorry, I could not do that just now. Please try again."

    /// Play every utterance back instead of answering it: no provider is needed.
    package var echoes = false

    /// Audio goes to the recogniser in pieces of this length while the caller speaks …
    package var batch = Duration.milliseconds(40)
    /// … and of this length while there is silence.
    package var silentBatch = Duration.milliseconds(200)
    /// Audio goes to the caller in pieces of at most this length.
    package var chunk = Duration.milliseconds(200)
    /// A mark follows so much audio, and the end of each reply.
    package var markEvery = Duration.milliseconds(500)

    package var stableInterim = Duration.milliseconds(100)
    package var finishAfter = Duration.milliseconds(200)
    package var endpointing = Duration.milliseconds(260)
    package var finalWait = Duration.milliseconds(500)
    package var bargeIn = Duration.milliseconds(300)
    package var backchannelWindow = Duration.milliseconds(200)

    package var firstWords = 3

    package var connectDeadline = Duration.seconds(2)
    package var firstTokenDeadline = Duration.seconds(5)
    package var stallDeadline = Duration.seconds(5)
    /// So long a call waits for its session at the start, and a tool for the store.
    package var storeWait = Duration.milliseconds(500)

    /// The Unix time of the run's epoch, in seconds: what session records are dated by.
    package var epoch: Int64 = 0

    package init() {}

    var turnPolicy: TurnPolicy {
        var policy = TurnPolicy()
        policy.stableInterim = stableInterim
        policy.finishAfter = finishAfter
        policy.endpointing = endpointing
        policy.finalWait = finalWait
        policy.bargeIn = bargeIn
        policy.backchannelWindow = backchannelWindow
        return policy
    }
}
