#!/usr/bin/env python3
"""Checks reported voice-to-voice latencies against the waveforms alone.

    scripts/truth-check.py RUN_FOLDER [--calls 20] [--within 20] [--corpus fixtures/task-manager …]

RUN_FOLDER holds tapes/*.wav (16-bit stereo, caller left, agent right, one clock; each 20 ms from sample 0 on is one frame of
the caller) and calls.jsonl, as `uproar run --tapes 20` leaves them. What is measured is defined in docs/timing.md; none of
the harness's code, annotations or tags is used, and nothing but the order of a call's utterances ties a latency to its place:

  caller's end  without --corpus: utterances are stretches of sound with less than 600 ms of silence inside. The last millisecond above
                the limit, 30 dB below the utterance's loud level (what a twentieth of its 10 ms exceeds), is the last voiced one;
                it is due when the frame that holds it is due. True of clean speech without long pauses.
                With --corpus: the recording that was spoken is found on the tape by cross-correlation, and its last voiced
                millisecond in the clean recording, as the telephone carries it. True of noise, pauses and interruptions as well.
  agent heard   the first sample over the limit (-55 dBFS) in the first 10 ms of the first run with 60 ms voiced within 100 ms
                after 200 ms without any, that begins after the utterance began.

Every turn with a reported voice_to_voice_ms must be found and agree within the bound; turns without one are not judged.
Prints one line a call and `N passed, N failed`; exits 1 when a turn disagrees or cannot be found, or when there are fewer
calls than asked for. Needs Python 3.9; with --corpus numpy and libsndfile.
"""

import argparse
import array
import bisect
import json
import pathlib
import sys
import wave

FRAME_MS = 20
HOP_MS = 10
FULL_SCALE = 32768.0
SOUND = FULL_SCALE**2 * 10 ** (-55 / 10)  # mean square: anything at all
AUDIBLE = SOUND  # for the agent
BRIDGE_MS = 600


