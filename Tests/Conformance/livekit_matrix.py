"""LiveKit's plugins: the matrix, and the classes that speak to Flux, responses and realtime sessions."""

import asyncio
import contextlib

import livekit_plugins as plugins
from livekit import rtc
from livekit.agents import llm, stt, utils
from livekit.plugins import anthropic, assemblyai, cartesia, deepgram, elevenlabs, openai
from matrix import Outcome, caught, matrix, status_of
from suite import KEY, SAID, case, paced, plain, speech


def hears(client, make, *, statuses=(401, 429, 503), ends_by_itself=True, **options):
    """A recogniser's stream."""

    @caught
    async def exchange(e, key, outcome):
        async with plugins.session() as http, utils.http_context.open():
            events = await plugins.transcribe(
                make(e, key, http), ends_by_itself=ends_by_itself)
            outcome.interims = len(plugins.interims(events))
            outcome.text = " ".join(plugins.finals(events))
            if not outcome.text:
                raise RuntimeError("nothing was heard")

    matrix(client, exchange, said=SAID, statuses=statuses, limit=30, lanes=12, **options)


hears("livekit-deepgram", lambda e, key, http: deepgram.STT(
    api_key=key, base_url=e.http("deepgram") + "/v1/listen", http_session=http),
    interims=True, closes=(1008, 1011))
hears("livekit-deepgram-flux", lambda e, key, http: deepgram.STTv2(
    api_key=key, base_url=e.http("deepgram") + "/v2/listen", http_session=http),
    interims=True, closes=(1008, 1011))
hears("livekit-assemblyai", lambda e, key, http: assemblyai.STT(
    api_key=key, base_url=e.ws("assemblyai"), http_session=http),
    interims=True, closes=(1008, 3005))
hears("livekit-openai-realtime-stt", lambda e, key, http: openai.STT(
    api_key=key, base_url=e.http("openai") + "/v1", use_realtime=True,
    model="gpt-4o-mini-transcribe"), closes=(1011,), ends_by_itself=False)


