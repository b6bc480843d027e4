#!/usr/bin/env python3
"""The processor time of `uproar run` in its steady seconds, by how it is watched.

    Benchmarks/ViewBenchmark/run [ROUNDS]       (default 2)

20 callers; from second 8 to 28 of a run the time that its process spent on a processor (`/proc/PID/task/*/schedstat`, nanoseconds), its main thread alone: the callers
have threads of their own. Rounds alternate, so that a busier machine falls on all. Nothing is asserted.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = str(ROOT / ".build/release/uproar")
SCENARIO = f"""
name: view
seed: 42
target: embedded
transport: twilio
conversation: {ROOT}/scenarios/conversations/task-manager.yaml
audio: {ROOT}/fixtures/task-manager
load:
  - hold: 20 callers for 30s
"""
SECONDS = 20


def spent(pid):
    """Nanoseconds on a processor: of the main thread, and of all."""
    times = {int(task.name): int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}
    return times[pid], sum(times.values())


def measure(how):
    top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-view-"))
    scenario = top / "view.yaml"
    scenario.write_text(SCENARIO)
    command = [BINARY, "run", str(scenario), "--out", str(top / "run")]
    person, program = pty.openpty()
    if how == "quiet":
        command.append("--quiet")
    if how == "web":
        command += ["--web", "127.0.0.1:0"]
    stderr = program if how == "panel" else subprocess.PIPE
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
    source = person if how == "panel" else process.stderr.fileno()
    heard = bytearray()

    def listen():
        while process.poll() is None:
            if select.select([source], [], [], 0.2)[0]:
                try:
                    heard.extend(os.read(source, 65536))
                except OSError:
                    return

    def watch():
        address = re.search(rb"http://\S+", heard)
        while process.poll() is None and not address:
            time.sleep(0.1)
            address = re.search(rb"http://\S+", heard)
        if not address:
            return
        try:
            with urllib.request.urlopen(address[0].decode().rstrip("/") + "/events") as events:
                while events.read(1):
                    pass
        except OSError:
            pass

    threading.Thread(target=listen, daemon=True).start()
    if how == "web":
        threading.Thread(target=watch, daemon=True).start()
    try:
        time.sleep(8)
        before, start = spent(process.pid), time.monotonic()
        time.sleep(SECONDS)
        after, end = spent(process.pid), time.monotonic()
        process.wait(timeout=90)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(top, ignore_errors=True)
    return [(b - a) / 1e9 / (end - start) * 100 for a, b in zip(before, after)]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    ways = ["quiet", "lines", "panel", "web"]
    found = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            found[way].append(measure(way))
    print(f"20 callers, {rounds} runs each, {SECONDS} s of each: % of one core")
    print("watched by   main thread   above --quiet   whole process")
    mean = lambda way, which: sum(values[which] for values in found[way]) / rounds
    for way in ways:
        print(f"{way:12} {mean(way, 0):10.2f} {mean(way, 0) - mean('quiet', 0):15.2f} {mean(way, 1):15.2f}")


if __name__ == "__main__":
    main()
