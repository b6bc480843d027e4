#!/usr/bin/env python3
"""Gives `uproar` what it cannot use and looks at what it says: the exit code and the words, within a time.

    scripts/verify-bad-input.py [--binary .build/release/uproar] [--only NAME]

The full disk is a small tmpfs of a mount namespace of its own (needs root; left out, and said, without). Prints `N passed, N failed`.
"""

import argparse
import base64
import hashlib
import itertools
import json
import os
import pathlib
import random
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import wave

ROOT = pathlib.Path(__file__).resolve().parent.parent

def speech(path):
    """A second of a buzz between silences, as a voice to our annotation."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        samples = bytearray()
        for index in range(16000 * 2):
            loud = 4000 < index < 28000
            value = (((index * 7919) % 160) - 80) * 90 if loud else 0
            samples += int(value).to_bytes(2, "little", signed=True)
        file.writeframes(bytes(samples))
    return path


class Listener:
    """A TCP server on a free port of loopback that treats each connection by `behaviour`."""

    def __init__(self, behaviour, tls=None):
        self.tls = tls
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.held = []
        self.behaviour = behaviour
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        self.held.append(connection)
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.held.append(connection)
            self.behaviour(connection)
        except OSError:
            pass

    def close(self):
        self.socket.close()
        for connection in self.held:
            connection.close()


def request(connection):
    text = b""
    while b"\r\n\r\n" not in text:
        piece = connection.recv(4096)
        if not piece:
            break
        text += piece
    return text


def plain_http(connection):
    request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok")


def silent(connection):
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass


def no_tls(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def garbage(connection):
    request(connection)
    connection.sendall(bytes(range(256)) * 16)


def wrong_accept(connection):
    request(connection)
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
    )


class Full:
    """Takes two calls, and answers that it is full to every other."""

    def __init__(self):
        self.calls = itertools.count()

    def __call__(self, connection):
        if next(self.calls) < 2:
            return mute(connection)
        request(connection)
        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        connection.close()


def upgrade(connection):
    text = request(connection).decode("latin-1")
    key = re.search(r"(?im)^sec-websocket-key:\s*(\S+)", text).group(1)
    magic = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode()
    connection.sendall(
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ).encode()
    )


def mute(connection):
    """Takes the upgrade as it should and then says nothing."""
    upgrade(connection)
    silent(connection)


def answers(status, body=b"", *headers):
    """A webhook that answers so."""

    def behaviour(connection):
        request(connection)
        head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        connection.close()

    return behaviour


def echo(connection):
    """Sends every media message back."""
    upgrade(connection)
    data = b""
    while piece := connection.recv(65536):
        data += piece
        while len(data) >= 8:
            size, start = data[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            if len(data) < start + 4 + size:
                break
            frame, data = data[: start + 4 + size], data[start + 4 + size :]
            if frame[0] & 15 == 8:
                return
            message = json.loads(unmasked(frame))
            if message.get("event") == "media":
                body = json.dumps(
                    {"event": "media", "streamSid": message["streamSid"],
                     "media": {"payload": message["media"]["payload"]}}).encode()
                head = bytes([len(body)]) if len(body) < 126 else b"\x7e" + len(body).to_bytes(2, "big")
                connection.sendall(b"\x81" + head + body)


def endless(connection):
    """Speaks without a pause, in real time."""
    upgrade(connection)
    heard = b""
    while not (found := re.search(rb'"streamSid":"(MZ[0-9a-f]{32})"', unmasked(heard))):
        heard += connection.recv(4096)
    threading.Thread(target=silent, args=(connection,), daemon=True).start()
    # A square wave of 200 Hz, whose level falls and rises as a voice's does.
    audio = bytes((0x8f if index // 20 % 2 else 0x0f) for index in range(160))
    payload = base64.b64encode(audio).decode()
    body = json.dumps({"event": "media", "streamSid": found.group(1).decode(), "media": {"payload": payload}}).encode()
    due = time.monotonic()
    while True:
        connection.sendall(b"\x81\x7e" + len(body).to_bytes(2, "big") + body)
        due += 0.02
        time.sleep(max(0, due - time.monotonic()))


def says(*messages):
    """Takes the upgrade, waits for the start of the stream, and sends texts in which SID stands for the stream's own name."""

    def behaviour(connection):
        upgrade(connection)
        heard = b""
        while not (found := re.search(rb'"streamSid":"(MZ[0-9a-f]{32})"', unmasked(heard))):
            heard += connection.recv(4096)
        for message in messages:
            body = message.replace("SID", found.group(1).decode()).encode()
            size = bytes([len(body)]) if len(body) < 126 else b"\x7e" + len(body).to_bytes(2, "big")
            connection.sendall(b"\x81" + size + body)
        silent(connection)

    return behaviour