@caught
async def file(e, key, outcome):
    data = speech()
    async with plugins.session() as http:
        made = deepgram.STT(
            api_key=key, base_url=e.http("deepgram") + "/v1/listen", http_session=http)
        event = await made.recognize(
            rtc.AudioFrame(data=data, sample_rate=16000, num_channels=1,
                           samples_per_channel=len(data) // 2), conn_options=plugins.ONCE)
        outcome.text = event.alternatives[0].text


matrix("livekit-deepgram-files", file, said=SAID)


@caught
async def whisper(e, key, outcome):
    data = speech()
    event = await openai.STT(
        api_key=key, base_url=e.http("openai") + "/v1", model="whisper-1", use_realtime=False,
    ).recognize(rtc.AudioFrame(data=data, sample_rate=16000, num_channels=1,
                               samples_per_channel=len(data) // 2), conn_options=plugins.ONCE)
    outcome.text = event.alternatives[0].text


matrix("livekit-openai-stt", whisper, said=SAID, known_statuses=(401, 429, 503))


def thinks(client, make, **options):
    def exchange(tools):
        @caught
        async def run(e, key, outcome):
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(utils.http_context.open())
                outcome.text, outcome.calls, usage = await plugins.chat(make(e, key), tools)
                if usage is None:
                    raise RuntimeError("the stream ended without usage")

        return run

    matrix(client, exchange([]), wants=lambda o: len(o.text) > 5, **options)

    @case(client, "matrix: a tool call with its arguments")
    async def tool(e):
        outcome = await exchange([plugins.create_task])(e)
        assert not outcome.error, outcome.error
        assert outcome.calls[0].name == "create_task" and "milk" in outcome.calls[0].arguments


thinks("livekit-openai", lambda e, key: openai.LLM(
    api_key=key, base_url=e.http("openai") + "/v1"), known_statuses=(401, 429, 503))
thinks("livekit-openai-responses", lambda e, key: openai.responses.LLM(
    api_key=key, base_url=e.http("openai") + "/v1/responses"), closes=(1000, 1011))
thinks("livekit-openai-responses-http", lambda e, key: openai.responses.LLM(
    api_key=key, base_url=e.http("openai") + "/v1", use_websocket=False))
thinks("livekit-anthropic", lambda e, key: anthropic.LLM(
    api_key=key, base_url=e.http("anthropic")), statuses=(401, 429, 503, 529))


def speaks(client, make, streamed=True, **options):
    @caught
    async def exchange(e, key, outcome):
        async with plugins.session() as http:
            frames = await plugins.speak(make(e, key, http), streamed)
            outcome.audio = sum(len(f.frame.data) * 2 for f in frames)
            if not outcome.audio:
                raise RuntimeError("no sound")

    matrix(client, exchange, wants=lambda o: o.audio > 10_000, limit=35, **options)


speaks("livekit-cartesia", lambda e, key, http: cartesia.TTS(
    api_key=key, base_url=e.http("cartesia"), http_session=http), closes=(1008, 1011))
speaks("livekit-elevenlabs", lambda e, key, http: elevenlabs.TTS(
    api_key=key, base_url=e.http("elevenlabs") + "/v1", encoding="pcm_24000", http_session=http),
    closes=(1008,))
speaks("livekit-openai-tts", lambda e, key, http: openai.TTS(
    api_key=key, base_url=e.http("openai") + "/v1", response_format="pcm"), streamed=False)


# A realtime session.

@caught
async def realtime(e, key, outcome):
    """A spoken turn, its transcript and its answer."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(utils.http_context.open())
        model = openai.realtime.RealtimeModel(
            api_key=key, base_url=e.http("openai") + "/v1", conn_options=plugins.ONCE)
        session = model.session()
        errors, generations = [], asyncio.Queue()
        session.on("error", lambda event: (errors.append(event), generations.put_nowait(None)))
        session.on("generation_created", generations.put_nowait)

        def transcribed(event):
            if event.is_final:
                outcome.text = event.transcript
            else:
                outcome.interims += 1

        session.on("input_audio_transcription_completed", transcribed)
        player = asyncio.create_task(paced(speech(), lambda data: session.push_audio(rtc.AudioFrame(
            data=data, sample_rate=16000, num_channels=1, samples_per_channel=len(data) // 2)),
            piece=1600))
        try:
            generation = await asyncio.wait_for(generations.get(), 10)
            if generation is None:
                raise errors[0].error
            async for message in generation.message_stream:
                async def read():
                    async for _ in message.text_stream:
                        pass

                reader = asyncio.create_task(read())
                async for frame in message.audio_stream:
                    outcome.audio += len(frame.data) * 2
                await reader
            await asyncio.sleep(0.2)
            if errors:
                raise errors[0].error
            if not outcome.audio:
                raise RuntimeError("the answer has no sound")
        finally:
            player.cancel()
            await session.aclose()
            await model.aclose()


matrix("livekit-openai-realtime", realtime, wants=lambda o: o.audio > 10_000 and
       plain(o.text) == SAID, limit=30, most=24, lanes=12, repeats=True)


@case("livekit-openai-realtime", "a reply is generated on demand, interrupted, and a tool is called")
async def on_demand(e):
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(utils.http_context.open())
        model = openai.realtime.RealtimeModel(api_key=KEY, base_url=e.http("openai") + "/v1")
        session = model.session()
        try:
            await session.update_instructions("Be brief.")
            generation = await asyncio.wait_for(session.generate_reply(), 10)
            assert generation.user_initiated
            async for message in generation.message_stream:
                async for _ in message.audio_stream:
                    break
                session.interrupt()
                break
            context = llm.ChatContext.empty()
            context.add_message(role="user", content="Add buy milk to my list.")
            await asyncio.wait_for(session.update_chat_ctx(context), 10)
            await session.update_tools([plugins.create_task])
            await asyncio.sleep(0.5)
            generation = await asyncio.wait_for(session.generate_reply(), 10)
            called = []
            async for call in generation.function_stream:
                called.append(call)
            assert called and called[0].name == "create_task" and "milk" in called[0].arguments
        finally:
            await session.aclose()
            await model.aclose()
