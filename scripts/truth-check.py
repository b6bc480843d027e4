#!/usr/bin/env python3
"""Checks reported voice-to-voice latencies against the waveforms alone.

    scripts/truth-check.py RUN_FOLDER [--within 20]

RUN_FOLDER holds tapes/*.wav (16-bit stereo, caller left, agent right, one clock) and calls.jsonl, as a run with
`--tapes N` leaves them. For each turn with a reported voice_to_voice_ms the last voiced sample of the caller and the first
audible sample of the agent are found in the waveform by level alone: nothing of the harness is used. Prints one line a
call and `N passed, N failed`; exits 1 when a turn differs by more than the bound or cannot be found.
"""

import argparse
import array
import json
import pathlib
import sys
import wave

LEVEL = 300  # of 32767: well above G.711's idle noise, well below speech
BLOCK_MS = 10


def voiced_blocks(samples, rate):
    size = rate * BLOCK_MS // 1000
    return [
        max(abs(s) for s in samples[i : i + size]) >= LEVEL
        for i in range(0, len(samples) - size + 1, size)
    ]


def stretches(blocks, bridge):
    """Runs of voiced blocks in ms, joined over silences shorter than `bridge` ms."""
    found = []
    for index, voiced in enumerate(blocks):
        if not voiced:
            continue
        at = index * BLOCK_MS
        if found and at - found[-1][1] < bridge:
            found[-1][1] = at + BLOCK_MS
        else:
            found.append([at, at + BLOCK_MS])
    return found


def onsets(blocks):
    """Starts of audible runs: 60 ms voiced within 100 ms, after at least 100 ms of silence."""
    result, quiet = [], True
    for index, voiced in enumerate(blocks):
        if quiet and voiced and sum(blocks[index : index + 10]) >= 6:
            result.append(index * BLOCK_MS)
            quiet = False
        elif not quiet and not any(blocks[index : index + 10]):
            quiet = True
    return result


def check_call(tape, call, turns, bound):
    with wave.open(str(tape)) as file:
        assert file.getnchannels() == 2 and file.getsampwidth() == 2, f"{tape}: not 16-bit stereo"
        rate = file.getframerate()
        both = array.array("h")
        both.frombytes(file.readframes(file.getnframes()))
    caller, agent = both[0::2], both[1::2]
    spoken = stretches(voiced_blocks(caller, rate), bridge=600)
    heard = onsets(voiced_blocks(agent, rate))
    worst, failures = 0.0, []
    for turn in turns:
        reported = turn["voice_to_voice_ms"]
        at = turn["ended_ms"] - call["answered_ms"]  # where to look: only the nearest end counts
        ends = [end for _, end in spoken if abs(end - at) < 400]
        if not ends:
            failures.append(f"turn {turn['utterance']}: no end of caller speech near {at:.0f} ms")
            continue
        end = min(ends, key=lambda e: abs(e - at))
        # A frame leaves as a whole, so its samples are due with it: 20 ms grid.
        end = (end - 1) // 20 * 20
        starts = [s for s in heard if s >= end - 1500]
        near = [s for s in starts if abs((s - end) - reported) <= 400]
        if not near:
            failures.append(f"turn {turn['utterance']}: no agent onset near {end + reported:.0f} ms")
            continue
        start = min(near, key=lambda s: abs((s - end) - reported))
        difference = (start - end) - reported
        worst = max(worst, abs(difference))
        if abs(difference) > bound:
            failures.append(
                f"turn {turn['utterance']}: reported {reported:.1f} ms, waveform {start - end} ms"
            )
    return worst, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--within", type=float, default=20.0, help="bound in ms")
    arguments = parser.parse_args()
    calls = {}
    for line in (arguments.folder / "calls.jsonl").read_text().splitlines():
        call = json.loads(line)
        calls[call["call"]] = call
    passed = failed = 0
    for tape in sorted((arguments.folder / "tapes").glob("*.wav")):
        call = calls.get(int(tape.stem.removeprefix("call-")))
        turns = [t for t in (call or {}).get("turns", []) if t.get("voice_to_voice_ms") is not None]
        if not turns:
            continue
        worst, failures = check_call(tape, call, turns, arguments.within)
        good = len(turns) - len(failures)
        passed, failed = passed + good, failed + len(failures)
        print(f"call {call['call']}: {len(turns)} turns, largest difference {worst:.1f} ms")
        for failure in failures:
            print(f"  {failure}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
