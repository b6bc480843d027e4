#!/usr/bin/env python3
"""A run that passes must turn invalid when the harness was not fit to judge it: real runs, each disturbed in one way.

    scripts/verify-validity.py [--binary .build/release/uproar] [--scenario scenarios/first-call.yaml]

quiet       nothing is disturbed: it must not be invalid
paused      the generator is stopped (SIGSTOP) for some 100 ms, again and again
hog         every core is kept busy at the priority of the callers' threads
capped      --dial-limit below the rate of arrivals: callers that could not start
Prints what each run said, and `N passed, N failed`.
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
import threading
import time

SET = [
    "--set", "target=embedded", "--set", "drain=20s",
    "--set", "load=[{arrive: 5/s constant for 8s}]",
    "--set", "gates=['turns_lost: count <= 0']",
]  # fmt: skip


def pause(process, stop):
    """Stops the run's own process, not its children, for 150 ms twice a second."""
    time.sleep(4)
    while process.poll() is None and not stop.is_set():
        try:
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.15)
            process.send_signal(signal.SIGCONT)
        except ProcessLookupError:
            return
        time.sleep(0.35)


def spin(nice):
    """A child that burns a core; the callers' threads ask for a high priority, so the hog asks for as much."""
    code = (
        "import os\n"
        f"try: os.setpriority(os.PRIO_PROCESS, 0, {nice})\n"
        "except OSError: pass\n"
        "try: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(50))\n"
        "except OSError: pass\n"
        "while True: pass\n"
    )
    return subprocess.Popen([sys.executable, "-c", code])


def hog(process, stop):
    """Two spinners for each core, in bursts: a machine must stay usable for whoever looks."""
    time.sleep(4)
    while process.poll() is None and not stop.is_set():
        hogs = [spin(-20) for _ in range(2 * (os.cpu_count() or 1))]
        time.sleep(1.2)
        for one in hogs:
            one.kill()
            one.wait()
        time.sleep(0.3)


CASES = {
    "quiet": (None, [], False),
    "paused": (pause, [], True),
    "hog": (hog, [], True),
    "capped": (None, ["--dial-limit", "2"], True),
}


def run(arguments, name):
    disturb, flags, must = CASES[name]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="uproar-validity-"))
    command = [arguments.binary, "run", arguments.scenario, "--quiet", "--seed", "7"]
    command += ["--out", str(folder / "run"), *SET, *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stop = threading.Event()
    thread = None
    if disturb:
        thread = threading.Thread(target=disturb, args=(process, stop))
        thread.start()
    try:
        _, errors = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        process.kill()
        errors = b"no end after 180 s"
    stop.set()
    if thread:
        thread.join()
    try:
        result = json.loads((folder / "run" / "result.json").read_text())
        word, validity = result["outcome"]["word"], result["validity"]
        state, reasons = validity["state"], validity["reasons"]
    except (OSError, KeyError, ValueError):
        word, state, reasons = "nothing", "unknown", [errors.decode(errors="replace")[-300:]]
    shutil.rmtree(folder, ignore_errors=True)
    good = (state == "invalid" and process.returncode == 4) if must else state != "invalid"
    wanted = "invalid" if must else "not invalid"
    print(
        f"{'ok  ' if good else 'FAIL'} {name:8} wanted {wanted:12} got {state} ({word}, exit"
        f" {process.returncode}): {'; '.join(reasons[:2]) or 'no reason'}",
        flush=True,
    )
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/release/uproar")
    parser.add_argument("--scenario", default="scenarios/first-call.yaml")
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    arguments = parser.parse_args()
    good = [run(arguments, name) for name in arguments.cases]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
