"""toxiproxy-python against the control interface of `uproar link`, which is not an emulator: each case starts one."""

import asyncio
import contextlib
import re
import socket
import subprocess
import threading
import time

from suite import case
from toxiproxy.api import APIConsumer
from toxiproxy.server import Toxiproxy

# The library keeps the server's address in a class: one case at a time.
TURN = asyncio.Lock()


@contextlib.contextmanager
def link(binary):
    process = subprocess.Popen(
        [binary, "link", "--control", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    try:
        port = re.search(r"127\.0\.0\.1:(\d+)", process.stderr.readline()).group(1)
        server = Toxiproxy()
        server.update_api_consumer("127.0.0.1", int(port))
        yield server
    finally:
        process.terminate()
        process.wait()


class Echo:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.upstream = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            stream, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        with stream, contextlib.suppress(OSError):
            while data := stream.recv(4096):
                stream.sendall(data)


def round_trip(listen):
    host, port = listen.rsplit(":", 1)
    start = time.monotonic()
    with socket.create_connection((host, int(port)), 5) as stream:
        stream.sendall(b"hello")
        seen = stream.recv(100)
    return seen, (time.monotonic() - start) * 1000


async def in_turn(emulators, body):
    async with TURN:
        def run():
            with link(emulators.process.args[0]) as server:
                body(server, Echo())
        await asyncio.to_thread(run)


@case("toxiproxy-python", "proxies are made, found, populated and destroyed")
async def proxies(emulators):
    def body(server, echo):
        assert server.running() and b"2." in server.version()
        made = server.create(echo.upstream, "echo")
        assert made.enabled and round_trip(made.listen)[0] == b"hello"
        assert list(server.proxies()) == ["echo"] and server.get_proxy("none") is None
        server.populate([
            {"name": "echo", "listen": made.listen, "upstream": echo.upstream},
            {"name": "other", "listen": "127.0.0.1:0", "upstream": echo.upstream}])
        assert sorted(server.proxies()) == ["echo", "other"]
        server.destroy_all()
        assert server.proxies() == {}
    await in_turn(emulators, body)


@case("toxiproxy-python", "a toxic is added, bites, and is destroyed")
async def toxics(emulators):
    def body(server, echo):
        proxy = server.create(echo.upstream, "echo")
        proxy.add_toxic(type="latency", attributes={"latency": 150, "jitter": 0})
        assert proxy.get_toxic("latency_downstream").attributes["latency"] == 150
        assert 150 <= round_trip(proxy.listen)[1] < 400
        proxy.destroy_toxic("latency_downstream")
        assert proxy.toxics() == {} and round_trip(proxy.listen)[1] < 100
        proxy.add_toxic(name="cut", type="limit_data", stream="upstream", attributes={"bytes": 2})
        assert round_trip(proxy.listen)[0] in (b"he", b"")
        assert server.reset() and proxy.toxics() == {}
    await in_turn(emulators, body)


@case("toxiproxy-python", "a proxy that is down refuses, and comes back")
async def down(emulators):
    def body(server, echo):
        proxy = server.create(echo.upstream, "echo")
        with proxy.down():
            try:
                round_trip(proxy.listen)
                raise AssertionError("it still listens")
            except ConnectionRefusedError:
                pass
        assert round_trip(proxy.listen)[0] == b"hello"
    await in_turn(emulators, body)
