#!/usr/bin/env python3
"""Runs every case of every client against `uproar providers`.

    conformance.py --uproar .build/release/uproar [--only TEXT] [--jobs N]

The last line counts clients and cases. A client that cannot be imported fails the run, as does a case that does not run.
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
    "sdk_openai": ["openai-sdk"],
    "sdk_cartesia": ["cartesia-sdk"],
    "sdk_assemblyai": ["assemblyai-sdk"],
    "sdk_elevenlabs": ["elevenlabs-sdk"],
    "sdk_anthropic": ["anthropic-sdk"],
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
}
LIMIT = 60.0


async def run(case, emulators, gate):
    async with gate:
        start = time.monotonic()
        try:
            await asyncio.wait_for(case.run(emulators), LIMIT)
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
    parser.add_argument("--jobs", type=int, default=4)
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
    cases = [c for c in suite.CASES if options.only in f"{c.client}: {c.name}"]
    emulators = suite.Emulators(options.uproar, options.port)
    try:
        gate = asyncio.Semaphore(options.jobs)
        outcomes = await asyncio.gather(*(run(case, emulators, gate) for case in cases))
        if not emulators.is_running:
            problems.append("the emulators did not survive the clients")
    finally:
        emulators.stop()
    for case, problem in outcomes:
        if problem is not None:
            problems.append(f"{case.client}: {case.name}\n{problem}")
    for problem in problems:
        print(f"\n{problem}", file=sys.stderr)
    clients = {case.client for case in cases}
    failed = len([1 for _, problem in outcomes if problem is not None])
    print(f"conformance: {len(clients)} clients x {len(cases)} cases, {failed} failed, "
          f"{len(problems) - failed} other problems")
    return 1 if problems or not cases else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
