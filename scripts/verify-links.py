#!/usr/bin/env python3
"""What `uproar link` does to real sockets, against clients and servers of this file's own, a real redis-server, and the HTTP calls
of Toxiproxy's clients: magnitudes, not only that something happens. Part of `make verify`.

  delay within ±5 ms at p95 · bandwidth within 5 % · a cut at the exact byte · loss of datagrams within its 99.9 % band ·
  without a fault the same bytes, and less than 1 ms more at p99
"""

import hashlib
import json
import math
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

UPROAR = os.environ.get("UPROAR", ".build/release/uproar")
failures = []


def check(name, ok, seen):
    print(f"{'ok  ' if ok else 'FAIL'} {name}: {seen}", flush=True)
    if not ok:
        failures.append(name)


class Link:
    """A link of its own process."""

    def __init__(self, upstream, *flags, faults=()):
        words = [UPROAR, "link", "--listen", "127.0.0.1:0", "--upstream", f"127.0.0.1:{upstream}", *flags]
        for fault in faults:
            words += ["--fault", fault]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"127\.0\.0\.1:(\d+) ->", line)
        if not found:
            sys.exit(f"the link did not start: {line}{self.process.stderr.read()}")
        self.port = int(found.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Echo(threading.Thread):
    """Sends back what it gets."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            stream, _ = self.listener.accept()
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        with stream:
            try:
                while data := stream.recv(65536):
                    stream.sendall(data)
            except OSError:
                pass


def connect(port):
    stream = socket.create_connection(("127.0.0.1", port), 5)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            return data
        data += piece
    return data


def round_trips(port, count, size=64, pause=0.0):
    times = []
    with connect(port) as stream:
        for _ in range(count):
            start = time.perf_counter()
            stream.sendall(b"x" * size)
            exactly(stream, size)
            times.append((time.perf_counter() - start) * 1000)
            time.sleep(pause)
    return sorted(times)


def p(times, q):
    return times[min(len(times) - 1, int(q * len(times)))]


def transparency(echo):
    with Link(echo.port) as link:
        data = os.urandom(20_000_000)
        got = hashlib.sha256()
        with connect(link.port) as stream:
            sender = threading.Thread(target=lambda: (stream.sendall(data), stream.shutdown(socket.SHUT_WR)))
            sender.start()
            while piece := stream.recv(1 << 16):
                got.update(piece)
            sender.join()
        check("20 MB both ways are the same bytes", got.digest() == hashlib.sha256(data).digest(), "SHA-256 compared")
        # In turns, so that what the machine does meanwhile meets both alike.
        direct, linked = [], []
        for _ in range(5):
            direct += round_trips(echo.port, 400)
            linked += round_trips(link.port, 400)
        added = p(sorted(linked), 0.99) - p(sorted(direct), 0.99)
        check("less than 1 ms added at p99", added < 1.0,
              f"{added:.3f} ms (direct {p(sorted(direct), .99):.3f} ms, linked {p(sorted(linked), .99):.3f} ms)")


def delays(echo):
    for asked, text in ((100, "delay delay=100ms direction=down"), (20, "delay delay=20ms direction=up")):
        with Link(echo.port, faults=[text]) as link:
            times = round_trips(link.port, 100, pause=0.005)
            off = sorted(abs(t - asked) for t in times)
            check(f"{text}: within ±5 ms at p95", p(off, 0.95) <= 5, f"off by {p(off, .95):.2f} ms at p95, median {statistics.median(times):.2f} ms")


def bandwidth(echo):
    with Link(echo.port, faults=["bandwidth rate=8Mbps direction=down"]) as link:
        with connect(link.port) as stream:
            data = b"z" * 2_000_000
            threading.Thread(target=lambda: stream.sendall(data), daemon=True).start()
            start = time.perf_counter()
            exactly(stream, len(data))
            rate = len(data) * 8 / (time.perf_counter() - start) / 1e6
    check("bandwidth 8Mbps within 5 %", abs(rate - 8) < 0.4, f"{rate:.2f} Mbps")


def cuts(echo):
    for limit in (1, 1000, 123_457):
        with Link(echo.port, faults=[f"cut after_bytes={limit}B"]) as link:
            with connect(link.port) as stream:
                data = os.urandom(300_000)
                threading.Thread(target=lambda: send_all(stream, data), daemon=True).start()
                got = b""
                try:
                    while piece := stream.recv(65536):
                        got += piece
                except OSError:
                    pass
                check(f"cut after {limit} bytes", got == data[:limit], f"{len(got)} bytes, the right ones: {got == data[:len(got)]}")


def send_all(stream, data):
    try:
        stream.sendall(data)
    except OSError:
        pass


def chances(echo):
    count, chance = 400, 0.25
    with Link(echo.port, faults=["connect_refuse p=1/4"]) as link:
        refused = 0
        for _ in range(count):
            try:
                with connect(link.port) as stream:
                    stream.sendall(b"x")
                    if stream.recv(1) == b"":
                        refused += 1
            except OSError:
                refused += 1
    spread = 3.291 * math.sqrt(count * chance * (1 - chance))
    check("p=1/4 of 400 connections within its 99.9 % band", abs(refused - count * chance) <= spread, f"{refused} refused, {count * chance:.0f} ± {spread:.0f}")


def datagrams():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    upstream = server.getsockname()[1]

    def exchange(fault, count=2000, gap=0.0005):
        with Link(upstream, "--udp", faults=[fault] if fault else []) as link:
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.connect(("127.0.0.1", link.port))
            server.settimeout(0.4)
            seen = []

            def listen():
                try:
                    while True:
                        data, _ = server.recvfrom(2048)
                        seen.append((data, time.perf_counter()))
                except OSError:
                    pass

            listener = threading.Thread(target=listen)
            listener.start()
            sent = []
            for index in range(count):
                sent.append(time.perf_counter())
                client.send(index.to_bytes(4, "big") + b"p" * 156)
                time.sleep(gap)
            listener.join()
            return sent, seen

    sent, seen = exchange(None)
    check("udp: without a fault every datagram, in order", [int.from_bytes(d[:4], "big") for d, _ in seen] == list(range(len(sent))), f"{len(seen)} of {len(sent)}")
    for fault, chance in (("loss p=10%", 0.10), ("duplicate p=20%", 0.20), ("corrupt p=10%", 0.10)):
        sent, seen = exchange(fault)
        n = len(sent)
        spread = 3.291 * math.sqrt(n * chance * (1 - chance))
        if fault.startswith("loss"):
            met = n - len(seen)
        elif fault.startswith("duplicate"):
            met = len(seen) - n
        else:
            met = sum(d != d[:4] + b"p" * 156 or int.from_bytes(d[:4], "big") != i for i, (d, _) in enumerate(seen))
        check(f"udp: {fault} within its 99.9 % band", abs(met - n * chance) <= spread, f"{met} of {n}, {n * chance:.0f} ± {spread:.0f}")
    sent, seen = exchange("burst_loss enter=5% leave=25%", count=4000)
    got = {int.from_bytes(d[:4], "big") for d, _ in seen}
    bursts, length = [], 0
    for index in range(len(sent) + 1):
        if index < len(sent) and index not in got:
            length += 1
        elif length:
            bursts.append(length)
            length = 0
    mean = statistics.mean(bursts)
    spread = 3.291 * 3.464 / math.sqrt(len(bursts))
    check("udp: bursts of 4 on average within their band", abs(mean - 4) <= spread, f"{mean:.2f} ± {spread:.2f} over {len(bursts)} bursts")
    sent, seen = exchange("jitter delay=30ms", count=300, gap=0.002)
    off = sorted(abs((at - sent[int.from_bytes(d[:4], "big")]) * 1000 - 30) for d, at in seen)
    check("udp: delay 30ms within ±5 ms at p95", p(off, 0.95) <= 5, f"off by {p(off, .95):.2f} ms")
    sent, seen = exchange("reorder p=10% by=10ms", count=1000, gap=0.002)
    order = [int.from_bytes(d[:4], "big") for d, _ in seen]
    late = sum(b < a for a, b in zip(order, order[1:]))
    check("udp: reorder lets those behind overtake", len(order) == 1000 and late > 50, f"{late} overtaken of 1000")


class Redis:
    """A real server with a client that says inline commands."""

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder.name],
            stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                connect(self.port).close()
                break
            except OSError:
                time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def ask(stream, command, wait=1.0):
    stream.settimeout(wait)
    stream.sendall(command.encode() + b"\r\n")
    try:
        return stream.recv(65536).decode()
    except TimeoutError:
        return "(nothing)"
    except ConnectionError:
        return "(reset)"


def redis():
    with Redis() as server:
        with Link(server.port, "--redis", faults=["hang for=3s"]) as link:
            with connect(link.port) as stream:
                first = ask(stream, "SET a 1")
                stream.settimeout(5)
                later = stream.recv(100).decode()
        check("redis: hang answers nothing, and then all of it", first == "(nothing)" and later == "+OK\r\n", f"{first!r}, then {later!r}")
        with Link(server.port, "--redis", faults=["error kind=READONLY"]) as link:
            with connect(link.port) as stream:
                write, read = ask(stream, "SET a 2"), ask(stream, "GET a")
        check("redis: READONLY refuses writes and answers reads", write.startswith("-READONLY ") and read == "$1\r\n1\r\n", f"{write!r}, {read!r}")
        with Link(server.port, "--redis", faults=["slow delay=200ms"]) as link:
            with connect(link.port) as stream:
                start = time.perf_counter()
                ask(stream, "GET a")
                took = (time.perf_counter() - start) * 1000
        check("redis: slow takes 200 ms longer", 200 <= took < 215, f"{took:.1f} ms")
        with Link(server.port, "--redis", "--allow-flush", faults=["restart_empty down=500ms"]) as link:
            early = refused(link.port)
            time.sleep(0.6)
            with connect(link.port) as stream:
                empty = ask(stream, "GET a")
        check("redis: restart_empty refuses and comes back without keys", early and empty == "$-1\r\n", f"refused {early}, then {empty!r}")
        with Link(server.port, "--redis", faults=["failover old=dead promotion=700ms"]) as link:
            early = refused(link.port)
            time.sleep(0.8)
            with connect(link.port) as stream:
                pong = ask(stream, "PING")
        check("redis: a dead master refuses until the promotion", early and pong == "+PONG\r\n", f"refused {early}, then {pong!r}")
        with Link(server.port, "--redis") as link:
            with connect(link.port) as stream:
                ask(stream, "PING")
                server.process.kill()
                server.process.wait()
                stream.settimeout(2)
                try:
                    dead = stream.recv(10)
                except OSError:
                    dead = b"(reset)"
        check("redis: a kill ends connections, unlike a hang and READONLY", dead in (b"", b"(reset)"), f"{dead!r}")


def refused(port):
    try:
        with connect(port) as stream:
            return ask(stream, "PING") in ("", "(reset)")
    except OSError:
        return True


def toxiproxy(echo):
    """The calls that Toxiproxy's clients make (github.com/Shopify/toxiproxy, "HTTP API")."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        control = s.getsockname()[1]
    process = subprocess.Popen([UPROAR, "link", "--control", f"127.0.0.1:{control}"], stderr=subprocess.PIPE, text=True)
    process.stderr.readline()

    def call(method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{control}{path}", method=method, data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    try:
        status, proxy = call("POST", "/proxies", {"name": "echo", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo.port}"})
        check("control: create", status == 201 and proxy["enabled"] and proxy["toxics"] == [], f"{status} {proxy}")
        port = int(proxy["listen"].rsplit(":", 1)[1])
        check("control: a second of the name", call("POST", "/proxies", {"name": "echo", "upstream": "127.0.0.1:1"})[0] == 409, "409")
        check("control: an upstream elsewhere is refused", call("POST", "/proxies", {"name": "far", "upstream": "192.0.2.1:80"})[0] == 403, "403")
        status, toxic = call("POST", "/proxies/echo/toxics", {"type": "latency", "attributes": {"latency": 80, "jitter": 0}})
        check("control: latency", status == 200 and toxic["name"] == "latency_downstream", f"{status} {toxic}")
        took = round_trips(port, 10)
        check("control: latency is there", 80 <= took[0] and took[-1] < 90, f"{took[0]:.1f}…{took[-1]:.1f} ms")
        status, toxic = call("PATCH", "/proxies/echo/toxics/latency_downstream", {"attributes": {"latency": 30}})
        took = round_trips(port, 10)
        check("control: changed", status == 200 and 30 <= took[0] and took[-1] < 40, f"{took[0]:.1f}…{took[-1]:.1f} ms")
        check("control: removed", call("DELETE", "/proxies/echo/toxics/latency_downstream")[0] == 204 and round_trips(port, 5)[0] < 10, "204")
        call("POST", "/proxies/echo/toxics", {"type": "limit_data", "attributes": {"bytes": 777}})
        with connect(port) as stream:
            threading.Thread(target=lambda: send_all(stream, b"a" * 5000), daemon=True).start()
            got = 0
            try:
                while piece := stream.recv(4096):
                    got += len(piece)
            except OSError:
                pass
        check("control: limit_data", got == 777, f"{got} bytes")
        check("control: reset takes toxics away", call("POST", "/reset")[0] == 204 and call("GET", "/proxies/echo/toxics")[1] == [], "[]")
        status, _ = call("POST", "/proxies/echo", {"enabled": False})
        check("control: disabled", status == 200 and not reachable(port), f"{status}, nothing listens")
        call("POST", "/proxies/echo", {"enabled": True})
        check("control: enabled at the same port", reachable(port), str(port))
        status, made = call("POST", "/populate", [{"name": "echo", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{echo.port}"},
                                                  {"name": "two", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo.port}"}])
        check("control: populate keeps what is there", status == 201 and len(made["proxies"]) == 2, str(status))
        check("control: unknown toxic", call("POST", "/proxies/echo/toxics", {"type": "slow"})[0] == 400, "400")
        check("control: unknown proxy", call("GET", "/proxies/none") == (404, {"error": "proxy not found", "title": "proxy not found", "status": 404}), "404")
        check("control: deleted", call("DELETE", "/proxies/two")[0] == 204 and list(call("GET", "/proxies")[1]) == ["echo"], "204")
    finally:
        process.terminate()
        process.wait()


def reachable(port):
    try:
        connect(port).close()
        return True
    except OSError:
        return False


def main():
    echo = Echo()
    transparency(echo)
    delays(echo)
    bandwidth(echo)
    cuts(echo)
    chances(echo)
    datagrams()
    redis()
    toxiproxy(echo)
    print(f"verify-links: {'all as it should be' if not failures else 'FAILED: ' + ', '.join(failures)}")
    sys.exit(1 if failures else 0)


main()
