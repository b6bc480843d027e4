"""The assemblyai SDK against /v3/ws."""

import asyncio
import threading
import time

from assemblyai.streaming.v3 import (
    StreamingClient, StreamingClientOptions, StreamingEvents, StreamingParameters,
)
from suite import KEY, SAID, case, plain, speech

NAME = "assemblyai-sdk"


def run(emulators, key=KEY, audio=None, wait=6.0, force=False, **options):
    """In a thread of its own: this client is a blocking one."""
    events, errors = [], []
    client = StreamingClient(
        StreamingClientOptions(api_key=key, api_host=emulators.ws("assemblyai"),
                               max_connection_retries=0))
    for kind in (StreamingEvents.Begin, StreamingEvents.Turn, StreamingEvents.Termination,
                 StreamingEvents.SpeechStarted):
        client.on(kind, lambda _, event: events.append(event))
    client.on(StreamingEvents.Error, lambda _, error: errors.append(error))
    client.connect(StreamingParameters(
        **{"sample_rate": 16000, "format_turns": True, "speech_model": "universal-streaming-english",
           **options}))
    if audio:
        for place in range(0, len(audio) - 1599, 1600):
            if errors:
                break
            client.stream(audio[place : place + 1600])
            time.sleep(0.045)
        if force:
            client.force_endpoint()
            time.sleep(0.5)
    else:
        deadline = time.monotonic() + wait
        while not errors and time.monotonic() < deadline:
            time.sleep(0.05)
    client.disconnect(terminate=not errors)
    return events, errors


async def stream(*arguments, **options):
    return await asyncio.to_thread(run, *arguments, **options)


@case(NAME, "normal: Begin, growing turns, the end plain and formatted, Termination")
async def normal(emulators):
    events, errors = await stream(emulators, audio=speech())
    assert not errors, errors
    assert events[0].type == "Begin" and events[0].id and events[-1].type == "Termination"
    turns = [e for e in events if e.type == "Turn"]
    ends = [t for t in turns if t.end_of_turn]
    assert [plain(t.transcript) for t in ends] == [SAID, SAID], ends
    assert [t.turn_is_formatted for t in ends] == [False, True]
    assert ends[-1].transcript == "Add buy milk to my list."
    assert len(turns) > 3 and all(w.word_is_final for w in ends[0].words)


@case(NAME, "the newer model: formatted partials, one end; ForceEndpoint")
async def newer(emulators):
    events, errors = await stream(
        emulators, audio=speech()[: -40000], force=True, speech_model="u3-rt-pro",
        min_turn_silence=3000, max_turn_silence=3000)
    ends = [e for e in events if e.type == "Turn" and e.end_of_turn]
    assert not errors and len(ends) == 1 and ends[0].transcript == "Add buy milk to my list."


@case(NAME, "refusals by status and by close code reach the error handler with their code")
async def refusals(emulators):
    for key, code in (("fault-status-401", 401), ("fault-status-429", 429),
                      ("fault-status-503", 503), ("fault-close-1008", 1008),
                      ("fault-close-3005", 3005), ("fault-close-3009", 3009)):
        _, errors = await stream(emulators, key, wait=4)
        assert errors and errors[0].code == code, (key, errors)


@case(NAME, "a too short chunk closes with 3007")
async def short(emulators):
    def drive():
        errors = []
        client = StreamingClient(
            StreamingClientOptions(api_key=KEY, api_host=emulators.ws("assemblyai")))
        client.on(StreamingEvents.Error, lambda _, error: errors.append(error))
        client.connect(StreamingParameters(
            sample_rate=16000, speech_model="universal-streaming-english"))
        for _ in range(3):
            client.stream(bytes(320))
            time.sleep(0.05)
        deadline = time.monotonic() + 4
        while not errors and time.monotonic() < deadline:
            time.sleep(0.05)
        client.disconnect()
        return errors

    errors = await asyncio.to_thread(drive)
    assert errors and errors[0].code == 3007, errors
