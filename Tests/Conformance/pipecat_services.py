"""Pipecat's services against the emulators of their vendors."""

import asyncio

import aiohttp
from anthropic import AsyncAnthropic
from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    FunctionCallResultFrame, InterimTranscriptionFrame, InterruptionFrame, LLMContextFrame,
    LLMFullResponseEndFrame, LLMTextFrame, TranscriptionFrame, TTSAudioRawFrame, TTSSpeakFrame,
    TTSStoppedFrame, TTSTextFrame, VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.anthropic.llm import AnthropicLLMService
from pipecat.services.assemblyai.stt import AssemblyAISTTService
from pipecat.services.cartesia.tts import CartesiaHttpTTSService, CartesiaTTSService
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.elevenlabs.tts import ElevenLabsHttpTTSService, ElevenLabsTTSService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat_world import Stage
from suite import KEY, SAID, case, plain, speech, until

TEXT = "Hello there, my friend."


def deepgram(e, key=KEY):
    return DeepgramSTTService(api_key=key, base_url=e.ws("deepgram"))


def assemblyai(e, key=KEY):
    return AssemblyAISTTService(
        api_key=key, api_endpoint_base_url=e.ws("assemblyai") + "/v3/ws",
        vad_force_turn_endpoint=True)


def whisper(e, key=KEY):
    return OpenAISTTService(api_key=key, base_url=e.http("openai") + "/v1")


async def transcribe(service, vad=True, clip=None):
    async with Stage(service) as stage:
        audio = clip or speech()
        voice = audio[: len(audio) - 2 * 16000]
        await asyncio.sleep(0.5)
        if vad:
            await stage.push(VADUserStartedSpeakingFrame())
        await stage.speak(voice)
        if vad:
            await stage.push(VADUserStoppedSpeakingFrame())
        await stage.speak(audio[len(voice):])
        try:
            await until(lambda: stage.of(TranscriptionFrame) or stage.errors, 6)
        except AssertionError:
            pass
        await asyncio.sleep(0.3)
        return stage


async def heard(service, **options):
    stage = await transcribe(service, **options)
    assert not stage.errors, stage.errors
    text = " ".join(f.text for f in stage.of(TranscriptionFrame))
    assert plain(text) == SAID, text
    return stage


@case("pipecat-deepgram", "normal: interims, then the utterance as one transcription")
async def deepgram_normal(e):
    stage = await heard(deepgram(e))
    assert stage.of(InterimTranscriptionFrame)


@case("pipecat-deepgram", "401 and 429 at the upgrade become error frames")
async def deepgram_errors(e):
    for key in ("fault-status-401", "fault-status-429"):
        assert (await transcribe(deepgram(e, key))).errors, key


@case("pipecat-assemblyai", "normal: interims, then the utterance as one transcription")
async def assemblyai_normal(e):
    stage = await heard(assemblyai(e))
    assert stage.of(InterimTranscriptionFrame)


@case("pipecat-assemblyai", "401 and close 1008 become error frames")
async def assemblyai_errors(e):
    for key in ("fault-status-401", "fault-close-1008"):
        assert (await transcribe(assemblyai(e, key))).errors, key


@case("pipecat-openai-stt", "normal: one file a turn; 401 and 503 become error frames")
async def whisper_normal(e):
    await heard(whisper(e))
    for key in ("fault-status-401", "fault-status-503"):
        assert (await transcribe(whisper(e, key))).errors, key


# Language models.

TOOLS = ToolsSchema(standard_tools=[FunctionSchema(
    name="create_task", description="Adds a task.",
    properties={"title": {"type": "string"}}, required=["title"])])


def openai_llm(e, key=KEY):
    return OpenAILLMService(api_key=key, base_url=e.http("openai") + "/v1")


def anthropic_llm(e, key=KEY):
    return AnthropicLLMService(
        api_key=key, client=AsyncAnthropic(api_key=key, base_url=e.http("anthropic")))


async def complete(service, tools=False, wait=8):
    context = LLMContext(
        [{"role": "user", "content": "Add buy milk to my list."}],
        **({"tools": TOOLS} if tools else {}))
    called = []
    if tools:
        async def create(params):
            called.append(params.arguments)
            await params.result_callback({"ok": True})

        service.register_function("create_task", create)
    async with Stage(service) as stage:
        await stage.push(LLMContextFrame(context=context))
        done = FunctionCallResultFrame if tools else LLMFullResponseEndFrame
        try:
            await until(lambda: stage.of(done) or stage.errors, wait)
        except AssertionError:
            pass
        await asyncio.sleep(0.2)
    stage.called = called
    return stage


async def says(make, e):
    stage = await complete(make(e))
    assert not stage.errors, stage.errors
    assert len("".join(f.text for f in stage.of(LLMTextFrame))) > 5
    stage = await complete(make(e), tools=True)
    assert stage.called and stage.called[0]["title"] == "buy milk", stage.called


async def fails(make, e, keys):
    for key in keys:
        stage = await complete(make(e, key), wait=12)
        assert stage.errors, key


