"""The anthropic SDK against /v1/messages."""

import anthropic
from anthropic import AsyncAnthropic
from suite import KEY, case, raises

NAME = "anthropic-sdk"
ASK = dict(
    model="claude-sonnet-4-6", max_tokens=200,
    messages=[{"role": "user", "content": "Add buy milk to my list."}])
TOOL = {"name": "create_task", "description": "Adds a task.",
        "input_schema": {"type": "object", "properties": {"title": {"type": "string"}}}}


def client(emulators, key=KEY):
    return AsyncAnthropic(api_key=key, base_url=emulators.http("anthropic"), max_retries=0)


async def stream(emulators, key=KEY, **options):
    async with client(emulators, key).messages.stream(**ASK, **options) as made:
        text = "".join([piece async for piece in made.text_stream])
        return text, await made.get_final_message()


@case(NAME, "normal: a stream that the SDK puts together, and the same whole")
async def normal(emulators):
    text, message = await stream(emulators, system="Be brief.")
    assert len(text) > 5 and message.content[0].text == text
    assert message.stop_reason == "end_turn" and message.usage.output_tokens > 1
    whole = await client(emulators).messages.create(**ASK)
    assert whole.content[0].text and whole.usage.input_tokens > 1 and whole._request_id


@case(NAME, "tool call: streamed, then its result is answered")
async def tool(emulators):
    _, message = await stream(emulators, tools=[TOOL])
    use = next(block for block in message.content if block.type == "tool_use")
    assert use.name == "create_task" and use.input == {"title": "buy milk"}
    assert message.stop_reason == "tool_use"
    answer = await client(emulators).messages.create(**{**ASK, "messages": ASK["messages"] + [
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": use.id, "content": "ok"}]}]}, tools=[TOOL])
    assert answer.content[0].type == "text" and answer.stop_reason == "end_turn"


@case(NAME, "cancelled in the middle")
async def cancel(emulators):
    async with client(emulators).messages.stream(**ASK) as made:
        async for _ in made.text_stream:
            break
    assert (await client(emulators).messages.create(**ASK)).content


@case(NAME, "400, 401, 404, 429, 503 and 529 are the SDK's own exceptions")
async def errors(emulators):
    with raises(anthropic.BadRequestError, 400):
        await client(emulators).messages.create(**{**ASK, "messages": []})
    with raises(anthropic.NotFoundError, 404):
        await client(emulators).models.retrieve("nothing")
    for key, kind, status in (
        ("fault-status-401", anthropic.AuthenticationError, 401),
        ("fault-status-429", anthropic.RateLimitError, 429),
        ("fault-status-503", anthropic.InternalServerError, 503),
        ("fault-status-529", anthropic.APIStatusError, 529),
    ):
        with raises(kind, status) as caught:
            await stream(emulators, key)
        assert caught.error.body["error"]["type"]


@case(NAME, "an error inside the stream raises; a limit stops with max_tokens")
async def midstream(emulators):
    with raises(anthropic.APIStatusError):
        await stream(emulators, "fault-piece-2-status-529")
    message = await client(emulators).messages.create(**{**ASK, "max_tokens": 2})
    assert message.stop_reason == "max_tokens"
