"""deepgram-sdk against /v1/listen."""

import asyncio
import json

import websockets
from deepgram import AsyncDeepgramClient
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.types.listen_v1metadata import ListenV1Metadata
from deepgram.listen.v1.types.listen_v1results import ListenV1Results
from deepgram.core.api_error import ApiError
from suite import KEY, SAID, case, paced, plain, raises, speech, until

NAME = "deepgram-sdk"


def client(emulators, key=KEY):
    base = emulators.http("deepgram")
    return AsyncDeepgramClient(
        api_key=key,
        environment=DeepgramClientEnvironment(
            base=base, production=emulators.ws("deepgram"), agent=base, agent_rest=base
        ),
    )


def connect(emulators, key=KEY, **options):
    return client(emulators, key).listen.v1.connect(
        model="nova-3", encoding="linear16", sample_rate="16000", interim_results="true",
        punctuate="true", **options,
    )


async def listen(emulators, key=KEY, finalize=False, **options):
    heard = []
    async with connect(emulators, key, **options) as socket:
        async def read():
            async for message in socket:
                heard.append(message)

        reader = asyncio.create_task(read())
        await paced(speech(), socket.send_media)
        if finalize:
            await socket.send_finalize()
            await until(lambda: any(getattr(m, "from_finalize", False) for m in heard))
        await socket.send_close_stream()
        await asyncio.wait_for(reader, 5)
    return heard


@case(NAME, "normal: interims grow, the final has the words with their times, metadata, close 1000")
async def normal(emulators):
    heard = await listen(emulators, endpointing="300", vad_events="true", utterance_end_ms="1000")
    results = [m for m in heard if isinstance(m, ListenV1Results)]
    finals = [r for r in results if r.is_final and r.channel.alternatives[0].transcript]
    interims = [r.channel.alternatives[0].transcript for r in results if not r.is_final]
    assert plain(finals[-1].channel.alternatives[0].transcript) == SAID, finals
    assert finals[-1].speech_final is True
    words = finals[-1].channel.alternatives[0].words
    assert [plain(w.word) for w in words] == SAID.split()
    assert all(a.end <= b.start + 0.001 for a, b in zip(words, words[1:]))
    assert len(interims) >= 2 and all(a in b for a, b in zip(interims, interims[1:]))
    kinds = [m.type for m in heard]
    assert "SpeechStarted" in kinds and "UtteranceEnd" in kinds, kinds
    assert isinstance(heard[-1], ListenV1Metadata) and heard[-1].channels == 1


@case(NAME, "Finalize answers with from_finalize")
async def finalize(emulators):
    heard = await listen(emulators, finalize=True, endpointing="false")
    marked = [m for m in heard if getattr(m, "from_finalize", False)]
    assert plain(marked[-1].channel.alternatives[0].transcript) == SAID


@case(NAME, "401, 429 and 503 at the upgrade reach the caller with their status")
async def refusals(emulators):
    for key, status in (("", 401), ("fault-status-401", 401), ("fault-status-429", 429),
                        ("fault-status-503", 503)):
        if not key:
            continue
        with raises(ApiError, status):
            async with connect(emulators, key):
                pass


@case(NAME, "a bad query is 400")
async def bad_query(emulators):
    with raises(ApiError, 400):
        async with connect(emulators, endpointing="soon"):
            pass


@case(NAME, "close codes 1008, 1011 and a reset end the stream")
async def closes(emulators):
    for key, code in (("fault-close-1011", 1011), ("fault-close-1008", 1008)):
        with raises(websockets.ConnectionClosedError) as caught:
            async with connect(emulators, key) as socket:
                await socket.recv()
        assert caught.error.rcvd.code == code
    with raises(websockets.ConnectionClosedError):
        async with connect(emulators, "fault-piece-0-reset", endpointing="100") as socket:
            sender = asyncio.create_task(paced(speech(), socket.send_media))
            try:
                while True:
                    await socket.recv()
            finally:
                sender.cancel()


@case(NAME, "a file instead of samples closes with 1008 DATA-0000")
async def container(emulators):
    with raises(websockets.ConnectionClosedError) as caught:
        async with connect(emulators) as socket:
            await socket.send_media(b"RIFF" + bytes(640))
            while True:
                await socket.recv()
    assert caught.error.rcvd.code == 1008 and "DATA-0000" in caught.error.rcvd.reason
