import UproarCore

/// Everything the agent can be told. No secrets: keys and passwords come by the environment.
package struct AgentSettings: Hashable, Sendable {
    /// Where calls, health and metrics are served. Port 0 asks for an ephemeral one.
    package var host = "127.0.0.1"
    package var port: UInt16 = 0
    /// The path of the media stream's WebSocket.
    package var mediaPath = "/media"
    /// The path of the browser stream's WebSocket; empty: browsers are not served.
    package var browserPath = "/browser"
    /// Browsers are asked before the microphone opens.
    package var asksConsent = true
    package var consentText =
        "This conversation uses your microphone, and your screen if you share it. It may be recorded for quality and training purposes."
    /// Pictures of a shared screen are shown to the model.
    package var sees = true
    /// What recognisers are sent, such as `linear16 16000`; empty: what the channel carries.
    package var hearingFormat = ""
    /// What voices are asked for; empty: what the channel carries.
    package var speakingFormat = ""
    /// From what to what the agent may convert: `mulaw 8000 -> linear16 16000`, …
    package var converters = ""
    /// Calls at a time; more are refused with 503.
    package var maximumCalls = 10
    package var worker = "agent-1"

    /// Where the providers are; the names of the vendors' own addresses when they are real.
    package var deepgramURL = "wss://api.deepgram.com"
    package var openaiURL = "https://api.openai.com/v1"
    package var cartesiaURL = "wss://api.cartesia.ai"
    package var assemblyaiURL = "wss://streaming.assemblyai.com"
    package var elevenlabsURL = "wss://api.elevenlabs.io"
    /// Whisper's API is OpenAI's; a server of one's own may speak it too.
    package var whisperURL = "https://api.openai.com/v1"
    package var redisURL = "redis://127.0.0.1:6379"

    /// Who is asked, in the order of preference; names separated by commas.
    package var recognisers = "deepgram, whisper"
    package var models = "gpt-4o-mini, gpt-3.5-turbo"
    /// Requests to models at a time, over all calls of a worker; more wait. 0: any number.
    package var modelRequests = 0
    package var voices = "cartesia, elevenlabs"
    package var recogniserModel = "nova-3"
    package var assemblyaiModel = "universal-streaming-english"
    package var whisperModel = "whisper-1"
    package var voiceModel = "sonic-3"
    package var voice = "a0e99841-438c-4a64-b679-ae501e7d6091"
    package var elevenlabsModel = "eleven_flash_v2_5"
    package var elevenlabsVoice = "21m00Tcm4TlvDq8ikWAM"
    package var language = "en"
    package var instructions =
        "You are a voice assistant that keeps the caller's task list. Answer in one or two short sentences."
    package var greeting = "Hello! How can I help with your tasks today?"
    package var resumption = "I'm back. We were discussing your task list. Where were we?"
    /// Said at once when a tool is needed and nothing has been said yet; empty for silence.
    package var toolAcknowledgement = "Okay."
    /// Said when a tool takes longer than `fillerAfter` …
    package var toolFiller = "Let me check that for you."
    /// … and again every `fillerEvery` until its result is there.
    package var longFiller = "I'm still working on it."
    package var fillerAfter = Duration.milliseconds(500)
    package var fillerEvery = Duration.milliseconds(2500)
    /// Said when the caller has waited for so long and nothing has been said.
    package var holdPhrase = "One moment, please."
    package var holdAfter = Duration.milliseconds(1800)
    /// Has the phrases above made at the start, so that they are there when no voice is.
    package var preparesPhrases = true
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
    package var bargeIn = Duration.milliseconds(500)
    package var backchannelWindow = Duration.milliseconds(200)
    /// Off: the history keeps all that was made of a reply that the caller cut, heard or not.
    package var keepsHeard = true
    /// Off: an answer that was given up for what was noise is not made anew.
    package var answersAgain = true
    /// Off: a tool's result that comes when the caller has gone on is forgotten.
    package var keepsLateResults = true

    package var firstWords = 3

    /// Where events for customer records, calendar and e-mail go; empty for nowhere.
    package var workflowURL = ""
    /// On: a tool's result waits until its event has been delivered. Off in production: the conversation never waits.
    package var workflowWaits = false
    /// How often an event is offered to the workflow before it is a dead letter.
    package var workflowAttempts = 5
    /// A file of prices (docs/scenario.md#prices), by which calls are reckoned; empty: the guides' prices.
    package var prices = ""
    /// The model is offered the task tools, and other programs find them at `/mcp`.
    package var offersTools = true
    /// Where the person on call is paged; empty for nowhere.
    package var pagerURL = ""
    package var twilioURL = "https://api.twilio.com"
    package var twilioAccount = ""
    /// The number that text messages come from.
    package var twilioNumber = ""
    /// Callers whose voice fails entirely are told by other means.
    package var degrades = true
    package var messageFallback =
        "We're experiencing technical difficulties with voice. Please text this number or try again in a few minutes."
    package var browserFallback =
        "Voice is temporarily unavailable. You can type your request below."
    /// Said before the agent hangs up on a caller it cannot serve.
    package var outagePhrase =
        "I'm sorry, we have technical difficulties. We will send you a text message. Goodbye."
    /// The digit 0 passes the caller on to a person.
    package var handsOff = true
    package var handOffPhrase = "I'm passing you on to a person. Please stay on the line."
    /// Dialled when the stream of a call that was handed off has ended; empty: nobody is.
    package var handOffNumber = ""
    /// Failed turns in a row after which a call is given up.
    package var outageAfter = 2

    /// Calls are recorded, where there is a store and a key.
    package var records = false
    /// Where recordings go: an S3-compatible store, addressed by path.
    package var recordingURL = "https://s3.us-east-1.amazonaws.com"
    package var recordingBucket = "recordings"
    package var recordingRegion = "us-east-1"
    /// A folder that outlives the worker; recordings lie there until the store has them.
    package var recordingSpool = "/var/spool/uproar"
    /// A spool that holds more takes no new recording.
    package var recordingSpoolMegabytes = 1024
    /// Of phone calls: `implied` by the announcement, or `opt_in`.
    package var recordingConsent = "implied"
    /// How often a recording is offered to the store before it stays on disk for good; 0: until the store has it.
    package var recordingAttempts = 0
    /// A recording counts as stored only when the store's ETag is of what was sent.
    package var recordingVerify = true
    /// Longer recordings go in parts of this size. S3 takes parts of 5 MiB or more (but for the last one), other stores smaller ones.
    package var recordingPartKilobytes = 8192
    /// "Stop recording" stops it.
    package var recordingWithdrawal = true
    /// Days until a recording is deleted; 0 for never.
    package var recordingKeepDays = 90
    package var recordingAnnouncement =
        "This call may be recorded for quality and training purposes. Say 'stop recording' at any time to disable recording."
    package var recordingStopped =
        "Recording has been stopped for this call. How can I help you?"
    /// How often a start that fails is tried again, so far apart.
    package var startRetries = 3
    package var startPause = Duration.seconds(5)
    /// A file that takes events which could not be delivered, one JSON object a line; empty for none.
    package var deadLetters = ""

    /// Requests that one person may make within `rateWindow`; 0 for any number.
    package var rateLimit = 100
    package var rateWindow = Duration.seconds(60)
    package var rateLimitPhrase = "You have asked a lot just now. Please wait a minute."
    /// Longer utterances, in characters, are refused.
    package var inputLimit = 1000
    package var inputLimitPhrase = "That was too long for me. Please say it in fewer words."
    /// A call without a word for so long is ended.
    package var idleLimit = Duration.seconds(300)
    /// Calls may go on for so long after SIGTERM.
    package var drainGrace = Duration.seconds(600)
    /// Off: the worker takes calls whatever its memory.
    package var memoryDrain = true
    /// Served beside `port`, with the same pages; 0 for not.
    package var metricsPort = 0
    package var healthPort = 0
    /// `debug`, `info`, `warning`, `error` or `off`.
    package var logLevel = "off"

    /// Off: the first of each chain is always asked, whatever it does.
    package var failover = true
    /// Off: a recogniser that stands in is opened as its vendor opens it by default, and not in the format of the call.
    package var carriesSettings = true
    /// Off: an answer that broke off is taken for whole.
    package var wholeAnswers = true
    /// Off: a recogniser that stands in hears what comes from then on, and nothing of the utterance before.
    package var replays = true
    /// Off: a provider that failed is never asked again.
    package var failback = true
    /// Failures in a row after which a provider is not asked …
    package var breakerFailures = 5
    /// … for so long, and then probed.
    package var breakerOpen = Duration.seconds(60)
    /// Retries of what everybody failed that one request earns, as a ratio; empty: any number.
    package var retryBudget = "1/5"
    /// Off: those who wait for a model ask when they like, whoever has waited longest.
    package var keepsLine = true

    // Each attempt's own deadlines.
    package var connectDeadline = Duration.seconds(1)
    package var firstTokenDeadline = Duration.seconds(1)
    package var stallDeadline = Duration.seconds(1)
    /// A question waits for so long while no model may be asked, or all fail; zero for not.
    package var answerPatience = Duration.seconds(8)
    package var voiceDeadline = Duration.milliseconds(800)
    package var voiceStall = Duration.seconds(1)
    /// Voice is being sent and the recogniser says nothing.
    package var recogniserStall = Duration.milliseconds(1500)
    package var finalDeadline = Duration.milliseconds(800)
    package var wholeFinalDeadline = Duration.seconds(3)
    /// Sessions and tasks live on in memory while the store cannot be reached, and are written back.
    package var sessionMemory = true
    /// A session that is found again is gone on with.
    package var resumes = true
    package var sessionMemoryLimit = 4096
    /// Task lists are kept at hand until they change.
    package var taskCache = true
    /// Off: a list at hand stays what it was until it is too old, whatever changes.
    package var taskInvalidation = true
    /// So long a call waits for its session at the start, and a tool for the store.
    package var storeWait = Duration.milliseconds(500)

    /// The Unix time of the run's epoch, in seconds: what session records are dated by.
    package var epoch: Int64 = 0

    package init() {}

    var breakerPolicy: CircuitBreaker.Policy {
        var policy = CircuitBreaker.Policy()
        policy.failureLimit = max(1, breakerFailures)
        policy.openFor = breakerOpen
        return policy
    }

    /// Checked before: the text is a budget.
    var retries: RetryBudget { (try? RetryBudget(retryBudget)) ?? RetryBudget() }

    /// What the agent may say of its own accord.
    package var phrases: [String] {
        [
            greeting, resumption, toolAcknowledgement, toolFiller, longFiller, holdPhrase, apology,
            outagePhrase, rateLimitPhrase, inputLimitPhrase, handOffPhrase, "Okay.",
        ] + (records ? [recordingAnnouncement, recordingStopped] : [])
    }

    /// The names of a chain, in order.
    package static func names(_ list: String) -> [String] {
        list.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }

    var turnPolicy: TurnPolicy {
        var policy = TurnPolicy()
        policy.stableInterim = stableInterim
        policy.finishAfter = finishAfter
        policy.endpointing = endpointing
        policy.finalWait = finalWait
        policy.bargeIn = bargeIn
        policy.backchannelWindow = backchannelWindow
        policy.answersAgain = answersAgain
        return policy
    }
}
