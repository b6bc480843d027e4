"""The openai SDK against /v1/responses and /v1/realtime."""

import asyncio
import base64
import json

import openai
from matrix import Outcome, caught, matrix
from openai import AsyncOpenAI
from suite import KEY, SAID, case, paced, plain, raises, speech, until

ASK = "Add buy milk to my list."
TOOL = {"type": "function", "name": "create_task", "description": "Adds a task.", "strict": False,
        "parameters": {"type": "object", "properties": {"title": {"type": "string"}}}}


def client(emulators, key=KEY):
    return AsyncOpenAI(api_key=key, base_url=emulators.http("openai") + "/v1", max_retries=0)


# Responses.

@case("openai-sdk-responses", "normal: the SDK's stream helper puts the response together")
async def normal(e):
    async with client(e).responses.stream(model="gpt-4.1", input=ASK) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
    assert len(final.output_text) > 5 and final.status == "completed"
    usage = final.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 5
    whole = await client(e).responses.create(model="gpt-4.1", input=ASK)
    assert whole.output_text == final.output_text and whole.object == "response"


@case("openai-sdk-responses", "tool call, then its output goes on from the response before")
async def tool(e):
    first = await client(e).responses.create(model="gpt-4.1", input=ASK, tools=[TOOL])
    call = first.output[0]
    assert call.type == "function_call" and call.name == "create_task"
    assert json.loads(call.arguments) == {"title": "buy milk"}
    second = await client(e).responses.create(
        model="gpt-4.1", tools=[TOOL], previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "{}"}])
    assert "milk" in second.output_text
    with raises(openai.BadRequestError, 400) as caught_error:
        await client(e).responses.create(
            model="gpt-4.1", input=ASK, previous_response_id="resp_none")
    assert caught_error.error.code == "previous_response_not_found"


@case("openai-sdk-responses", "an answer by a schema is parsed by the SDK; a limit leaves it incomplete")
async def shapes(e):
    from pydantic import BaseModel

    class Reply(BaseModel):
        answer: str

    made = await client(e).responses.parse(model="gpt-4.1", input=ASK, text_format=Reply)
    assert made.output_parsed.answer
    cut = await client(e).responses.create(model="gpt-4.1", input=ASK, max_output_tokens=2)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"


@case("openai-sdk-responses", "cancelled in the middle, the pool goes on")
async def cancel(e):
    ai = client(e)
    made = await ai.responses.create(model="gpt-4.1", input=ASK, stream=True)
    async for event in made:
        if event.type == "response.output_text.delta":
            break
    await made.close()
    assert (await ai.responses.create(model="gpt-4.1", input=ASK)).output_text


@caught
async def responses(e, key, outcome):
    stream = await client(e, key).responses.create(model="gpt-4.1", input=ASK, stream=True)
    done = False
    async for event in stream:
        if event.type == "response.output_text.delta":
            outcome.text += event.delta
        if event.type == "error":
            raise RuntimeError(event.message)
        done = done or event.type == "response.completed"
    if not done:
        raise RuntimeError("the stream ended without response.completed")


matrix("openai-sdk-responses", responses, wants=lambda o: len(o.text) > 5,
       known_statuses=(401, 429, 503))


# Realtime.

