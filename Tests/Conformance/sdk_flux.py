"""deepgram-sdk against /v2/listen (Flux) and POST /v1/listen (files)."""

import asyncio

from deepgram.core.api_error import ApiError
from matrix import caught, matrix
from sdk_deepgram import client
from sdk_openai import wav
from suite import KEY, SAID, case, paced, plain, raises, speech


@caught
async def flux(e, key, outcome):
    async with client(e, key).listen.v2.connect(
        model="flux-general-en", encoding="linear16", sample_rate="16000",
        eager_eot_threshold="0.5",
    ) as socket:
        async def play():
            await paced(speech(), socket.send_media, piece=2560)
            await socket.send_close_stream()

        player = asyncio.create_task(play())
        try:
            ended = False
            async for message in socket:
                outcome.calls.append(message)
                if getattr(message, "event", None) == "Update" and message.transcript:
                    outcome.interims += 1
                if getattr(message, "event", None) == "EndOfTurn":
                    outcome.text += message.transcript
                    ended = True
            if not ended:
                raise RuntimeError("the stream ended within the turn")
        finally:
            player.cancel()


@case("deepgram-sdk-flux", "normal: Connected, a turn's start, updates, eager and certain end")
async def turns(e):
    outcome = await flux(e)
    assert not outcome.error, outcome.error
    assert outcome.calls[0].type == "Connected"
    events = [m.event for m in outcome.calls if m.type == "TurnInfo"]
    order = ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"]
    assert [events.index(kind) for kind in order] == sorted(events.index(k) for k in order), events
    assert [m.sequence_id for m in outcome.calls] == list(range(len(outcome.calls)))


@case("deepgram-sdk-flux", "ForceEndTurn and Configure are answered; a bad query is 400")
async def commands(e):
    async with client(e).listen.v2.connect(
        model="flux-general-en", encoding="linear16", sample_rate="16000") as socket:
        await socket.send_configure({"type": "Configure", "thresholds": {"eot_threshold": 0.8}})
        audio = speech()
        await paced(audio[: len(audio) - 2 * 22000], socket.send_media, piece=2560)
        await socket.send_force_end_turn()
        seen = []
        async for message in socket:
            seen.append(message)
            if getattr(message, "event", None) == "EndOfTurn":
                break
        assert any(m.type == "ConfigureSuccess" for m in seen), [m.type for m in seen]
        assert plain(seen[-1].transcript) == SAID, seen[-1]
    with raises(ApiError, 400):
        async with client(e).listen.v2.connect(
            model="flux-general-en", encoding="linear16", sample_rate="7"):
            pass


matrix("deepgram-sdk-flux", flux, said=SAID, interims=True, closes=(1008, 1011), limit=25,
       known_statuses=(401, 429, 503), lanes=16)


async def transcribe(e, key=KEY, **options):
    return await client(e, key).listen.v1.media.transcribe_file(
        request=wav()[1], model="nova-3", request_options={"max_retries": 0}, **options)


@case("deepgram-sdk-files", "normal: words with times, paragraphs, utterances, the language found")
async def files(e):
    made = await transcribe(
        e, smart_format=True, utterances=True, detect_language=True, paragraphs=True)
    best = made.results.channels[0].alternatives[0]
    assert plain(best.transcript) == SAID and best.transcript == "Add buy milk to my list."
    assert [plain(w.word) for w in best.words] == SAID.split()
    assert all(a.end <= b.start + 0.001 for a, b in zip(best.words, best.words[1:]))
    assert best.paragraphs.paragraphs[0].sentences[0].text == "Add buy milk to my list."
    assert plain(made.results.utterances[0].transcript) == SAID
    assert made.results.channels[0].detected_language == "en"
    assert made.metadata.duration > 2 and made.metadata.channels == 1
    with raises(ApiError, 400):
        await client(e).listen.v1.media.transcribe_file(request=b"nonsense", model="nova-3")


@caught
async def file(e, key, outcome):
    made = await transcribe(e, key)
    outcome.text = made.results.channels[0].alternatives[0].transcript


matrix("deepgram-sdk-files", file, said=SAID, known_statuses=(401, 429, 503))