async def interrupted(make, e):
    async with Stage(make(e)) as stage:
        ask = LLMContext([{"role": "user", "content": "hello"}])
        await stage.push(LLMContextFrame(context=ask))
        await until(lambda: stage.of(LLMTextFrame))
        await stage.push(InterruptionFrame())
        await asyncio.sleep(0.3)
        before = len(stage.of(LLMTextFrame))
        await stage.push(LLMContextFrame(context=ask))
        await until(lambda: len(stage.of(LLMTextFrame)) > before)
        assert not stage.errors, stage.errors


@case("pipecat-openai", "normal: text, a tool call with its arguments")
async def openai_normal(e):
    await says(openai_llm, e)


@case("pipecat-openai", "interrupted in the middle, then asked again")
async def openai_interrupted(e):
    await interrupted(openai_llm, e)


@case("pipecat-openai", "401, 429, 503 and an error in the stream become error frames")
async def openai_errors(e):
    await fails(openai_llm, e, ["fault-status-401", "fault-status-429", "fault-status-503",
                                "fault-piece-2-status-500", "fault-piece-2-reset"])


@case("pipecat-anthropic", "normal: text, a tool call with its arguments")
async def anthropic_normal(e):
    await says(anthropic_llm, e)


@case("pipecat-anthropic", "interrupted in the middle, then asked again")
async def anthropic_interrupted(e):
    await interrupted(anthropic_llm, e)


@case("pipecat-anthropic", "401, 429, 529 and an error in the stream become error frames")
async def anthropic_errors(e):
    await fails(anthropic_llm, e, ["fault-status-401", "fault-status-429", "fault-status-529",
                                   "fault-piece-2-status-529"])


# Voices.

def cartesia(e, key=KEY):
    return CartesiaTTSService(
        api_key=key, url=e.ws("cartesia") + "/tts/websocket",
        settings=CartesiaTTSService.Settings(voice="v"))


def elevenlabs(e, key=KEY):
    return ElevenLabsTTSService(
        api_key=key, url=e.ws("elevenlabs"), settings=ElevenLabsTTSService.Settings(voice="v"))


async def speak(service, wait=8, rate=16000):
    async with Stage(service, rate=rate) as stage:
        await stage.push(TTSSpeakFrame(TEXT))
        try:
            await until(lambda: stage.of(TTSStoppedFrame) or stage.errors, wait)
        except AssertionError:
            pass
        await asyncio.sleep(0.2)
    return stage


async def sounds(service, words=True, **options):
    stage = await speak(service, **options)
    assert not stage.errors, stage.errors
    audio = b"".join(f.audio for f in stage.of(TTSAudioRawFrame))
    assert len(audio) > 16000 and stage.of(TTSStoppedFrame)
    if words:
        text = " ".join(f.text for f in stage.of(TTSTextFrame))
        assert plain(text) == plain(TEXT), text
    return stage


async def voice_interrupted(make, e):
    async with Stage(make(e)) as stage:
        await stage.push(TTSSpeakFrame("This takes a while to say, and a little longer. " * 3))
        await until(lambda: stage.of(TTSAudioRawFrame))
        await stage.push(InterruptionFrame())
        await asyncio.sleep(0.3)
        before = len(stage.of(TTSAudioRawFrame))
        await stage.push(TTSSpeakFrame(TEXT))
        await until(lambda: len(stage.of(TTSAudioRawFrame)) > before)
        assert not stage.errors, stage.errors


@case("pipecat-cartesia", "normal: audio, words as they are spoken, the end")
async def cartesia_normal(e):
    await sounds(cartesia(e))


@case("pipecat-cartesia", "interrupted in the middle, then speaks again")
async def cartesia_interrupted(e):
    await voice_interrupted(cartesia, e)


@case("pipecat-cartesia", "over HTTP; 401 becomes an error frame")
async def cartesia_http(e):
    async with aiohttp.ClientSession() as session:
        await sounds(CartesiaHttpTTSService(
            api_key=KEY, base_url=e.http("cartesia"), aiohttp_session=session,
            settings=CartesiaHttpTTSService.Settings(voice="v")), words=False)
    assert (await speak(cartesia(e, "fault-status-401"))).errors


@case("pipecat-elevenlabs", "normal: audio, words as they are spoken, the end")
async def elevenlabs_normal(e):
    await sounds(elevenlabs(e))


@case("pipecat-elevenlabs", "interrupted in the middle, then speaks again")
async def elevenlabs_interrupted(e):
    await voice_interrupted(elevenlabs, e)


@case("pipecat-elevenlabs", "over HTTP with times; 401 becomes an error frame")
async def elevenlabs_http(e):
    async with aiohttp.ClientSession() as session:
        await sounds(ElevenLabsHttpTTSService(
            api_key=KEY, base_url=e.http("elevenlabs"), aiohttp_session=session,
            settings=ElevenLabsHttpTTSService.Settings(voice="v")))
    assert (await speak(elevenlabs(e, "fault-status-401"))).errors


@case("pipecat-openai-tts", "normal: 24 kHz audio; 401 and 503 become error frames")
async def openai_tts(e):
    def make(key=KEY):
        return OpenAITTSService(
            api_key=key, base_url=e.http("openai") + "/v1", sample_rate=24000)

    await sounds(make(), words=False, rate=24000)
    for key in ("fault-status-401", "fault-status-503"):
        assert (await speak(make(key), rate=24000)).errors, key
