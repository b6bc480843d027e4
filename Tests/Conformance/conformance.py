#!/usr/bin/env python3
"""Runs every case of every client against `uproar providers`.

    conformance.py --uproar .build/release/uproar [--only TEXT] [--quick] [--jobs N]

`--quick` leaves out the cuts at every message, which take most of the time. The last line counts clients and cases. A client that cannot be imported fails the run, as does a case that does not run.
"""

import argparse
import asyncio
import importlib
import sys
import time
import traceback

import suite

# Every client the emulators are held to, and the file that drives it. Literal on purpose: what is missing here is missing.
MODULES = {
    "sdk_deepgram": ["deepgram-sdk"],
    "sdk_flux": ["deepgram-sdk-flux", "deepgram-sdk-files"],
    "sdk_openai": ["openai-sdk"],
    "sdk_responses": [
        "openai-sdk-responses", "openai-sdk-realtime", "openai-sdk-transcriptions",
        "openai-sdk-speech",
    ],
    "sdk_cartesia": ["cartesia-sdk"],
    "sdk_assemblyai": ["assemblyai-sdk"],
    "sdk_elevenlabs": ["elevenlabs-sdk"],
    "sdk_anthropic": ["anthropic-sdk"],
    "sdk_matrix": ["openai-sdk-tools", "cartesia-sdk-sse"],
    "sdk_storage": ["boto3", "minio", "twilio-sdk"],
    "agent_tools": ["mcp"],
    "pipecat_services": [
        "pipecat-deepgram", "pipecat-assemblyai", "pipecat-openai-stt", "pipecat-openai",
        "pipecat-anthropic", "pipecat-cartesia", "pipecat-elevenlabs", "pipecat-openai-tts",
    ],
    "livekit_plugins": [
        "livekit-deepgram", "livekit-assemblyai", "livekit-openai-stt", "livekit-openai",
        "livekit-anthropic", "livekit-cartesia", "livekit-elevenlabs", "livekit-openai-tts",
    ],
    "pipecat_matrix": [
        "pipecat-deepgram-flux", "pipecat-openai-realtime-stt", "pipecat-openai-responses",
        "pipecat-openai-responses-http", "pipecat-cartesia-http", "pipecat-openai-realtime",
    ],
    "livekit_matrix": [
        "livekit-deepgram-flux", "livekit-deepgram-files", "livekit-openai-realtime-stt",
        "livekit-openai-responses", "livekit-openai-responses-http", "livekit-openai-realtime",
    ],
}

async def run(case, emulators, gate):
    async with gate:
        start = time.monotonic()
        try:
            await asyncio.wait_for(case.run(emulators), case.limit)
            problem = None
        except Exception:
            problem = traceback.format_exc()
        took = time.monotonic() - start
        print(f"{'ok  ' if problem is None else 'FAIL'} {case.client}: {case.name} ({took:.1f} s)",
              flush=True)
        return case, problem


async def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--uproar", required=True)
    parser.add_argument("--port", type=int, default=19100)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=8)
    options = parser.parse_args()
    problems = []
    for module, clients in MODULES.items():
        try:
            importlib.import_module(module)
        except Exception:
            problems.append(f"{', '.join(clients)}: cannot be used\n{traceback.format_exc()}")
            continue
        for client in clients:
            if not any(case.client == client for case in suite.CASES):
                problems.append(f"{client}: has no case")
    cases = [c for c in suite.CASES if options.only in f"{c.client}: {c.name}"
             and not (options.quick and "every message" in c.name)]
    emulators = suite.Emulators(options.uproar, options.port)
    try:
        gate = asyncio.Semaphore(options.jobs)
        outcomes = await asyncio.gather(*(run(case, emulators, gate) for case in cases))
        if not emulators.is_running:
            problems.append(
                f"the emulators did not survive the clients: {emulators.process.returncode}\n"
                + emulators.said())
    finally:
        emulators.stop()
    for case, problem in outcomes:
        if problem is not None:
            problems.append(f"{case.client}: {case.name}\n{problem}")
    for problem in problems:
        print(f"\n{problem}", file=sys.stderr)
    clients = {case.client for case in cases}
    failed = len([1 for _, problem in outcomes if problem is not None])
    others = len(problems) - failed
    print(f"conformance: {len(clients)} clients x {len(cases)} cases, {sum(suite.CUTS.values())} connections cut "
          f"at a message; {len(cases) - failed} passed, {failed + others} failed")
    return 1 if problems or not cases else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
