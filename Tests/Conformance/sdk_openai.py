"""The openai SDK against chat completions, transcriptions and speech."""

import io
import wave

import openai
from openai import AsyncOpenAI
from suite import KEY, SAID, case, plain, raises, speech

NAME = "openai-sdk"
TOOL = {
    "type": "function",
    "function": {
        "name": "create_task",
        "description": "Adds a task.",
        "parameters": {"type": "object", "properties": {"title": {"type": "string"}}},
    },
}
ASK = [{"role": "user", "content": "Add buy milk to my list."}]


def client(emulators, key=KEY, retries=0):
    return AsyncOpenAI(api_key=key, base_url=emulators.http("openai") + "/v1", max_retries=retries)


async def stream(emulators, key=KEY, **options):
    chunks = []
    made = await client(emulators, key).chat.completions.create(
        model="gpt-4.1", messages=ASK, stream=True, stream_options={"include_usage": True}, **options
    )
    async for chunk in made:
        chunks.append(chunk)
    return chunks


@case(NAME, "normal: a stream's role, pieces, finish reason and usage")
async def normal(emulators):
    chunks = await stream(emulators)
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert len(text) > 5 and len(chunks) > 4
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 5
    assert chunks[-1].usage.completion_tokens_details.reasoning_tokens == 0


@case(NAME, "whole: the message, its usage and the request's id")
async def whole(emulators):
    raw = await client(emulators).chat.completions.with_raw_response.create(
        model="gpt-4.1", messages=ASK
    )
    answer = raw.parse()
    assert raw.headers["x-request-id"].startswith("req_") and answer._request_id
    assert answer.choices[0].message.role == "assistant" and answer.choices[0].message.content
    assert answer.usage.prompt_tokens > 0


@case(NAME, "tool call: streamed by the SDK's own helper, then its result is answered")
async def tool(emulators):
    async with client(emulators).chat.completions.stream(
        model="gpt-4.1", messages=ASK, tools=[TOOL]
    ) as made:
        async for _ in made:
            pass
        final = await made.get_final_completion()
    call = final.choices[0].message.tool_calls[0]
    assert call.function.name == "create_task" and "milk" in call.function.arguments
    assert final.choices[0].finish_reason == "tool_calls"
    answer = await client(emulators).chat.completions.create(
        model="gpt-4.1", tools=[TOOL],
        messages=ASK + [
            final.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "{\"ok\": true}"},
        ],
    )
    assert answer.choices[0].message.content


@case(NAME, "cancelled in the middle, the connection pool goes on")
async def cancel(emulators):
    ai = client(emulators)
    made = await ai.chat.completions.create(model="gpt-4.1", messages=ASK, stream=True)
    async for _ in made:
        break
    await made.close()
    again = await ai.chat.completions.create(model="gpt-4.1", messages=ASK)
    assert again.choices[0].message.content


@case(NAME, "400, 401, 404, 429 and 503 are the SDK's own exceptions")
async def errors(emulators):
    with raises(openai.BadRequestError, 400):
        await client(emulators).chat.completions.create(model="gpt-4.1", messages=[])
    with raises(openai.NotFoundError, 404):
        await client(emulators).models.retrieve("nothing")
    for key, kind, status in (
        ("fault-status-401", openai.AuthenticationError, 401),
        ("fault-status-429", openai.RateLimitError, 429),
        ("fault-status-503", openai.InternalServerError, 503),
    ):
        with raises(kind, status) as caught:
            await stream(emulators, key)
        assert caught.error.body["message"]
    with raises(openai.RateLimitError) as caught:
        await stream(emulators, "fault-status-429")
    assert caught.error.code == "rate_limit_exceeded"
    assert caught.error.response.headers["retry-after"] == "1"


@case(NAME, "an error inside the stream is an APIError; a reset is a connection error")
async def midstream(emulators):
    with raises(openai.APIError):
        await stream(emulators, "fault-piece-2-status-500")
    with raises(openai.APIConnectionError):
        await stream(emulators, "fault-reset")


@case(NAME, "an empty completion is empty and no error")
async def empty(emulators):
    chunks = await stream(emulators, "fault-empty")
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == ""


def wav(rate=16000):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(speech(rate=rate))
    return ("audio.wav", out.getvalue(), "audio/wav")


@case(NAME, "a file is transcribed: whole, verbose with words, streamed")
async def transcription(emulators):
    ai = client(emulators)
    answer = await ai.audio.transcriptions.create(model="whisper-1", file=wav())
    assert plain(answer.text) == SAID, answer
    verbose = await ai.audio.transcriptions.create(
        model="whisper-1", file=wav(8000), response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert [plain(w.word) for w in verbose.words] == SAID.split() and verbose.duration > 2
    text = await ai.audio.transcriptions.create(model="whisper-1", file=wav(), response_format="srt")
    assert "-->" in text
    events = [
        event
        async for event in await ai.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=wav(), stream=True
        )
    ]
    assert events[-1].type == "transcript.text.done" and plain(events[-1].text) == SAID
    with raises(openai.BadRequestError, 400):
        await ai.audio.transcriptions.create(model="whisper-1", file=("x.wav", b"nonsense"))
    with raises(openai.InternalServerError, 503):
        await client(emulators, "fault-status-503").audio.transcriptions.create(
            model="whisper-1", file=wav()
        )
