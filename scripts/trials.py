"""Small live runs with one fault, and what they leave: for the crash and abort matrices."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from leftovers import alive

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Each fault of processes, and one of providers, as a timeline's event without its times.
FAULTS = {
    "kill": "inject: kill, restart: 500ms, on: agent",
    "pause": "inject: pause, on: redis",
    "drain": "inject: drain, grace: 2s, restart: 500ms, on: agent",
    "cpu_pressure": "inject: cpu_pressure, workers: 1, load: 50%, slice: 20ms, on: machine",
    "cpu_quota": "inject: cpu_quota, quota: 1%, method: cgroup, on: agent",
    "cpu_quota_stop": "inject: cpu_quota, quota: 30%, method: stop, on: redis",
    "memory_pressure": "inject: memory_pressure, bytes: 100MB, on: machine",
    "memory_limit": "inject: memory_limit, bytes: 600MB, on: agent",
    "memory_rlimit": "inject: memory_limit, bytes: 64GB, method: rlimit, on: redis",
    "oom": "inject: oom, restart: 500ms, on: agent",
    "http_error": "inject: http_error, status: 503, on: deepgram",
}
SCENARIO = """name: trial
summary: One fault.
seed: 42
target:
  embedded: {{workers: 1}}
transport: twilio
conversation: {root}/scenarios/conversations/task-manager.yaml
audio: {root}/fixtures/task-manager
load:
  - hold: 16 callers for {length}s
patience: 10s
drain: 5s
timeline:
  - {{id: trial, at: {at}s, for: {lasting}s, {fault}}}
gates:
  - "turns_answered: count >= 1"
{extra}"""


class Trial:
    """One run in a state folder of its own, told from all others by its environment."""

    def __init__(self, binary, fault, at=10, lasting=4, length=40, extra="", environment=None):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-trial-"))
        self.folder = self.top / "run"
        self.binary = binary
        scenario = self.top / "trial.yaml"
        scenario.write_text(
            SCENARIO.format(root=ROOT, fault=FAULTS[fault], at=at, lasting=lasting, length=length, extra=extra)
        )
        self.environment = dict(os.environ, XDG_STATE_HOME=str(self.top / "state"), UPROAR_TRIAL=str(self.top))
        self.environment.update(environment or {})
        self.process = subprocess.Popen(
            [binary, "run", str(scenario), "--out", str(self.folder), "--quiet"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment,
        )  # fmt: skip

    def command(self, *words):
        return subprocess.run([self.binary, *words], capture_output=True, text=True, env=self.environment)

    def journal(self):
        """The whole lines of the journal so far."""
        try:
            text = (self.folder / "journal.jsonl").read_text()
        except OSError:
            return []
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def wait_for(self, event, limit=40):
        end = time.monotonic() + limit
        while time.monotonic() < end and self.process.poll() is None:
            if found := [line for line in self.journal() if line["event"] == event]:
                return found[-1]
            time.sleep(0.01)
        return None

    def finish(self, limit):
        """Its exit code and what it said; None when it is still there after `limit` seconds."""
        try:
            text, _ = self.process.communicate(timeout=limit)
            return self.process.returncode, text
        except subprocess.TimeoutExpired:
            return None, ""

    def members(self):
        return alive(str(self.top))

    def left(self):
        """What is there of the run: its processes, control groups of ours, undo records, doors."""
        found = [f"process {pid}" for pid in self.members()]
        token = f"uproar-{self.process.pid}-"
        for base, folders, _ in os.walk("/sys/fs/cgroup"):
            found += [f"group {base}/{name}" for name in folders if name.startswith(token)]
        state = self.top / "state" / "uproar"
        found += [f"undo {path.name}" for path in (state / "undo").glob("*.jsonl")] if state.exists() else []
        found += [f"door {path.name}" for path in (state / "runs").glob("*.sock")] if state.exists() else []
        return found

    def wait_until_clean(self, limit, but=()):
        end = time.monotonic() + limit
        while True:
            left = [what for what in self.left() if not what.startswith(tuple(but) or ("\0",))]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.05)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        for pid in self.members():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.top, ignore_errors=True)
