"""The cartesia SDK against the WebSocket, /tts/bytes and /tts/sse."""

import cartesia
from cartesia import AsyncCartesia
from suite import KEY, case, raises

NAME = "cartesia-sdk"
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000}
ASK = dict(
    model_id="sonic-3", transcript="Hello there, my friend.", voice={"mode": "id", "id": "v"},
    language="en",
)


def client(emulators, key=KEY):
    return AsyncCartesia(
        api_key=key, base_url=emulators.http("cartesia"),
        websocket_base_url=emulators.ws("cartesia"), max_retries=0,
    )


async def speak(emulators, key=KEY, **options):
    heard = []
    async with client(emulators, key).tts.websocket_connect() as socket:
        await socket.send(
            {**ASK, "output_format": RAW, "context_id": "c-1", "add_timestamps": True, **options})
        async for message in socket:
            heard.append(message)
            if message.type in ("done", "error"):
                break
    return heard


@case(NAME, "normal: chunks, word timestamps, done")
async def normal(emulators):
    heard = await speak(emulators)
    audio = b"".join(m.audio for m in heard if m.type == "chunk")
    words = [w for m in heard if m.type == "timestamps" for w in m.word_timestamps.words]
    assert words == ["Hello", "there,", "my", "friend."], words
    assert len(audio) > 16000 and heard[-1].type == "done" and heard[-1].done
    assert all(m.context_id == "c-1" for m in heard)


@case(NAME, "cancel: nothing of the context follows")
async def cancel(emulators):
    async with client(emulators).tts.websocket_connect() as socket:
        long = "This is a long text that takes a while, and then some more, and more. " * 4
        await socket.send({**ASK, "transcript": long, "output_format": RAW, "context_id": "a"})
        await socket.recv()
        await socket.send({"context_id": "a", "cancel": True})
        await socket.send({**ASK, "output_format": RAW, "context_id": "b"})
        seen = []
        async for message in socket:
            seen.append(message.context_id)
            if message.type == "done":
                break
        # What was under way when the cancel came may still come; the whole would be some 80 chunks.
        first = seen.index("b")
        assert seen[-1] == "b" and "a" not in seen[first:] and first < 40, seen


@case(NAME, "bytes, a WAV file and events over HTTP")
async def http(emulators):
    made = await client(emulators).tts.generate(**ASK, output_format=RAW)
    raw = await made.read()
    assert len(raw) > 16000
    made = await client(emulators).tts.generate(
        **ASK, output_format={**RAW, "container": "wav"})
    assert (await made.read()).startswith(b"RIFF")
    events = []
    stream = await client(emulators).tts.generate_sse(**ASK, output_format=RAW)
    async for event in stream:
        events.append(event.type)
    assert events[-1] == "done" and events.count("chunk") > 1, events


@case(NAME, "an MP3 over HTTP")
async def mp3(emulators):
    made = await client(emulators).tts.generate(
        **ASK, output_format={"container": "mp3", "sample_rate": 44100, "bit_rate": 128000})
    assert (await made.read())[:3] == b"ID3" or (await made.read())[0] == 0xFF


@case(NAME, "400, 401, 429 and 503 are the SDK's own exceptions")
async def errors(emulators):
    for key, kind, status in (
        ("fault-status-401", cartesia.AuthenticationError, 401),
        ("fault-status-429", cartesia.RateLimitError, 429),
        ("fault-status-503", cartesia.InternalServerError, 503),
    ):
        with raises(kind, status):
            await client(emulators, key).tts.generate(**ASK, output_format=RAW)
    with raises(cartesia.BadRequestError, 400):
        await client(emulators).tts.generate(
            **{**ASK, "transcript": ""}, output_format=RAW)


@case(NAME, "refused upgrades and close codes end the socket")
async def closes(emulators):
    for key in ("fault-status-401", "fault-status-429", "fault-close-1011", "fault-piece-1-reset"):
        with raises(Exception):
            heard = await speak(emulators, key)
            assert heard and heard[-1].type == "done", "ended early"
