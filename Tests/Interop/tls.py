"""The emulators' TLS against clients of others, each told of the authority by what `--print-env` says, and by nothing else.

usage: tls.py PATH_TO_uproar

Prints a line for each check that fails, then "N passed, N failed".
"""

import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM = sys.argv[1]
PORT = 23100
passed = 0
failed = 0


def check(name, good, seen=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"failed: {name}: {seen!r:.300}")


def start(state):
    """The emulators, and the environment that they print."""
    process = subprocess.Popen(
        [PROGRAM, "providers", "--port", str(PORT), "--tls", "--print-env"],
        stdout=subprocess.PIPE, stderr=open(state / "log", "w"), text=True,
        env={**os.environ, "XDG_STATE_HOME": str(state)})
    environment = {}
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line[7:].strip().partition("=")
            environment[name] = value
            if name == "DENO_CERT":
                return process, environment
    raise SystemExit(f"no environment: {(state / 'log').read_text()}")


def run(command, environment=None, text=""):
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=30,
        env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout + done.stderr


def raw(payload, wait=2.0, reset=False):
    """What a server answers to these bytes until it closes, or None when it has not closed in time."""
    with socket.create_connection(("127.0.0.1", PORT + 1)) as peer:
        peer.settimeout(wait)
        peer.sendall(payload)
        if reset:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return b""
        got = b""
        try:
            while data := peer.recv(65536):
                got += data
        except TimeoutError:
            return None
        except ConnectionResetError:
            pass
        return got


def hello():
    """A whole ClientHello of this Python's."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = ssl.create_default_context().wrap_bio(
        incoming, outgoing, server_hostname="api.openai.com")
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


CLIENTS = {
    "urllib": """
import os, urllib.request
request = urllib.request.Request(os.environ["UPROAR_OPENAI_HTTPS"] + "/v1/models",
                                 headers={"authorization": "Bearer x"})
print(urllib.request.urlopen(request).read())""",
    "requests": """
import os, requests
print(requests.get(os.environ["UPROAR_OPENAI_HTTPS"] + "/v1/models",
                   headers={"authorization": "Bearer x"}).text)""",
    "httpx": """
import os, httpx
print(httpx.get(os.environ["UPROAR_OPENAI_HTTPS"] + "/v1/models",
                headers={"authorization": "Bearer x"}).text)""",
    "aiohttp": """
import asyncio, os, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        async with session.get(os.environ["UPROAR_OPENAI_HTTPS"] + "/v1/models",
                               headers={"authorization": "Bearer x"}) as answer:
            print(await answer.text())
asyncio.run(main())""",
    "websockets": """
import asyncio, json, os, websockets
async def main():
    url = os.environ["UPROAR_DEEPGRAM_WSS"] + "/v1/listen?encoding=mulaw&sample_rate=8000"
    async with websockets.connect(url, additional_headers={"Authorization": "Token x"}) as peer:
        await peer.send(bytes(8000))
        await peer.send(json.dumps({"type": "CloseStream"}))
        async for message in peer:
            if json.loads(message)["type"] == "Metadata":
                print("object", "list")
asyncio.run(main())""",
    "websocket-client": """
import json, os, websocket
url = os.environ["UPROAR_DEEPGRAM_WSS"] + "/v1/listen?encoding=mulaw&sample_rate=8000"
peer = websocket.create_connection(url, header=["Authorization: Token x"])
peer.send_binary(bytes(8000))
peer.send(json.dumps({"type": "CloseStream"}))
while json.loads(peer.recv())["type"] != "Metadata":
    pass
print("object", "list")""",
}


def main():
    with tempfile.TemporaryDirectory() as folder:
        state = pathlib.Path(folder)
        process, environment = start(state)
        try:
            checks(state, process, environment)
        finally:
            process.terminate()
            process.wait()
        log = (state / "log").read_text()
        check("an untrusting client is told of", "openai: TLS failed: tlsv1 alert unknown ca" in log, log)
        check("no key is written", not any(
            "PRIVATE KEY" in path.read_text(errors="replace")
            for path in state.rglob("*") if path.is_file()))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


def checks(state, process, environment):
    authority = environment["NODE_EXTRA_CA_CERTS"]
    # openssl, to the letter
    base = ["openssl", "s_client", "-connect", f"127.0.0.1:{PORT + 1}"]
    trust = ["-CAfile", authority, "-verify_return_error", "-x509_strict"]
    for name in ["localhost", "api.openai.com", "api.deepgram.com", "s3.us-east-1.amazonaws.com"]:
        code, out = run(base + trust + ["-verify_hostname", name, "-alpn", "h2,http/1.1"])
        check(f"s_client {name}", code == 0 and "Verification: OK" in out, out)
        check("ALPN is http/1.1", "ALPN protocol: http/1.1" in out, out)
    code, out = run(base + trust + ["-verify_hostname", "example.com"])
    check("another name is refused", code != 0 and "mismatch" in out, out[-300:])
    code, out = run(base + ["-alpn", "h2"])
    check("h2 alone is refused", "no application protocol" in out, out)
    for version in ["-tls1_2", "-tls1_3"]:
        code, out = run(base + trust + [version])
        check(f"s_client {version}", code == 0, out)
    code, out = run(base + ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
    check("TLS 1.1 is refused", code != 0, out)

    # each client trusts by its own variable, and not without
    names = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"]
    bare = {name: value for name, value in environment.items() if name not in names}
    for client, text in CLIENTS.items():
        code, out = run([sys.executable, "-c", text], environment)
        check(client, code == 0 and "object" in out and "list" in out, out)
        code, out = run([sys.executable, "-c", text], bare)
        check(f"{client} without trust", code != 0 and "CERTIFICATE_VERIFY_FAILED" in out, out)
    url = environment["UPROAR_OPENAI_HTTPS"] + "/v1/models"
    code, out = run(["curl", "-sS", url, "-H", "authorization: Bearer x"], environment)
    check("curl", code == 0 and '"object"' in out, out)
    plain = environment["UPROAR_OPENAI_HTTP"] + "/v1/models"
    code, out = run(["curl", "-sS", plain, "-H", "authorization: Bearer x"], environment)
    check("the same port in plain", code == 0 and '"object"' in out, out)

    # handshakes that go wrong: cut anywhere, reset anywhere, rubbish, a client that stops
    whole = hello()
    for cut in range(1, len(whole), 37):
        raw(whole[:cut], reset=True)
        with socket.create_connection(("127.0.0.1", PORT + 1)) as peer:
            peer.sendall(whole[:cut])
    answer = raw(bytes([22, 3, 1, 0, 5]) + b"\0" * 5)
    check("rubbish gets an alert", answer is not None and answer[:1] == b"\x15", answer)
    began = time.monotonic()
    answer = raw(whole[:100], wait=30)
    check("who stops is left", answer is not None and time.monotonic() - began < 20, answer)
    idle = [socket.create_connection(("127.0.0.1", PORT + 1)) for _ in range(200)]
    for peer in idle:
        peer.sendall(whole[:7])
    code, out = run([sys.executable, "-c", CLIENTS["httpx"]], environment)
    check("200 that have stopped keep nobody out", code == 0, out)
    for peer in idle:
        peer.close()
    check("the emulators are still there", process.poll() is None)


main()