def unmasked(data):
    """The payloads of whole frames, one after the other."""
    out = b""
    while len(data) >= 8:
        size, start = data[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        mask, data = data[start : start + 4], data[start + 4 :]
        out += bytes(byte ^ mask[place % 4] for place, byte in enumerate(data[:size]))
        data = data[size:]
    return out


class Trial:
    def __init__(self, binary):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="uproar-bad-input-"))
        self.count = 0
        self.passed = 0
        self.failed = 0

    def path(self, name, content=b""):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def quickstart(self, old, new):
        """The quickstart with one change, in its own folder, since its paths are relative to it."""
        text = (ROOT / "scenarios/quickstart.yaml").read_text()
        if old not in text:
            raise SystemExit(f"the quickstart no longer holds {old!r}")
        self.count += 1
        path = ROOT / "scenarios" / f".bad-input-{os.getpid()}-{self.count}.yaml"
        path.write_text(text.replace(old, new, 1))
        return path

    def expect(self, name, code, words, arguments, within=20, prefix=(), cwd=None):
        self.count += 1
        out = self.folder / f"out-{self.count}"
        command = [*prefix, self.binary, *map(str, arguments)]
        if arguments[0] == "run" and "--out" not in map(str, arguments):
            command += ["--out", str(out)]
        started = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=within, cwd=cwd)
            got, text = done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired as error:
            got = "timeout"
            text = str((error.stdout or b"") + (error.stderr or b""))
        took = time.monotonic() - started
        problems = []
        if got != code:
            problems.append(f"exit {got}, expected {code}")
        for word in words:
            if not re.search(word, text, re.IGNORECASE):
                problems.append(f"does not say /{word}/")
        if "Fatal error" in text or "Trace/" in text:
            problems.append("crashed")
        self.passed += not problems
        self.failed += bool(problems)
        print(f"{'ok  ' if not problems else 'FAIL'} {name} ({took:.1f} s): {'; '.join(problems)}")
        if problems:
            print("\n".join("      " + line for line in text.strip().splitlines()[-12:]))
        sys.stdout.flush()
        return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / ".build/release/uproar"))
    parser.add_argument("--only", default="", help="trials whose name holds this")
    arguments = parser.parse_args()
    trial = Trial(arguments.binary)
    made = []

    def expect(name, *rest, **named):
        if arguments.only in name:
            trial.expect(name, *rest, **named)

    def changed(old, new):
        path = trial.quickstart(old, new)
        made.append(path)
        return path

    try:
        run(trial, expect, changed)
    finally:
        for path in made:
            path.unlink(missing_ok=True)
    print(f"{trial.passed} passed, {trial.failed} failed")
    return 1 if trial.failed else 0


