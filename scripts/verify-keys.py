#!/usr/bin/env python3
"""Steers `uproar run` by the keys of its panel, from a pseudo-terminal, and looks at what became of it.

    scripts/verify-keys.py [--binary .build/release/uproar]

Every key does what the panel says, stands in the evidence and makes the run one that no baseline is made of; the terminal is as before however
the run ends (by itself, by `q`, by SIGINT, by SIGKILL: then the guardian gives it back); without a terminal keys do nothing; a terminal that nobody reads
from holds nothing up. Prints `N passed, N failed`.
"""

import argparse
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

from leftovers import alive

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCENARIO = """
name: keys
seed: 42
target: embedded
transport: twilio
conversation: {root}/scenarios/conversations/task-manager.yaml
audio: {root}/fixtures/task-manager
call_length: 6s
load:
  - arrive: {rate}/s constant for {seconds}s
patience: 10s
drain: 30s
"""
TIMELINE = """
timeline:
  - {id: slow, at: 18s, for: 2s, inject: ttfb_delay, delay: 200ms, on: openai}
"""


class Run:
    """One run whose three streams are a terminal of its own."""

    def __init__(self, binary, seconds=60, rate=2, more="", reads=True):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-keys-"))
        self.folder = self.top / "run"
        scenario = self.top / "keys.yaml"
        scenario.write_text(SCENARIO.format(root=ROOT, seconds=seconds, rate=rate) + more)
        self.person, program = pty.openpty()
        fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.program = program
        self.before = termios.tcgetattr(program)
        self.text = b""
        self.reads = reads

        def own_terminal():
            os.setsid()
            fcntl.ioctl(program, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [binary, "run", str(scenario), "--out", str(self.folder)], stdin=program,
            stdout=subprocess.PIPE, stderr=program, preexec_fn=own_terminal,
            env=dict(os.environ, UPROAR_KEYS=str(self.top)))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while self.reads:
            ready, _, _ = select.select([self.person], [], [], 0.2)
            if ready:
                try:
                    self.text += os.read(self.person, 65536)
                except OSError:
                    return

    def wait_for(self, words, within=40):
        end = time.monotonic() + within
        while time.monotonic() < end:
            if words.encode() in self.text:
                return True
            time.sleep(0.05)
        raise AssertionError(f"never said {words!r}; said: {self.text[-400:]!r}")

    def press(self, keys):
        os.write(self.person, keys.encode())

    def end(self, within=90):
        out, _ = self.process.communicate(timeout=within)
        return self.process.returncode, out.decode()

    def result(self):
        return json.loads((self.folder / "result.json").read_text())

    def journal(self):
        lines = [json.loads(line) for line in (self.folder / "journal.jsonl").read_text().splitlines()]
        return [line.get("what", "") for line in lines if "by_hand" in line.values()]

    @property
    def is_raw(self):
        return not termios.tcgetattr(self.program)[3] & termios.ICANON

    def restored(self):
        assert termios.tcgetattr(self.program) == self.before, "the terminal is not as it was"

    def close(self):
        self.reads = False
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.person)
        os.close(self.program)
        shutil.rmtree(self.top, ignore_errors=True)


def every_key(binary):
    run = Run(binary, seconds=30, rate=4, more=TIMELINE)
    try:
        run.wait_for("KEYS ")
        assert run.is_raw, "keys wait for a line"
        run.press("+")
        run.wait_for("rate 125 % of the plan")
        run.press("-")
        run.wait_for("rate 100 % of the plan")
        run.press("p")
        run.wait_for("PAUSED")
        # Those that were due at the key may still come.
        time.sleep(1)
        mark = len(run.text)
        time.sleep(3)
        offered = {part.split(b"offered ")[1].split()[0] for part in run.text[mark:].split(b"PAUSED")[1:] if b"offered " in part}
        assert len(offered) == 1, f"calls were begun in a pause: {offered}"
        run.press("p")
        run.wait_for("arrivals go on at 100 %")
        run.press("f")
        run.wait_for("fault slow before its time")
        run.wait_for("fault slow cleared")
        run.press("s")
        run.wait_for("snapshot-1.html")
        code, summary = run.end()
        result = run.result()
        assert code == 0, f"exit {code}\n{summary}"
        assert result["interactive"], "not marked interactive"
        # A pause puts calls off; it drops none.
        assert result["load"]["offered"] == 120, result["load"]
        assert result["load"]["duration_ms"] > 33_000, result["load"]
        fault = result["faults"][0]
        assert fault["effects"] > 0 and fault["armed_ms"] < 17_000, fault
        did = " | ".join(run.journal())
        for what in ("rate 125", "rate 100", "arrivals pause", "go on", "fault slow", "snapshot-1"):
            assert what in did, f"{what} is not in the journal: {did}"
        for what in ("rate 125", "arrivals pause"):
            assert what in summary, f"{what} is not in the summary:\n{summary}"
        page = (run.folder / "snapshot-1.html").read_text()
        assert "RUNNING" in page and "</html>" in page
        accepted = subprocess.run([binary, "baseline", "accept", str(run.folder), "--to", str(run.top / "b.json")],
                                  capture_output=True, text=True)
        assert accepted.returncode == 2 and "by hand" in accepted.stderr, accepted
        run.restored()
    finally:
        run.close()


