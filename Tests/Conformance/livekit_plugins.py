"""LiveKit's plugins, driven outside a session, against the emulators of their vendors."""

import asyncio
import contextlib

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, llm, stt
from livekit.plugins import anthropic, assemblyai, cartesia, deepgram, elevenlabs, openai
from suite import KEY, SAID, case, paced, plain, raises, speech

TEXT = "Hello there, my friend."
ONCE = APIConnectOptions(max_retry=0, timeout=8)


@contextlib.asynccontextmanager
async def session():
    async with aiohttp.ClientSession() as made:
        yield made


async def transcribe(service, piece=1600, ends_by_itself=True):
    """The events of one utterance; those up to its final result where the client does not end with its input."""
    events = []
    stream = service.stream(conn_options=ONCE)

    async def read():
        async for event in stream:
            events.append(event)
            if not ends_by_itself and finals(events):
                break

    async def write():
        await paced(speech(), lambda data: stream.push_frame(rtc.AudioFrame(
            data=data, sample_rate=16000, num_channels=1, samples_per_channel=len(data) // 2)),
            piece=piece)
        stream.end_input()

    reader, writer = asyncio.create_task(read()), asyncio.create_task(write())
    try:
        await asyncio.wait_for(reader, 15)
    finally:
        writer.cancel()
        await stream.aclose()
    return events


def finals(events):
    return [e.alternatives[0].text for e in events
            if e.type == stt.SpeechEventType.FINAL_TRANSCRIPT and e.alternatives[0].text]


def interims(events):
    return [e for e in events if e.type == stt.SpeechEventType.INTERIM_TRANSCRIPT]


async def refused(call, status=None):
    with raises(APIError) as caught:
        await call()
    if status is not None:
        assert isinstance(caught.error, APIStatusError) and caught.error.status_code == status, (
            caught.error)


@case("livekit-deepgram", "normal: interims, the final, start and end of speech")
async def deepgram_normal(e):
    async with session() as http:
        events = await transcribe(deepgram.STT(
            api_key=KEY, base_url=e.http("deepgram") + "/v1/listen", http_session=http))
        assert plain(" ".join(finals(events))) == SAID, events
        assert interims(events)
        kinds = [event.type for event in events]
        assert stt.SpeechEventType.START_OF_SPEECH in kinds
        assert stt.SpeechEventType.END_OF_SPEECH in kinds


@case("livekit-deepgram", "401, 429, 503, a close and a reset are API errors")
async def deepgram_errors(e):
    async with session() as http:
        for key in ("fault-status-401", "fault-status-429", "fault-status-503",
                    "fault-close-1011", "fault-piece-1-reset"):
            await refused(lambda: transcribe(deepgram.STT(
                api_key=key, base_url=e.http("deepgram") + "/v1/listen", http_session=http)))


@case("livekit-assemblyai", "normal: interims and the final")
async def assemblyai_normal(e):
    async with session() as http:
        events = await transcribe(assemblyai.STT(
            api_key=KEY, base_url=e.ws("assemblyai"), http_session=http))
        assert plain(" ".join(finals(events))) == SAID, events


@case("livekit-assemblyai", "closes and a reset are API errors")
async def assemblyai_errors(e):
    async with session() as http:
        for key in ("fault-close-1008", "fault-close-3005", "fault-piece-1-reset"):
            await refused(lambda: transcribe(assemblyai.STT(
                api_key=key, base_url=e.ws("assemblyai"), http_session=http)))


@case("livekit-openai-stt", "normal: a file; 401 and 503 are API errors")
async def whisper(e):
    def recognize(key=KEY):
        data = speech()
        return openai.STT(
            api_key=key, base_url=e.http("openai") + "/v1", model="whisper-1",
            use_realtime=False).recognize(
            rtc.AudioFrame(data=data, sample_rate=16000, num_channels=1,
                           samples_per_channel=len(data) // 2), conn_options=ONCE)

    event = await recognize()
    assert plain(event.alternatives[0].text) == SAID
    await refused(lambda: recognize("fault-status-401"), 401)
    await refused(lambda: recognize("fault-status-503"), 503)


@llm.function_tool
async def create_task(title: str) -> str:
    """Adds a task.

    Args:
        title: what to do
    """
    return "ok"


async def chat(service, tools=()):
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Add buy milk to my list.")
    text, calls, usage = "", [], None
    async with service.chat(chat_ctx=context, tools=list(tools), conn_options=ONCE) as stream:
        async for chunk in stream:
            if chunk.delta:
                text += chunk.delta.content or ""
                calls += chunk.delta.tool_calls
            usage = chunk.usage or usage
    return text, calls, usage


async def chats(make, keys):
    text, calls, usage = await chat(make(KEY))
    assert len(text) > 5 and not calls and usage.total_tokens > 5
    text, calls, _ = await chat(make(KEY), [create_task])
    assert calls[0].name == "create_task" and "milk" in calls[0].arguments
    for key, status in keys:
        await refused(lambda: chat(make(key)), status)


@case("livekit-openai", "normal, tool call, 401, 429, 503, error and reset in the stream")
async def openai_llm(e):
    await chats(
        lambda key: openai.LLM(api_key=key, base_url=e.http("openai") + "/v1"),
        [("fault-status-401", 401), ("fault-status-429", 429), ("fault-status-503", 503),
         ("fault-piece-2-status-500", None), ("fault-piece-2-reset", None)])


@case("livekit-anthropic", "normal, tool call, 401, 429, 529, error in the stream")
async def anthropic_llm(e):
    await chats(
        lambda key: anthropic.LLM(api_key=key, base_url=e.http("anthropic")),
        [("fault-status-401", 401), ("fault-status-429", 429), ("fault-status-529", 529),
         ("fault-piece-2-status-529", None)])


async def speak(service, streamed=True):
    frames = []
    if streamed:
        stream = service.stream(conn_options=ONCE)
        stream.push_text(TEXT)
        stream.end_input()
    else:
        stream = service.synthesize(TEXT, conn_options=ONCE)
    async with stream:
        async def read():
            async for made in stream:
                frames.append(made)

        # A socket that closes before the first text leaves LiveKit's ElevenLabs stream waiting for ever (1.8.9), so no case does that.
        await asyncio.wait_for(read(), 28)
    return frames


async def sounds(service, streamed=True):
    frames = await speak(service, streamed)
    length = sum(f.frame.samples_per_channel / f.frame.sample_rate for f in frames)
    assert length > 0.5 and frames[-1].is_final, length


@case("livekit-cartesia", "normal on the socket and over HTTP; 401, 429, 503, closes")
async def cartesia_tts(e):
    async with session() as http:
        def make(key=KEY):
            return cartesia.TTS(api_key=key, base_url=e.http("cartesia"), http_session=http)

        await sounds(make())
        await sounds(make(), streamed=False)
        for key in ("fault-status-401", "fault-status-429", "fault-status-503",
                    "fault-close-1011", "fault-piece-0-reset"):
            await refused(lambda: speak(make(key)))


@case("livekit-elevenlabs", "normal on the socket and over HTTP; 401, 429, 503, closes")
async def elevenlabs_tts(e):
    async with session() as http:
        def make(key=KEY):
            return elevenlabs.TTS(
                api_key=key, base_url=e.http("elevenlabs") + "/v1", encoding="pcm_24000",
                http_session=http)

        await sounds(make())
        await sounds(make(), streamed=False)
        for key in ("fault-status-401", "fault-status-429", "fault-status-503",
                    "fault-piece-0-close-1008", "fault-piece-0-reset"):
            await refused(lambda: speak(make(key)))


@case("livekit-openai-tts", "normal; 401 and 503 are API errors")
async def openai_tts(e):
    def make(key=KEY):
        return openai.TTS(api_key=key, base_url=e.http("openai") + "/v1", response_format="pcm")

    await sounds(make(), streamed=False)
    await refused(lambda: speak(make("fault-status-401"), False), 401)
    await refused(lambda: speak(make("fault-status-503"), False), 503)