class Track:
    """One side of a call: the mean square of each millisecond, and of each 10 ms by running sums."""

    def __init__(self, samples, rate):
        self.rate = rate
        self.samples = samples
        per = rate // 1000
        self.sums = [0]
        total = 0
        for start in range(0, len(samples) - per + 1, per):
            total += sum(s * s for s in samples[start : start + per])
            self.sums.append(total)

    @property
    def length(self):
        return len(self.sums) - 1

    def power(self, start, end):
        """Mean square from `start` to `end` ms."""
        end = min(end, self.length)
        if end <= start:
            return 0.0
        return (self.sums[end] - self.sums[start]) / ((end - start) * (self.rate // 1000))

    def hops(self, limit):
        return [self.power(at, at + HOP_MS) > limit for at in range(0, self.length, HOP_MS)]


def utterances(track):
    """[start, end) in ms of each stretch of sound, joined over short silences."""
    found = []
    for index, sounds in enumerate(track.hops(SOUND)):
        if not sounds:
            continue
        at = index * HOP_MS
        if found and at - found[-1][1] < BRIDGE_MS:
            found[-1][1] = at + HOP_MS
        else:
            found.append([at, at + HOP_MS])
    return found


def last_voiced(track, start, end):
    """The last millisecond of the utterance that is above its limit."""
    powers = sorted(track.power(at, at + HOP_MS) for at in range(start, end, HOP_MS))
    limit = max(SOUND, powers[min(len(powers) - 1, len(powers) * 19 // 20)] / 1000)
    hop = max(at for at in range(start, end, HOP_MS) if track.power(at, at + HOP_MS) > limit)
    above = [at for at in range(hop, hop + HOP_MS) if track.power(at, at + 1) > limit]
    return above[-1] if above else hop + HOP_MS - 1


def onsets(track):
    """Where the agent becomes audible, in ms with fractions."""
    voiced = track.hops(AUDIBLE)
    result, quiet, speaking = [], 20, False
    for index, is_voiced in enumerate(voiced):
        if not speaking and is_voiced and sum(voiced[index : index + 10]) >= 6:
            speaking = True
            result.append(first_loud(track, index * HOP_MS))
        quiet = 0 if is_voiced else quiet + 1
        if quiet >= 20:
            speaking = False
    return result


def first_loud(track, at):
    per = track.rate // 1000
    level = AUDIBLE**0.5
    for sample in range(at * per, min((at + HOP_MS) * per, len(track.samples))):
        if abs(track.samples[sample]) > level:
            return sample / per
    return float(at)


def read(tape):
    with wave.open(str(tape)) as file:
        assert file.getnchannels() == 2 and file.getsampwidth() == 2, f"{tape}: not 16-bit stereo"
        rate = file.getframerate()
        both = array.array("h")
        both.frombytes(file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        both.byteswap()
    return Track(both[0::2], rate), Track(both[1::2], rate)


def by_level(caller):
    """Start, last voiced millisecond and name of each utterance."""
    return [(start, last_voiced(caller, start, end), "") for start, end in utterances(caller)]


# A recording with noise 12 dB below it is like its clean self by 0.97, and like the nearest other of fixtures/ by 0.83.
ALIKE = 0.9
# So long before or after the first sound a recording may begin.
LEAD_MS = 700


def by_clip(caller, corpus):
    """The same, of recordings that are known."""
    import numpy

    per = caller.rate // 1000
    sound = numpy.array(caller.samples, dtype=float)
    found, past = [], 0
    for start, _ in utterances(caller):
        # What lies in a clip that was found before is its own, after a pause.
        if start < past:
            continue
        # A clip begins with up to half a second of silence, or behind the tones of a tag.
        first = int(max(0, start - LEAD_MS, past - FRAME_MS) * per)
        likeness, clip, place = corpus.find(sound[first : (start + LEAD_MS) * per + corpus.longest])
        at = (first + place) / per
        if likeness < ALIKE or at > start + LEAD_MS:
            found.append((start, None, f"like no recording ({likeness:.2f})"))
            continue
        if abs(at / FRAME_MS - round(at / FRAME_MS)) > 0.1:
            found.append((start, None, f"{clip.name} begins {at:.2f} ms, off the caller's beat"))
            continue
        found.append((start, round(at) + clip.end, clip.name))
        past = at + len(clip.samples) / per
    return found


def check_call(tape, turns, bound, folders, others):
    """- others: utterances of the caller that are no turns (interruptions): their times tell which of a call's they are."""
    caller, agent = read(tape)
    if folders:
        from known_clips import Corpus

        if (key := (caller.rate, *folders)) not in CORPORA:
            CORPORA[key] = Corpus(folders, caller.rate)
        spoken = by_clip(caller, CORPORA[key])
    else:
        spoken = by_level(caller)
    heard = onsets(agent)
    differences, failures = [], []
    # Utterances follow each other in the sound as turns do in the report; turn n is utterance n of the call.
    for turn in turns:
        number, reported = turn["utterance"], turn["voice_to_voice_ms"]
        order = number + sum(at < turn["began_ms"] for at in others)
        if order > len(spoken):
            failures.append(f"turn {number}: the tape holds {len(spoken)} utterances")
            continue
        start, last, name = spoken[order - 1]
        if last is None:
            failures.append(f"turn {number}: {name}")
            continue
        due = last // FRAME_MS * FRAME_MS
        next_start = spoken[order][0] if order < len(spoken) else caller.length
        place = bisect.bisect_left(heard, start)
        if place == len(heard) or heard[place] >= next_start:
            failures.append(f"turn {number}: the agent is not heard after {due} ms")
            continue
        found = heard[place] - due
        differences.append(found - reported)
        if abs(found - reported) > bound:
            failures.append(
                f"turn {number}: reported {reported:.1f} ms, waveform {found:.1f} ms "
                f"(caller's end {due / 1000:.2f} s, agent heard {heard[place] / 1000:.3f} s)"
            )
    return differences, failures


CORPORA = {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--calls", type=int, default=20, help="so many calls must be there")
    parser.add_argument("--within", type=float, default=20.0, help="bound in ms")
    parser.add_argument("--corpus", nargs="+", default=[], help="folders with the recordings that callers spoke")
    arguments = parser.parse_args()
    calls = {}
    for line in (arguments.folder / "calls.jsonl").read_text().splitlines():
        call = json.loads(line)
        calls[call["call"]] = call
    passed = failed = judged = 0
    differences = []
    for tape in sorted((arguments.folder / "tapes").glob("call-*.wav")):
        call = calls.get(int(tape.stem.removeprefix("call-")))
        turns = [t for t in (call or {}).get("turns", []) if t.get("voice_to_voice_ms") is not None]
        if not turns:
            continue
        judged += 1
        others = [b["at_ms"] for b in call.get("barge_ins", [])]
        found, failures = check_call(tape, turns, arguments.within, arguments.corpus, others)
        differences += found
        passed, failed = passed + len(turns) - len(failures), failed + len(failures)
        worst = max(map(abs, found), default=0.0)
        print(f"call {call['call']}: {len(turns)} turns, largest difference {worst:.1f} ms")
        for failure in failures:
            print(f"  {failure}")
    if differences:
        differences.sort()
        middle = differences[len(differences) // 2]
        print(
            f"waveform - reported: {differences[0]:.1f} to {differences[-1]:.1f} ms, "
            f"median {middle:.1f} ms, {judged} calls"
        )
    if judged < arguments.calls:
        print(f"only {judged} calls with turns are on tape, {arguments.calls} are due")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed and judged >= arguments.calls else 1


if __name__ == "__main__":
    sys.exit(main())
