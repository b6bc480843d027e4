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
# Every other fault: they act in processes that die with the run (emulators, relays, callers), so nothing outside has to be undone. Calls begin and
# end all the time, so that each has something to meet.
CARRIED = {
    "rate_limit": "inject: rate_limit, on: openai",
    "auth_fail": "inject: auth_fail, on: openai",
    "connect_refuse": "inject: connect_refuse, on: openai",
    "connect_hang": "inject: connect_hang, on: openai",
    "headers_then_hang": "inject: headers_then_hang, on: openai",
    "ttfb_delay": "inject: ttfb_delay, delay: 300ms, on: openai",
    "pace": "inject: pace, gap: 50ms, on: openai",
    "stall_at": "inject: stall_at, on: openai",
    "cut_at": "inject: cut_at, on: openai",
    "half_open": "inject: half_open, on: deepgram",
    "keepalive_only": "inject: keepalive_only, on: openai",
    "inband_error": "inject: inband_error, on: openai",
    "empty_success": "inject: empty_success, on: openai",
    "truncated_success": "inject: truncated_success, on: openai",
    "malformed": "inject: malformed, on: openai",
    "dup_reorder": "inject: dup_reorder, duplicates: 100%, on: deepgram",
    "audio_wrong": "inject: audio_wrong, on: cartesia",
    "close_code": "inject: close_code, on: deepgram",
    "complete_fails": "inject: complete_fails, on: object_store",
    "checksum_mismatch": "inject: checksum_mismatch, on: object_store",
    "late_visibility": "inject: late_visibility, delay: 1s, on: object_store",
    "link_delay": "inject: delay, delay: 20ms, on: agent->deepgram",
    "link_bandwidth": "inject: bandwidth, rate: 512kbps, on: agent->deepgram",
    "link_slicer": "inject: slicer, size: 100B, on: agent->deepgram",
    "link_stall": "inject: stall, on: agent->deepgram",
    "link_partition": "inject: partition, on: agent->deepgram",
    "link_half_open": "inject: half_open, on: agent->deepgram",
    "link_connect_refuse": "inject: connect_refuse, on: agent->deepgram",
    "link_reset": "inject: reset, on: agent->deepgram",
    "link_cut": "inject: cut, after_bytes: 1KB, on: agent->deepgram",
    "link_slow_close": "inject: slow_close, delay: 500ms, on: agent->deepgram",
    "redis_hang": "inject: hang, on: redis",
    "redis_slow": "inject: slow, delay: 20ms, on: redis",
    "redis_error": "inject: error, kind: READONLY, on: redis",
    "redis_drop_connections": "inject: drop_connections, on: redis",
    "redis_failover": "inject: failover, on: redis",
    "redis_restart_empty": "inject: restart_empty, on: redis",
    "redis_maxclients": "inject: maxclients, open_connections: reset, on: redis",
    "loss": "inject: loss, p: 1/2, on: uplink",
    "burst_loss": "inject: burst_loss, enter: 50%, on: uplink",
    "jitter": "inject: jitter, delay: 20ms, on: downlink",
    "reorder": "inject: reorder, p: 1/2, on: uplink",
    "duplicate": "inject: duplicate, p: 1/2, on: uplink",
    "corrupt": "inject: corrupt, p: 1/2, on: uplink",
    "narrow": "inject: narrow, rate: 32kbps, on: uplink",
    "gain": "inject: gain, factor: 0.5x, on: downlink",
    "clipping": "inject: clipping, factor: 4x, on: downlink",
    "one_way_audio": "inject: one_way_audio, on: uplink",
    "encoding_mismatch": "inject: encoding_mismatch, on: uplink",
}
# Who has no publisher and subscriber to act between.
UNMET = {"pubsub_loss"}
# Recordings are uploaded when calls end.
STORES = {"complete_fails", "checksum_mismatch", "late_visibility"}
SHORT_CALLS = """call_length: 7s
recording: on
agent: {recording_part_kilobytes: 64}
"""
SCENARIO = """name: trial
summary: One fault.
seed: 42
target:
  embedded: {{workers: 1}}
transport: twilio
conversation: {root}/scenarios/conversations/task-manager.yaml
audio: {root}/fixtures/task-manager
load:
{load}
patience: 10s
drain: 5s
timeline:
  - {{id: trial, at: {at}s, for: {lasting}s, {fault}}}
gates:
  - "turns_answered: count >= 1"
{extra}"""


class Trial:
    """One run in a state folder of its own, told from all others by its environment."""

    def __init__(
        self, binary, fault, at=10, lasting=4, length=40, extra="", environment=None,
        load="  - hold: 16 callers for {length}s",
    ):  # fmt: skip
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-trial-"))
        self.folder = self.top / "run"
        self.binary = binary
        scenario = self.top / "trial.yaml"
        scenario.write_text(
            SCENARIO.format(
                root=ROOT, fault=FAULTS.get(fault) or CARRIED[fault], at=at, lasting=lasting,
                load=load.format(length=length), extra=extra,
            )
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
