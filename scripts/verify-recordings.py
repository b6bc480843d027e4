#!/usr/bin/env python3
"""An agent that is killed and comes back loses no recording; recordings can be listed, fetched and erased.

    scripts/verify-recordings.py [--binary .build/release/uproar] [--callers 20]

Starts the emulators and an agent by hand, calls it, kills it with SIGKILL under load, starts it anew on the same port with the same
spool, and looks into the store with `uproar recordings`. Prints `N passed, N failed`.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from leftovers import alive

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY = "5a" * 32
results = []


def check(name, claim, detail=""):
    results.append(claim)
    print(("ok      " if claim else "FAILED  ") + name + (f": {detail}" if detail and not claim else ""))


class Stage:
    def __init__(self, binary, top):
        self.binary, self.top = binary, top
        self.children = []
        self.environment = dict(
            os.environ, UPROAR_SIGNALS=str(top), RECORDING_KEY=KEY, RECORDING_ENABLED="true",
            AWS_ACCESS_KEY_ID="uproar", AWS_SECRET_ACCESS_KEY="uproar-emulated", HOSTNAME="worker-1",
            XDG_STATE_HOME=str(top / "state"))

    def start(self, log, *arguments):
        file = open(self.top / log, "ab")
        child = subprocess.Popen([self.binary, *arguments], stdout=file, stderr=file, env=self.environment)
        self.children.append(child)
        return child

    def wait(self, log, pattern, within=60):
        end = time.monotonic() + within
        while time.monotonic() < end:
            text = (self.top / log).read_text(errors="replace")
            if found := re.search(pattern, text):
                return found
            time.sleep(0.1)
        raise SystemExit(f"{log} never said {pattern}:\n{text[-2000:]}")

    def uproar(self, *arguments, environment=None):
        return subprocess.run(
            [self.binary, *arguments], capture_output=True, text=True, timeout=120,
            env=environment or self.environment)

    def end(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()


def wav(path):
    """Encoding, channels, rate and seconds of a WAV file."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE", "no WAV"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8, "its length is wrong"
    encoding, channels, rate = struct.unpack("<HHI", data[20:28])
    place = data.index(b"data")
    size = struct.unpack("<I", data[place + 4:place + 8])[0]
    return encoding, channels, rate, size / channels / rate


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=str(ROOT / ".build/release/uproar"))
    parser.add_argument("--callers", type=int, default=20)
    arguments = parser.parse_args()
    top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-recordings-"))
    stage = Stage(arguments.binary, top)
    try:
        drill(stage, top, arguments.callers)
    finally:
        stage.end()
        time.sleep(0.3)
        check("no process is left", not alive(str(top)))
        shutil.rmtree(top, ignore_errors=True)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


def drill(stage, top, callers):
    first = 21000 + os.getpid() % 9000
    stage.start("providers.log", "providers", "--port", str(first), "--seed", "5")
    attach = stage.wait("providers.log", r"attach (tcp://\S+)").group(1)
    ports = {}
    for name, port in re.findall(r"providers: (\w+) 127\.0\.0\.1:(\d+)", (top / "providers.log").read_text()):
        ports[name] = port
    config = top / "agent.json"
    config.write_text(json.dumps({"agent": {
        "recording_spool": str(top / "spool"), "maximum_calls": callers * 2, "redis_url": "",
        "metrics_port": 0, "health_port": 0}}))
    media = first + 200

    def agent():
        return stage.start(
            "agent.log", "agent", "--config", str(config), "--port", str(media),
            "--providers", f"127.0.0.1:{first}")

    worker = agent()
    stage.wait("agent.log", r"agent: ws://")
    time.sleep(2)
    scenario = top / "calls.yaml"
    scenario.write_text(f"""name: recordings
seed: 5
target: {{url: "ws://127.0.0.1:{media}/media"}}
providers: {{attach: "{attach}"}}
conversation: {ROOT}/scenarios/conversations/task-manager.yaml
audio: {ROOT}/fixtures/task-manager
load:
  - ramp: 0 -> {callers} callers over 5s
  - hold: {callers} callers for 30s
drain: 60s
gates:
  - "turns_answered: count >= 1"
""")
    run = stage.start("run.log", "run", str(scenario), "--quiet", "--out", str(top / "run"))
    time.sleep(25)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    left = list((top / "spool/worker-1").glob("*.part"))
    check("a killed agent leaves recordings on disk", len(left) >= callers // 2, f"{len(left)}")
    plain = [f for f in left if b"RIFF" in f.read_bytes() or b"caller-" in f.read_bytes()]
    check("none of them in the clear", not plain, str(plain))
    worker = agent()
    run.wait(timeout=150)
    time.sleep(5)
    store = ["--endpoint", f"http://127.0.0.1:{ports['object_store']}"]
    listed = stage.uproar("recordings", "list", *store)
    keys = [line.split()[2] for line in listed.stdout.splitlines()]
    check("the store has a recording of each call", listed.returncode == 0 and len(keys) >= callers,
          f"{len(keys)}\n{listed.stderr}")
    check("each call once", len({key.rsplit('-', 1)[1] for key in keys}) == len(keys))
    check("nothing is left on disk", not list((top / "spool/worker-1").glob("*.rec")))

    fetched = stage.uproar("recordings", "fetch", *store, "--out", str(top / "wav"))
    files = sorted((top / "wav").glob("*.wav"))
    check("all can be fetched and decrypted", fetched.returncode == 0 and len(files) == len(keys),
          fetched.stdout + fetched.stderr)
    shapes = {wav(f)[:3] for f in files}
    check("they are stereo mu-law at 8 kHz", shapes == {(7, 2, 8000)}, str(shapes))
    lengths = [wav(f)[3] for f in files]
    check("they are as long as calls", max(lengths) > 5, str(lengths))
    cut = sum("(cut off)" in line for line in fetched.stdout.splitlines())
    check("those of killed calls are said to be cut off", cut >= callers // 2, f"{cut}")

    wrong = stage.uproar("recordings", "fetch", *store, "--out", str(top / "no"),
                         environment=dict(stage.environment, RECORDING_KEY="00" * 32))
    check("another key opens none", wrong.returncode == 1 and not list((top / "no").glob("*")),
          wrong.stdout + wrong.stderr)
    person = stage.uproar("recordings", "list", *store, "--person", "caller-1")
    own = person.stdout.splitlines()
    check("a person's recordings are found", 0 < len(own) < len(keys), person.stdout + person.stderr)
    everything = stage.uproar("recordings", "erase", *store)
    check("erase wants to know which", everything.returncode == 2, everything.stderr)
    erased = stage.uproar("recordings", "erase", *store, "--person", "caller-1")
    check("and erased", erased.returncode == 0 and f"{len(own)} recordings erased" in erased.stderr,
          erased.stdout + erased.stderr)
    check("and gone", len(stage.uproar("recordings", "list", *store).stdout.splitlines())
          == len(keys) - len(own))
    log = (top / "state/uproar/recordings-access.log").read_text().splitlines()
    events = [json.loads(line)["event"] for line in log]
    check("every access is logged", events.count("fetch") >= len(keys) and events.count("erase") == len(own),
          str(events))
    unlogged = stage.uproar("recordings", "list", *store, "--access-log", "/nowhere/log")
    check("nothing is done without a log", unlogged.returncode == 2 and not unlogged.stdout, unlogged.stderr)
    worker.send_signal(signal.SIGTERM)
    check("the agent goes when told to", worker.wait(timeout=30) == 0)


if __name__ == "__main__":
    sys.exit(main())
