"""The matrix of the SDKs whose own cases stand in files of their own."""

import asyncio
import json

import sdk_anthropic
import sdk_assemblyai
import sdk_cartesia
import sdk_deepgram
import sdk_elevenlabs
import sdk_openai
from deepgram.listen.v1.types.listen_v1results import ListenV1Results
from matrix import Outcome, caught, matrix, status_of
from suite import KEY, SAID, paced, speech


@caught
async def deepgram(e, key, outcome):
    async with sdk_deepgram.connect(e, key, endpointing="300", vad_events="true") as socket:
        async def play():
            await paced(speech(), socket.send_media)
            await socket.send_close_stream()

        player = asyncio.create_task(play())
        try:
            last = None
            async for message in socket:
                last = message
                if isinstance(message, ListenV1Results):
                    text = message.channel.alternatives[0].transcript
                    if message.is_final:
                        outcome.text += text
                    elif text:
                        outcome.interims += 1
            if getattr(last, "type", None) != "Metadata":
                raise RuntimeError("the stream ended without its metadata")
        finally:
            player.cancel()


matrix("deepgram-sdk", deepgram, said=SAID, interims=True, closes=(1008, 1011), lanes=16,
       known_statuses=(401, 429, 503))


async def assemblyai(e, key=KEY):
    events, errors = await asyncio.to_thread(sdk_assemblyai.run, e, key, speech())
    turns = [t for t in events if t.type == "Turn"]
    ends = [t.transcript for t in turns if t.end_of_turn and t.turn_is_formatted]
    return Outcome(
        text=" ".join(ends), interims=len([t for t in turns if not t.end_of_turn]),
        error=errors[0] if errors else None, status=status_of(errors[0]) if errors else 0,
        whole=bool(events) and events[-1].type == "Termination")


matrix("assemblyai-sdk", assemblyai, said=SAID, interims=True, closes=(1008, 3005, 3009),
       known_statuses=(401, 429, 503), lanes=16)


@caught
async def chat(e, key, outcome):
    made = await sdk_openai.client(e, key).chat.completions.create(
        model="gpt-4.1", messages=sdk_openai.ASK, stream=True)
    reason = None
    async for chunk in made:
        if chunk.choices:
            outcome.text += chunk.choices[0].delta.content or ""
            reason = reason or chunk.choices[0].finish_reason
    if reason is None:
        raise RuntimeError("the stream ended without its reason")


matrix("openai-sdk", chat, wants=lambda o: len(o.text) > 5, known_statuses=(401, 429, 503))


@caught
async def chat_tool(e, key, outcome):
    made = await sdk_openai.client(e, key).chat.completions.create(
        model="gpt-4.1", messages=sdk_openai.ASK, stream=True, tools=[sdk_openai.TOOL])
    reason = None
    async for chunk in made:
        if chunk.choices:
            for call in chunk.choices[0].delta.tool_calls or []:
                outcome.text += call.function.arguments or ""
            reason = reason or chunk.choices[0].finish_reason
    if reason is None:
        raise RuntimeError("the stream ended without its reason")
    outcome.calls = [json.loads(outcome.text)]


matrix("openai-sdk-tools", chat_tool, wants=lambda o: o.calls[0]["title"] == "buy milk",
       known_statuses=(401, 429, 503))


@caught
async def messages(e, key, outcome):
    async with sdk_anthropic.client(e, key).messages.stream(**sdk_anthropic.ASK) as made:
        async for piece in made.text_stream:
            outcome.text += piece
        final = await made.get_final_message()
    if final.stop_reason is None:
        raise RuntimeError("the stream ended without its reason")


matrix("anthropic-sdk", messages, wants=lambda o: len(o.text) > 5, statuses=(401, 429, 503, 529),
       known_statuses=(401, 429, 503, 529))


@caught
async def cartesia(e, key, outcome):
    async with sdk_cartesia.client(e, key).tts.websocket_connect() as socket:
        await socket.send({**sdk_cartesia.ASK, "output_format": sdk_cartesia.RAW,
                           "context_id": "c-1", "add_timestamps": True})
        done = False
        async for message in socket:
            if message.type == "chunk":
                outcome.audio += len(message.audio)
            if message.type == "error":
                raise RuntimeError(message)
            if message.type == "done":
                done = True
                break
        if not done:
            raise RuntimeError("the socket ended without done")


matrix("cartesia-sdk", cartesia, wants=lambda o: o.audio > 16_000, closes=(1008, 1011))


@caught
async def cartesia_events(e, key, outcome):
    stream = await sdk_cartesia.client(e, key).tts.generate_sse(
        **sdk_cartesia.ASK, output_format=sdk_cartesia.RAW)
    last = None
    async for event in stream:
        last = event.type
        if event.type == "chunk":
            outcome.audio += len(event.data)
    if last != "done":
        raise RuntimeError("the events ended without done")


matrix("cartesia-sdk-sse", cartesia_events, wants=lambda o: o.audio > 16_000,
       known_statuses=(401, 429, 503))


@caught
async def elevenlabs(e, key, outcome):
    async for piece in sdk_elevenlabs.client(e, key).text_to_speech.stream(
        "voice", text=sdk_elevenlabs.TEXT, output_format="pcm_16000",
        request_options={"max_retries": 0},
    ):
        outcome.audio += len(piece)


matrix("elevenlabs-sdk", elevenlabs, wants=lambda o: o.audio > 16_000,
       known_statuses=(401, 429, 503))
