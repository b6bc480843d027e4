#!/usr/bin/env python3
"""Interrupts `uproar run` in the ways people do and looks at how it ends.

    scripts/verify-signals.py [--binary .build/release/uproar]

SIGINT once drains, twice hangs up, SIGTERM drains too; each ends with its exit code, a whole result that says so, and no
process of the run. Prints `N passed, N failed`.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from leftovers import alive

ROOT = pathlib.Path(__file__).resolve().parent.parent


def trial(binary, name, signals, code, within):
    """`signals`: (seconds after the start or the signal before, signal). `within`: seconds from the last one to the exit."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-signals-"))
    folder = top / "run"
    command = [binary, "run", str(ROOT / "scenarios/quickstart.yaml"), "--out", str(folder), "--quiet",
               "--set", "load=[hold: 20 callers for 60s]"]
    # Under nohup this check inherits that SIGHUP is to be ignored, which a run heeds.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=dict(os.environ, UPROAR_SIGNALS=str(top)))
    for delay, number in signals:
        time.sleep(delay)
        process.send_signal(number)
    sent = time.monotonic()
    problems = []
    try:
        text, _ = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        text, _ = process.communicate()
        problems.append(f"still there {within} s later")
    took = time.monotonic() - sent
    if process.returncode != code:
        problems.append(f"exit {process.returncode}, expected {code}")
    time.sleep(0.3)
    if left := alive(str(top)):
        problems.append(f"processes left: {left}")
    try:
        result = json.loads((folder / "result.json").read_text())
        if result["partial"]:
            problems.append("the result is partial")
        if result["outcome"]["word"] != "interrupted":
            problems.append(f"outcome {result['outcome']}")
    except (OSError, ValueError, KeyError) as error:
        problems.append(f"no whole result: {error!r}")
    if "INTERRUPTED" not in text:
        problems.append(f"said: {text[-300:]}")
    print(f"{'FAIL' if problems else 'ok  '} {name} (ended {took:.1f} s after): {'; '.join(problems)}", flush=True)
    shutil.rmtree(top, ignore_errors=True)
    return not problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / ".build/release/uproar"))
    binary = parser.parse_args().binary
    interrupt, terminate = signal.SIGINT, signal.SIGTERM
    done = [
        trial(binary, "SIGINT while calling", [(8, interrupt)], 130, 90),
        trial(binary, "SIGINT twice", [(8, interrupt), (1, interrupt)], 130, 6),
        trial(binary, "SIGINT before the first call", [(0.6, interrupt)], 130, 10),
        trial(binary, "SIGTERM while calling", [(8, terminate)], 143, 90),
        trial(binary, "SIGHUP while calling", [(8, signal.SIGHUP)], 143, 90),
        trial(binary, "SIGTERM twice", [(8, terminate), (1, terminate)], 143, 6),
    ]
    print(f"{sum(done)} passed, {len(done) - sum(done)} failed")
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
