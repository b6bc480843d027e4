"""Pipecat's services: the matrix, and the classes that speak to Flux, responses and realtime sessions."""

import asyncio

import aiohttp
import pipecat_services as services
from matrix import Outcome, matrix, status_of
from pipecat.frames.frames import (
    InterimTranscriptionFrame, LLMContextFrame, LLMFullResponseEndFrame, LLMTextFrame,
    TranscriptionFrame, TTSAudioRawFrame, TTSStoppedFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.deepgram.flux.stt import DeepgramFluxSTTService
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.services.openai.realtime import events
from pipecat.services.openai.responses.llm import (
    OpenAIResponsesHttpLLMService, OpenAIResponsesLLMService,
)
from pipecat.services.cartesia.tts import CartesiaHttpTTSService
from pipecat.services.openai.stt import OpenAIRealtimeSTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat_world import Stage
from suite import KEY, SAID, case, plain, speech, until


def outcome_of(stage, text, *, audio=0, interims=0, whole=False, calls=()):
    error = stage.errors[0] if stage.errors else None
    return Outcome(
        text=text, audio=audio, interims=interims, calls=list(calls), error=error,
        status=status_of(getattr(error, "exception", None)) if error else 0,
        whole=whole and error is None)


def hears(client, make, vad=True, **options):
    async def exchange(e, key=KEY):
        stage = await services.transcribe(make(e, key), vad=vad)
        found = stage.of(TranscriptionFrame)
        return outcome_of(
            stage, " ".join(f.text for f in found),
            interims=len(stage.of(InterimTranscriptionFrame)), whole=bool(found))

    # These services connect again by themselves and go on with what comes then.
    matrix(client, exchange, said=SAID, limit=40, lanes=12, repeats=True, **options)


hears("pipecat-deepgram", services.deepgram, statuses=(401, 429), interims=True)
hears("pipecat-deepgram-flux", lambda e, key: DeepgramFluxSTTService(
    api_key=key, url=e.ws("deepgram") + "/v2/listen"), vad=False, statuses=(401, 429),
    interims=True)
hears("pipecat-assemblyai", services.assemblyai, statuses=(401,), interims=True)
hears("pipecat-openai-stt", services.whisper)
hears("pipecat-openai-realtime-stt", lambda e, key: OpenAIRealtimeSTTService(
    api_key=key, base_url=e.ws("openai") + "/v1/realtime"), statuses=(401, 429))


def thinks(client, make, **options):
    async def exchange(e, key=KEY):
        stage = await services.complete(make(e, key), wait=14)
        text = "".join(f.text for f in stage.of(LLMTextFrame))
        return outcome_of(
            stage, text, whole=bool(stage.of(LLMFullResponseEndFrame)) and bool(text))

    matrix(client, exchange, wants=lambda o: len(o.text) > 5, limit=40, **options)

    @case(client, "matrix: a tool call with its arguments")
    async def tool(e):
        stage = await services.complete(make(e, KEY), tools=True)
        assert stage.called and stage.called[0]["title"] == "buy milk", (stage.called, stage.errors)

    @case(client, "matrix: interrupted in the middle, then asked again")
    async def interrupted(e):
        await services.interrupted(lambda e: make(e, KEY), e)


thinks("pipecat-openai", services.openai_llm, known_statuses=())
thinks("pipecat-openai-responses", lambda e, key: OpenAIResponsesLLMService(
    api_key=key, ws_url=e.ws("openai") + "/v1/responses", base_url=e.http("openai") + "/v1"),
    statuses=(401, 503), repeats=True)
thinks("pipecat-openai-responses-http", lambda e, key: OpenAIResponsesHttpLLMService(
    api_key=key, base_url=e.http("openai") + "/v1"), repeats=True)
thinks("pipecat-anthropic", services.anthropic_llm, statuses=(401, 429, 503, 529))


def speaks(client, make, rate=16000, **options):
    async def exchange(e, key=KEY):
        async with aiohttp.ClientSession() as http:
            stage = await services.speak(make(e, key, http), rate=rate, wait=10)
        audio = sum(len(f.audio) for f in stage.of(TTSAudioRawFrame))
        return outcome_of(
            stage, "", audio=audio, whole=bool(stage.of(TTSStoppedFrame)) and audio > 0)

    matrix(client, exchange, wants=lambda o: o.audio > 16_000, limit=40, repeats=True, **options)


speaks("pipecat-cartesia", lambda e, key, http: services.cartesia(e, key), statuses=(401,))
speaks("pipecat-cartesia-http", lambda e, key, http: CartesiaHttpTTSService(
    api_key=key, base_url=e.http("cartesia"), aiohttp_session=http,
    settings=CartesiaHttpTTSService.Settings(voice="v")))
speaks("pipecat-elevenlabs", lambda e, key, http: services.elevenlabs(e, key), statuses=(401,))
speaks("pipecat-openai-tts", lambda e, key, http: OpenAITTSService(
    api_key=key, base_url=e.http("openai") + "/v1", sample_rate=24000), rate=24000)


def realtime(e, key=KEY):
    session = events.SessionProperties(audio=events.AudioConfiguration(input=events.AudioInput(
        transcription=events.InputAudioTranscription(model="gpt-4o-mini-transcribe"))))
    return OpenAIRealtimeLLMService(
        api_key=key, base_url=e.ws("openai") + "/v1/realtime",
        settings=OpenAIRealtimeLLMService.Settings(session_properties=session))


async def talk(e, key=KEY):
    """A spoken turn, its transcript and its spoken answer."""
    async with Stage(realtime(e, key), rate=24000) as stage:
        await stage.push(LLMContextFrame(context=LLMContext(
            [{"role": "user", "content": "Greet me."}])))
        try:
            await until(lambda: stage.of(TTSStoppedFrame) or stage.errors, 6)
            from sdk_responses import resampled

            await stage.speak(resampled(speech()), rate=24000)
            await until(lambda: len(stage.of(TTSStoppedFrame)) > 1 or stage.errors, 6)
        except AssertionError:
            pass
        await asyncio.sleep(0.3)
    heard = [f for f in stage.up + stage.down if isinstance(f, TranscriptionFrame)]
    audio = sum(len(f.audio) for f in stage.of(TTSAudioRawFrame))
    return outcome_of(
        stage, " ".join(f.text for f in heard), audio=audio,
        whole=len(stage.of(TTSStoppedFrame)) > 1)


matrix("pipecat-openai-realtime", talk, said=SAID, wants=lambda o: o.audio > 20_000,
       statuses=(401,), limit=40, most=24, lanes=12, repeats=True)
