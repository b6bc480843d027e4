#!/usr/bin/env python3
"""Steers a live run by hand and looks whether all of it shows.

    scripts/verify-game-day.py [--binary .build/release/uproar]

status, inject, mark and clear on a run that is going on; what is wrong is refused with the nearest name or the guard rail; the door is this
person's alone; everything stands in the journal before it bites and in the report; the run is no baseline. Prints `N passed, N failed`.
"""

import argparse
import json
import re
import stat
import sys
import time

from trials import ROOT, Trial


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / ".build/release/uproar"))
    binary = parser.parse_args().binary
    trial = Trial(binary, "pause", at=26, lasting=2, length=38)
    done = []

    def check(name, holds, said=""):
        done.append(bool(holds))
        print(f"{'ok  ' if holds else 'FAIL'} {name}{'' if holds else ': ' + str(said)[:400]}", flush=True)

    def asks(name, words, code, text):
        answer = trial.command(*words)
        said = answer.stdout + answer.stderr
        check(name, answer.returncode == code and text in said, f"exit {answer.returncode}: {said}")

    try:
        trial.wait_for("run")
        runs = trial.top / "state/uproar/runs"
        end = time.monotonic() + 20
        while not list(runs.glob("*.sock")) and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(6)
        doors = list(runs.glob("*.sock"))
        check("one door", len(doors) == 1, doors)
        check("a door for this person alone", stat.S_IMODE(doors[0].stat().st_mode) == 0o600, oct(doors[0].stat().st_mode))
        check("in a folder for this person alone", stat.S_IMODE(runs.stat().st_mode) == 0o700, oct(runs.stat().st_mode))
        asks("status", ["status"], 0, "trial-")
        asks("status of a run", ["status", "trial"], 0, "waiting")
        asks("a run that is not there", ["status", "trail"], 2, "there is no run trail")
        asks("a fault that is not there", ["inject", "trial", "http_eror", "--for", "3s"], 2, "http_error")
        asks("an attribute that is not there", ["inject", "trial", "http_error", "--on", "deepgram", "--for", "3s", "stat=503"], 2, "status")
        asks("no end", ["inject", "trial", "http_error", "--on", "deepgram"], 2, "--for")
        asks("a guard rail", ["inject", "trial", "kill", "--on", "redis", "--for", "3s"], 2, "destructive")
        asks("inject", ["inject", "trial", "http_error", "--on", "deepgram", "--for", "20s", "status=503"], 0, "by-hand-1")
        asks("mark", ["mark", "trial", "acknowledged"], 0, "acknowledged")
        time.sleep(3)
        asks("it has bitten", ["status", "trial"], 0, "effective")
        asks("clear what is not armed", ["clear", "trial", "by-hand-2"], 2, "did you mean by-hand-1")
        asks("clear", ["clear", "trial", "by-hand-1"], 0, "cleared")
        code, text = trial.finish(90)
        lines = trial.journal()
        events = [line["event"] for line in lines]
        check("the run ends", code in (0, 4), f"exit {code}: {text}")
        check("by hand comes before it bites", "by_hand" in events and events.index("by_hand") < events.index("effective"), events)
        check("the mark is in the journal", any(line.get("text") == "acknowledged" for line in lines), events)
        result = json.loads((trial.folder / "result.json").read_text())
        check("interactive", result.get("interactive") is True, result.get("interactive"))
        check("said in the report", re.search(r"^BY HAND +at ", text, re.M) and "acknowledged" in text, text)
        check("in the post-mortem", "by-hand-1" in (trial.folder / "postmortem.md").read_text())
        refused = trial.command("baseline", "accept", str(trial.folder / "result.json"), "--to", str(trial.top / "baseline.json"))
        check("no baseline", refused.returncode != 0, refused.stdout + refused.stderr)
        asks("the chain holds", ["journal", str(trial.folder)], 0, "the chain holds")
        path = trial.folder / "journal.jsonl"
        path.write_text(path.read_text().replace("acknowledged", "unacknowledged", 1))
        asks("a forged line is named", ["journal", str(trial.folder)], 1, "BROKEN at line")
    finally:
        trial.close()
    print(f"{sum(done)} passed, {len(done) - sum(done)} failed")
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
