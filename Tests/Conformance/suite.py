"""What all conformance cases share: the emulators' process, recorded speech, and how cases are declared.

A case drives one real client against its emulator and asserts on the client's own objects. Faults are asked for by the API key
(`fault-status-503`, `fault-piece-2-reset`): see docs/providers.md.
"""

import asyncio
import os
import re
import subprocess
import ssl
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import soundfile

# Each client loads its authorities anew, which takes longer than most cases; here nothing is encrypted.
ssl.SSLContext.load_verify_locations = lambda *_, **__: None

ROOT = Path(__file__).resolve().parents[2]
KEY = "conformance"


@dataclass
class Case:
    client: str
    name: str
    run: object
    limit: float = 60.0


CASES: list[Case] = []
# Connections that were cut at a message, by client.
CUTS: dict[str, int] = {}


def case(client: str, name: str, limit: float = 60.0):
    """Declares a case: an async function that takes the `Emulators` and ends within so many seconds."""

    def declare(function):
        CASES.append(Case(client, name, function, limit))
        return function

    return declare


class Emulators:
    """`uproar providers` on ports of its own."""

    def __init__(self, binary: str, port: int):
        self.ports: dict[str, int] = {}
        # A file, not a pipe: nobody reads it while the cases run.
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            [binary, "providers", "--port", str(port)],
            cwd=ROOT, stderr=self.log, stdout=subprocess.DEVNULL, text=True,
        )
        deadline = time.monotonic() + 60
        while "workflow" not in self.ports:
            if not self.is_running or time.monotonic() > deadline:
                raise RuntimeError(f"the emulators did not start:\n{self.said()}")
            time.sleep(0.1)
            for found in re.finditer(r"providers: (\w+) 127\.0\.0\.1:(\d+)", self.said()):
                self.ports[found[1]] = int(found[2])

    def said(self) -> str:
        """The end of what the emulators have written."""
        size = os.fstat(self.log.fileno()).st_size
        start = max(0, size - 8000)
        return os.pread(self.log.fileno(), size - start, start).decode(errors="replace")

    def http(self, provider: str) -> str:
        return f"http://127.0.0.1:{self.ports[provider]}"

    def ws(self, provider: str) -> str:
        return f"ws://127.0.0.1:{self.ports[provider]}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None


def speech(clip: str = "add-milk-slt", rate: int = 16000) -> bytes:
    """A clip of the shipped corpus as 16-bit samples, with silence around it."""
    samples, found = soundfile.read(ROOT / f"fixtures/task-manager/{clip}.flac", dtype="int16")
    assert found == 16000
    step = 16000 // rate
    quiet = bytes(2 * rate // 2)
    return quiet + samples[::step].tobytes() + bytes(2 * rate * 3 // 2)


SAID = "add buy milk to my list"


def plain(text: str) -> str:
    return re.sub(r"[^a-z ]", "", text.lower()).strip()


async def paced(audio: bytes, send, piece: int = 640, rate: int = 16000):
    """Sends audio as fast as it is spoken."""
    start = time.monotonic()
    for index, place in enumerate(range(0, len(audio), piece)):
        wait = start + index * piece / 2 / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        result = send(audio[place : place + piece])
        if asyncio.iscoroutine(result):
            await result


async def until(condition, seconds: float = 8.0):
    """Waits for something to become true; the assertion names what did not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        await asyncio.sleep(0.02)


def raises(kind, status=None):
    """`with raises(X, 401):` - the body must raise X, with that status where the client tells it."""
    return _Raises(kind, status)


class _Raises:
    def __init__(self, kind, status):
        self.kind, self.status, self.error = kind, status, None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert error is not None, f"{self.kind.__name__} was not raised"
        if not isinstance(error, self.kind):
            return False
        self.error = error
        if self.status is not None:
            seen = getattr(error, "status_code", None)
            if seen is None and getattr(error, "response", None) is not None:
                seen = error.response.status_code
            assert seen == self.status, f"status {seen} instead of {self.status}: {error}"
        return True