@caught
async def realtime(e, key, outcome):
    """A spoken turn with server VAD, its transcript and its spoken answer."""
    heard = []
    async with client(e, key).realtime.connect(model="gpt-realtime") as socket:
        await socket.session.update(session={
            "type": "realtime",
            "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}})
        audio = resampled(speech())

        async def play():
            await paced(audio, lambda piece: socket.input_audio_buffer.append(
                audio=base64.b64encode(piece).decode()), piece=4800, rate=24000)

        player = asyncio.create_task(play())
        try:
            answered = False
            async for event in socket:
                heard.append(event)
                if event.type == "conversation.item.input_audio_transcription.delta":
                    outcome.interims += 1
                    outcome.text += event.delta
                elif event.type == "response.output_audio.delta":
                    outcome.audio += len(base64.b64decode(event.delta))
                elif event.type == "error":
                    raise RuntimeError(event.error.message)
                elif event.type == "response.done":
                    answered = event.response.status == "completed"
                    break
            if not answered:
                raise RuntimeError("the socket ended before the response")
        finally:
            player.cancel()
    outcome.calls = heard


def resampled(audio):
    """16 to 24 kHz."""
    import numpy

    samples = numpy.frombuffer(audio, dtype="<i2").astype(float)
    places = numpy.arange(len(samples) * 3 // 2) * 2 / 3
    return numpy.interp(places, numpy.arange(len(samples)), samples).astype("<i2").tobytes()


@case("openai-sdk-realtime", "normal: the events of a spoken turn are the SDK's own, in order")
async def spoken(e):
    outcome = await realtime(e)
    assert not outcome.error, outcome.error
    kinds = [event.type for event in outcome.calls]
    order = ["session.created", "session.updated", "input_audio_buffer.speech_started",
             "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
             "conversation.item.done", "response.created", "response.output_item.added",
             "response.output_audio.done", "response.output_item.done", "response.done"]
    places = [kinds.index(kind) for kind in order]
    assert places == sorted(places), kinds
    usage = outcome.calls[-1].response.usage
    assert usage.output_token_details.audio_tokens > 5
    assert usage.input_token_details.audio_tokens > 5
    assert plain(outcome.text) == SAID, outcome.text


@case("openai-sdk-realtime", "text turns: a function call and its output; cancel in the middle")
async def text_turns(e):
    async with client(e).realtime.connect(model="gpt-realtime") as socket:
        async def ended():
            async for event in socket:
                if event.type == "response.done":
                    return event.response

        await socket.session.update(session={
            "type": "realtime", "output_modalities": ["text"], "tools": [
                {k: v for k, v in TOOL.items() if k != "strict"}]})
        await socket.conversation.item.create(item={
            "type": "message", "role": "user", "content": [{"type": "input_text", "text": ASK}]})
        await socket.response.create()
        call = (await ended()).output[0]
        assert call.type == "function_call" and json.loads(call.arguments) == {"title": "buy milk"}
        await socket.conversation.item.create(item={
            "type": "function_call_output", "call_id": call.call_id, "output": "{}"})
        await socket.response.create()
        response = await ended()
        assert "milk" in response.output[0].content[0].text and response.status == "completed"
        await socket.conversation.item.create(item={
            "type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]})
        await socket.response.create()
        async for event in socket:
            if event.type == "response.output_text.delta":
                break
        await socket.response.cancel()
        response = await ended()
        assert response.status == "cancelled", response
        assert response.status_details.reason == "client_cancelled"
        await socket.response.cancel()
        async for event in socket:
            if event.type == "error":
                assert event.error.code == "response_cancel_not_active"
                break


matrix("openai-sdk-realtime", realtime, wants=lambda o: o.audio > 10_000, interims=True,
       closes=(1001, 1011), limit=25, most=24, lanes=12)


# Files and voices of the same SDK.

@caught
async def transcription(e, key, outcome):
    from sdk_openai import wav

    stream = await client(e, key).audio.transcriptions.create(
        model="gpt-4o-transcribe", file=wav(), stream=True)
    done = False
    async for event in stream:
        if event.type == "transcript.text.delta":
            outcome.interims += 1
            outcome.text += event.delta
        done = done or event.type == "transcript.text.done"
    if not done:
        raise RuntimeError("the stream ended without its end")


matrix("openai-sdk-transcriptions", transcription, said=SAID, interims=True,
       known_statuses=(401, 429, 503))


@caught
async def voice(e, key, outcome):
    async with client(e, key).audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Hello there, my friend.",
        response_format="pcm",
    ) as made:
        async for piece in made.iter_bytes(4096):
            outcome.audio += len(piece)


matrix("openai-sdk-speech", voice, wants=lambda o: o.audio > 20_000,
       known_statuses=(401, 429, 503))