def drain(binary):
    run = Run(binary)
    try:
        run.wait_for("TURNS ")
        time.sleep(4)
        pressed = time.monotonic()
        run.press("q")
        run.wait_for("no new calls, turns in progress end")
        code, summary = run.end(60)
        result = run.result()
        assert code == 0, f"exit {code}\n{summary}"
        assert time.monotonic() - pressed < 30
        assert result["interactive"] and not result["partial"]
        assert result["ledger"]["lost"] == 0, result["ledger"]
        run.restored()
    finally:
        run.close()


def interrupted(binary):
    run = Run(binary)
    try:
        run.wait_for("KEYS ")
        time.sleep(2)
        run.press("\x03")
        run.wait_for("interrupted: no new calls")
        run.press("\x03")
        code, _ = run.end(30)
        assert code == 130, f"exit {code}"
        run.restored()
    finally:
        run.close()


def killed(binary):
    run = Run(binary)
    try:
        run.wait_for("KEYS ")
        assert run.is_raw
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
        time.sleep(4)
        run.restored()
        assert not alive(str(run.top)), "processes are left"
    finally:
        run.close()


def nobody_reads(binary):
    """The terminal's buffer is full: panel lines are lost, and the run takes as long as ever. It takes some 18 KB, a dozen seconds of the panel."""
    run = Run(binary, seconds=30, reads=False)
    try:
        start = time.monotonic()
        code, summary = run.end(120)
        took = time.monotonic() - start
        assert code == 0, f"exit {code}"
        assert "PASSED" in summary, summary
        assert run.result()["load"]["offered"] == 60
        assert took < 70, f"took {took:.0f} s"
    finally:
        run.close()


def nobody_reads_the_summary(binary):
    """stdout is a pipe that is full from the beginning: the result is written, and the run ends with its verdict."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-keys-"))
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writer, True)
        scenario = top / "keys.yaml"
        scenario.write_text(SCENARIO.format(root=ROOT, seconds=6, rate=2))
        process = subprocess.Popen([binary, "run", str(scenario), "--out", str(top / "run")], stdin=subprocess.DEVNULL, stdout=writer,
                                   stderr=subprocess.DEVNULL)
        result = {"partial": True}
        end = time.monotonic() + 90
        while result["partial"] and time.monotonic() < end:
            time.sleep(0.1)
            file = top / "run/result.json"
            result = json.loads(file.read_text()) if file.exists() else result
        assert not result["partial"], "the result was not written"
        assert process.wait(timeout=10) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(reader)
        os.close(writer)
        shutil.rmtree(top, ignore_errors=True)


def no_terminal(binary):
    top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-keys-"))
    try:
        scenario = top / "keys.yaml"
        scenario.write_text(SCENARIO.format(root=ROOT, seconds=6, rate=2))
        done = subprocess.run([binary, "run", str(scenario), "--out", str(top / "run")], input=b"pq++fs", capture_output=True, timeout=90)
        assert done.returncode == 0, done
        result = json.loads((top / "run/result.json").read_text())
        assert not result.get("interactive") and result["load"]["offered"] == 12, result["load"]
        assert b"KEYS" not in done.stderr
    finally:
        shutil.rmtree(top, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / ".build/release/uproar"))
    binary = parser.parse_args().binary
    passed = failed = 0
    for name, trial in [("every key", every_key), ("q drains", drain), ("Ctrl-C twice", interrupted), ("SIGKILL", killed),
                        ("nobody reads the terminal", nobody_reads), ("nobody reads the summary", nobody_reads_the_summary),
                        ("no terminal", no_terminal)]:
        try:
            trial(binary)
            passed += 1
            print(f"ok   {name}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired, OSError, KeyError, ValueError) as error:
            failed += 1
            print(f"FAIL {name}: {error!r}"[:1200], flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