def run(trial, expect, changed):
    good = speech(trial.folder / "good.wav")

    # The scenario file.
    expect("no such file", 2, ["no scenario missing.yaml"], ["run", "missing.yaml"])
    expect("nearest command", 2, ["did you mean", "simulate"], ["simulte", "x.yaml"])
    expect("nearest flag", 2, ["--quiet"], ["run", "x.yaml", "--quite"])
    expect("misspelt key", 2, [r"yaml:\d+:\d+", "did you mean"],
           ["run", changed("conversation:", "conversaton:")])
    expect("duplicate key", 2, [r"yaml:\d+:\d+", "twice|duplicate|already"],
           ["run", changed("seed:", "seed: 7\nseed:")])
    expect("wrong unit", 2, [r"yaml:\d+:\d+", "unit|ms|duration"],
           ["run", changed("10s", "10 parsecs")])
    expect("no unit", 2, [r"yaml:\d+:\d+", "unit|duration"], ["run", changed("10s", "10")])
    expect("gate without unit", 2, [r"yaml:\d+:\d+", "unit|ms"], ["run", changed("800ms", "800")])
    expect("unknown metric", 2, [r"yaml:\d+:\d+", "did you mean", "voice_to_voice"],
           ["run", changed("voice_to_voice", "voice_to_voce")])
    expect("not YAML", 2, [r":\d+:\d+"], ["run", trial.path("broken.yaml", "load: [a, {b\n")])
    expect("empty file", 2, ["empty|load|nothing"], ["run", trial.path("empty.yaml", "")])
    expect("binary file", 2, [], ["run", trial.path("binary.yaml", os.urandom(4096))])
    expect("folder as scenario", 2, [], ["run", trial.folder])
    expect("unknown --set", 2, ["did you mean|no such|unknown"],
           ["run", ROOT / "scenarios/quickstart.yaml", "--set", "agnt.endpointing=3s"])

    # Audio.
    url = "ws://127.0.0.1:9/x"
    expect("missing audio", 2, ["nowhere.wav"], ["run", url, "--audio", "nowhere.wav"])
    expect("empty audio", 2, ["empty|no samples|0 bytes"],
           ["run", url, "--audio", trial.path("empty.wav")])
    header = good.read_bytes()[:44]
    expect("audio without samples", 2, ["holds no sound"],
           ["run", url, "--audio", trial.path("header.wav", header[:40] + b"\0\0\0\0")])
    expect("text as audio", 2, ["text.wav"],
           ["run", url, "--audio", trial.path("text.wav", "this is not audio\n" * 99)])
    expect("folder as audio", 2, [], ["run", url, "--audio", trial.folder])
    silence = trial.folder / "silence.wav"
    silence.write_bytes(good.read_bytes()[:44] + bytes(len(good.read_bytes()) - 44))
    expect("silent audio", 2, ["speech|silent"], ["run", url, "--audio", silence])
    expect("no audio", 2, ["--audio"], ["run", url])

    # What is known before dialling.
    expect("unknown transport", 2, ["ftp"], ["run", "ftp://127.0.0.1/x", "--audio", good])
    expect("30,000 callers", 2, ["descriptor"],
           ["run", ROOT / "scenarios/quickstart.yaml", "--set", "load=[hold: 30000 callers for 1m]"])
    blocked = trial.path("file", "in the way")
    expect("folder in the way", 2, [str(blocked)],
           ["run", url, "--audio", good, "--out", blocked / "run"])
    expect("unwritable folder", 2, ["/proc/"],
           ["run", url, "--audio", good, "--out", "/proc/uproar-run"])

    # Targets.
    def at(listener):
        return f"ws://127.0.0.1:{listener.port}/media"

    expect("nothing listens", 5, ["refused|nothing listen"],
           ["run", "ws://127.0.0.1:9/x", "--audio", good, "--calls", "3"], within=40)
    expect("no such host", 5, ["no-such-host.invalid"],
           ["run", "ws://no-such-host.invalid/x", "--audio", good, "--calls", "2"], within=40)
    for name, behaviour, words in [
        ("plain HTTP", plain_http, ["200", "websocket|upgrade"]),
        ("accepts and says nothing", silent, ["never answered the upgrade"]),
        ("garbage", garbage, ["websocket|http|upgrade"]),
        ("wrong accept key", wrong_accept, ["accept"]),
    ]:
        listener = Listener(behaviour)
        expect(name, 5, words, ["run", at(listener), "--audio", good, "--calls", "3"], within=60)
        listener.close()
    # It can be called, so the refused calls are its own failure and no reason to stop.
    listener = Listener(Full())
    expect("full after two calls", 1, ["FAILED", "refused"],
           ["run", at(listener), "--audio", good, "--calls", "12"], within=120)
    listener.close()
    def media(audio, sid="SID"):
        payload = base64.b64encode(audio).decode()
        return json.dumps({"event": "media", "streamSid": sid, "media": {"payload": payload}})

    for name, behaviour, words in [
        ("unknown event", says('{"event":"transcript","streamSid":"SID"}'),
         ["2 calls: dropped: 31924.*unknown event 'transcript'"]),
        ("another call's stream", says(media(bytes(range(256)) * 60, "MZ" + "0" * 32)),
         ["2 calls: the agent sent messages with the streamSid of another", "31951"]),
        ("zeros for silence", says(media(bytes(12_000))), ["zeros, and not", "mu-law"]),
        ("noise", says(media(random.Random(1).randbytes(12_000))), ["noise to the ear"]),
    ]:
        listener = Listener(behaviour)
        expect(name, 1, ["FAILED", *words],
               ["run", at(listener), "--audio", good, "--calls", "2", "--set", "patience=2s"], within=60)
        listener.close()
    # An answer that begins before the caller has ended is none, and who never pauses is told so.
    listener = Listener(echo)
    expect("an echo", 1, ["gates   .*talk_over: rate <= 75%", "talk.?_over rate 100%, wanted .?<= 75%|talk_over rate 100% <= 75%"],
           ["run", at(listener), "--audio", good, "--calls", "3"], within=90)
    listener.close()
    listener = Listener(endless)
    expect("never silent", 1, ["2 calls: the agent did not fall silent for 5 s or more"],
           ["run", at(listener), "--audio", good, "--calls", "2", "--set", "patience=3s"], within=120)
    listener.close()

    # Webhooks.
    twiml = b"<Response><Connect><Stream url='ws://127.0.0.1:9/x'/></Connect></Response>"
    for name, behaviour, words in [
        ("webhook 404", answers(404, b"no\n such page"),
         ['the webhook http://127.0.0.1:\\d+/media answered HTTP 404 \\("no such page"\\)', "<Connect><Stream"]),
        ("webhook never answers", silent, ["the webhook http://127.0.0.1:\\d+/media never answered"]),
        ("webhook without TwiML", answers(200, b"hello"), ["no TwiML"]),
    ]:
        listener = Listener(behaviour)
        expect(name, 5, words,
                     ["run", f"http://127.0.0.1:{listener.port}/media", "--audio", good, "--calls", "2",
                      "--set", "call_setup_limit=3s"], within=60)
        listener.close()
    target = Listener(answers(200, twiml))
    listener = Listener(answers(302, b"", f"Location: http://127.0.0.1:{target.port}/new"))
    expect("webhook redirects", 5, ["refused|nothing listen"],
           ["run", f"http://127.0.0.1:{listener.port}/media", "--audio", good, "--calls", "2"], within=60)
    listener.close()
    target.close()

    # From a folder that holds nothing of ours.
    elsewhere = trial.folder / "else where"
    elsewhere.mkdir()
    (elsewhere / 'he said "hi" ${x}.wav').write_bytes(good.read_bytes())
    listener = Listener(mute)
    expect("from another folder", 1, ["noise floor p50", "FAILED", "lost"],
           ["run", at(listener), "--audio", 'he said "hi" ${x}.wav', "--calls", "2", "--set", "patience=2s"],
           within=60, cwd=elsewhere)
    listener.close()
    listener = Listener(mute)
    expect("mute after the upgrade", 1, ["FAILED", "lost|answer"],
           ["run", at(listener), "--audio", good, "--calls", "3"], within=120)
    listener.close()

    # TLS: a certificate nobody vouches for, and a port that speaks no TLS.
    key, certificate = trial.folder / "key.pem", trial.folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    listener = Listener(mute, tls)
    secure = f"wss://localhost:{listener.port}/media"
    expect("self-signed certificate", 5, ["certificate", "--insecure"],
           ["run", secure, "--audio", good, "--calls", "2"], within=60)
    expect("self-signed, --insecure", 1, ["not checked", "FAILED"],
           ["run", secure, "--audio", good, "--calls", "2", "--insecure"], within=120)
    os.environ["SSL_CERT_FILE"] = str(certificate)
    expect("its authority trusted", 1, ["FAILED", "lost"],
           ["run", secure, "--audio", good, "--calls", "2"], within=120)
    listener.close()
    listener = Listener(no_tls)
    expect("wss to a port without TLS", 5, ["TLS"],
           ["run", f"wss://127.0.0.1:{listener.port}/", "--audio", good, "--calls", "2"], within=60)
    listener.close()

    # One folder, two runs; output that goes nowhere.
    shared = trial.folder / "shared"
    listener = Listener(mute)
    first = subprocess.Popen(
        [trial.binary, "run", at(listener), "--audio", good, "--calls", "1", "--out", shared, "--quiet"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (shared / "result.json").exists():
        time.sleep(0.05)
    quick = ["simulate", ROOT / "scenarios/quickstart.yaml", "--set", "load=[hold: 5 callers for 5s]", "--quiet",
             "--set", "gates=['turns_lost: count <= 0']"]
    expect("a folder that is being written", 2, ["another run is writing into it", "--out"],
           [*quick, "--out", shared], within=60)
    first.kill()
    first.wait()
    listener.close()
    expect("a folder whose run was killed", 0, ["PASSED"], [*quick, "--out", shared], within=60)
    for name, redirection in [("full stdout", ">/dev/full"), ("closed stdout", ">&-")]:
        expect(name, 4, ["stdout did not take all"], [*quick, "--out", trial.folder / name.replace(" ", "-")],
               within=60, prefix=["bash", "-c", f'exec "$@" {redirection}', "bash"])

    # Results.
    expect("no result", 2, ["no such|not found|cannot"], ["report", trial.folder / "none.json"])
    expect("broken result", 2, [], ["report", trial.path("result.json", '{"schema": "uproar.result/1", ')])
    expect("another's JSON", 2, ["schema|uproar.result"], ["report", trial.path("other.json", "{}")])
    expect("a later schema", 2, ["schema|uproar.result"],
           ["report", trial.path("later.json", '{"schema": "uproar.result/99"}')])

    # A disk that fills while the run goes on.
    if os.geteuid() == 0:
        full = trial.folder / "full"
        full.mkdir()
        script = f'mount -t tmpfs -o size=256k none {full} && "$@"; s=$?; ' \
            f'"$1" report {full}/run/result.json --out {trial.folder}/again >/dev/null; ' \
            'echo "checkpoint loads: $?"; exit $s'
        expect("full disk", 4, ["No space left|full", "checkpoint loads: [04]"],
               ["run", changed("200 callers for 60s", "200 callers for 15s"), "--quiet", "--out", full / "run"],
               within=150, prefix=["unshare", "-m", "bash", "-c", script, "bash"])
    else:
        print("left out: full disk (needs root for a mount of its own)")


if __name__ == "__main__":
    sys.exit(main())
