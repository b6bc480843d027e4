#!/usr/bin/env python3
"""Kills `uproar run` with SIGKILL at random moments and looks for what is left.

    scripts/verify-survival.py [--binary .build/release/uproar] [--scenario scenarios/quickstart.yaml] [--times 20]

After each kill, within 3 s: no process that mentions the run's folder, no listening socket of such a process, and a result
that `uproar report` loads and marks partial. A third of the kills fall into the first 200 ms. As root it works in a network namespace of its own, where every
socket is the run's; otherwise another program that starts to listen meanwhile is taken for ours. Prints `N passed, N failed`.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from leftovers import alive


def listeners():
    """Inodes of listening TCP sockets with their ports."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found[fields[9]] = int(fields[1].rsplit(":", 1)[1], 16)
    return found


def one(arguments, delay, index):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="uproar-survival-")) / "run"
    before = set(listeners())
    command = [arguments.binary, "run", arguments.scenario, "--out", str(folder), "--quiet"]
    environment = dict(os.environ, UPROAR_SURVIVAL=str(folder))
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 3
    left, ports = [0], {1}
    while time.monotonic() < deadline and (left or ports):
        time.sleep(0.1)
        left = alive(str(folder))
        ports = set(listeners()) - before
    problems = []
    if left:
        problems.append(f"processes left: {left}")
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    if ports:
        problems.append(f"listening sockets left: {len(ports)}")
    report = subprocess.run(
        [arguments.binary, "report", str(folder / "result.json")], capture_output=True, text=True
    )
    # A run killed before it could make its folder never started.
    if folder.exists():
        if report.returncode not in (0, 4) or "partial" not in (report.stdout + report.stderr).lower():
            problems.append(f"result not loadable as partial: {report.stderr.strip()[:200]}")
    elif delay > 0.5:
        problems.append("no run folder")
    print(f"{index + 1:3} killed after {delay * 1000:7.0f} ms: {'; '.join(problems) or 'clean'}")
    shutil.rmtree(folder.parent, ignore_errors=True)
    return not problems


def enter_namespace():
    """Starts this program again in a network namespace of its own, whose loopback is up."""
    if os.geteuid() != 0 or "UPROAR_NAMESPACE" in os.environ or not shutil.which("ip"):
        return
    script = 'ip link set lo up && exec "$@"'
    os.execvpe(
        "unshare",
        ["unshare", "--net", "sh", "-c", script, "sh", sys.executable, *sys.argv],
        dict(os.environ, UPROAR_NAMESPACE="1"),
    )


def main():
    enter_namespace()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/release/uproar")
    parser.add_argument("--scenario", default="scenarios/quickstart.yaml")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--longest", type=float, default=25.0, help="latest kill in seconds")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    passed = 0
    for index in range(arguments.times):
        early = index % 3 == 0
        delay = draw.uniform(0.005, 0.2) if early else draw.uniform(0.2, arguments.longest)
        passed += one(arguments, delay, index)
    print(f"{passed} passed, {arguments.times - passed} failed")
    return 0 if passed == arguments.times else 1


if __name__ == "__main__":
    sys.exit(main())
