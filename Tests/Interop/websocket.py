"""The codecs of UproarWire against Python's `websockets` and `http.client`, both ways.

usage: websocket.py PATH_TO_WireInterop

Each connection gets a process of its own that speaks through a pipe; this program relays between pipe and socket, in pieces of
seeded random sizes, so that frames arrive cut anywhere. Prints a line for each check that fails, then "N passed, N failed".
"""

import asyncio
import hashlib
import http.client
import os
import random
import struct
import sys

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

PROGRAM = sys.argv[1]
PIECES = random.Random(7)
SIZES = [0, 1, 7, 125, 126, 127, 345, 4096, 65535, 65536, 1 << 20]
passed = 0
failed = 0


def check(name, good, seen=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"failed: {name}: {seen!r:.300}")


def pieces(data):
    """The same bytes in pieces: mostly large, some of a single byte."""
    while data:
        count = PIECES.choice([1, 2, 3, 50, 1000, 100_000])
        yield data[:count]
        data = data[count:]


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            for piece in pieces(data):
                writer.write(piece)
                await writer.drain()
        writer.close()
    except (ConnectionError, OSError):
        pass


async def relay(reader, writer, *arguments):
    """Runs the program between this socket and its pipe; gives its lines."""
    program = await asyncio.create_subprocess_exec(
        PROGRAM, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE)
    to_program = asyncio.create_task(pump(reader, program.stdin))
    lines = asyncio.create_task(program.stderr.read())
    await pump(program.stdout, writer)
    to_program.cancel()
    await program.wait()
    check("the program ends well", program.returncode == 0, program.returncode)
    return (await lines).decode().splitlines()


def letters(count):
    return bytes(97 + i % 26 for i in range(count))


# Our server, their client


async def our_server():
    async def connected(reader, writer):
        await relay(reader, writer, "server")

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"ws://127.0.0.1:{port}"

    async with connect(url + "/echo", max_size=None) as socket:
        check("no extension is agreed", socket.protocol.extensions == [], socket.protocol.extensions)
        for size in SIZES:
            text = letters(size).decode()
            await socket.send(text)
            check(f"echo of text {size}", await socket.recv() == text)
            data = bytes(PIECES.getrandbits(8) for _ in range(min(size, 5000))) * max(1, size // 5000)
            await socket.send(data)
            check(f"echo of binary {size}", await socket.recv() == data)
        await socket.send("größe 語 🎧")
        check("echo of characters", await socket.recv() == "größe 語 🎧")
        await socket.send(["one ", "", "two ", "three"])
        check("fragments are joined", await socket.recv() == "one two three")
        await socket.send([b"\xff", b"\xfe"])
        check("binary fragments are joined", await socket.recv() == b"\xff\xfe")
        await asyncio.wait_for(await socket.ping(b"payload"), 10)
        check("ping is answered", True)
        for i in range(500):
            await socket.send(f"message {i}")
        check("many at once, in order", [await socket.recv() for _ in range(500)] == [f"message {i}" for i in range(500)])
        await socket.close(4321, "bye")
    check("our answer to a close", (socket.close_code, socket.close_reason) == (4321, "bye") or socket.protocol.close_rcvd.code == 4321, socket.protocol.close_rcvd)

    async with connect(url + "/fragments") as socket:
        for size in [0, 1, 300, 70000]:
            for message in [letters(size).decode(), letters(size)]:
                await socket.send(message)
                seen = await socket.recv()
                check(f"our fragments, {type(message)} of {size}", seen == message, seen)

    async with connect(url + "/ping") as socket:
        check("our ping is answered", await socket.recv() == "pong: are you there")

    async with connect(url + "/echo", subprotocols=["first", "second"]) as socket:
        check("subprotocol", socket.subprotocol == "second", socket.subprotocol)

    for code, reason in [(1000, ""), (1011, "internal"), (4001, "große Pause"), (3000, "x" * 123)]:
        async with connect(url + "/close") as socket:
            await socket.send(f"{code} {reason}")
            try:
                await socket.recv()
                check(f"our close {code}", False)
            except websockets.ConnectionClosed as closed:
                check(f"our close {code}", (closed.rcvd.code, closed.rcvd.reason) == (code, reason), closed.rcvd)

    try:
        async with connect(url + "/refuse"):
            check("refusal", False)
    except websockets.InvalidStatus as refused:
        response = refused.response
        check("refusal", (response.status_code, response.headers["X-Reason"], response.body) == (403, "closed", b'{"reason":"not today"}'), response)

    # What no library sends: raw frames, and the close code that answers them.
    handshake = (b"GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    mask = b"\0\0\0\0"
    for name, frame, code in [
        ("an unmasked frame", b"\x81\x02hi", 1002),
        ("a reserved bit", b"\xc1\x80" + mask, 1002),
        ("an unknown opcode", b"\x83\x80" + mask, 1002),
        ("text that is not UTF-8", b"\x81\x82" + mask + b"\xff\xff", 1007),
        ("a message too long", b"\x82\xff" + struct.pack(">Q", 5 << 20) + mask, 1009),
        ("a continuation of nothing", b"\x80\x80" + mask, 1002),
        ("a long ping", b"\x89\xfe\x00\x80" + mask, 1002),
        ("a forbidden close code", b"\x88\x82" + mask + struct.pack(">H", 1005), 1002),
        ("half a close code", b"\x88\x81" + mask + b"\x03", 1002),
        ("a close without a code", b"\x88\x80" + mask, None),
    ]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(handshake + frame)
        await reader.readuntil(b"\r\n\r\n")
        head = await reader.readexactly(2)
        payload = await reader.readexactly(head[1])
        seen = struct.unpack(">H", payload[:2])[0] if payload else None
        check(f"our answer to {name}", head[0] == 0x88 and seen == code, (head, payload))
        check(f"the end after {name}", await reader.read() == b"")
        writer.close()

    await asyncio.get_running_loop().run_in_executor(None, plain_http, port)
    server.close()


def plain_http(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(2):
        connection.request("GET", "/hello")
        response = connection.getresponse()
        check("GET, twice on one connection", (response.status, response.read()) == (200, b"hello"))
    connection.request("HEAD", "/hello")
    response = connection.getresponse()
    check("HEAD", (response.status, response.headers["Content-Length"], response.read()) == (200, "5", b""))
    body = letters(70_001)
    connection.request("POST", "/echo", body)
    check("POST with a length", connection.getresponse().read() == body)
    connection.request("POST", "/echo", iter([body[:10], body[10:5000], body[5000:]]), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})
    check("POST in chunks", connection.getresponse().read() == body)
    connection.request("GET", "/nothing", headers={"Connection": "close"})
    response = connection.getresponse()
    check("404 and close", (response.status, response.headers["Connection"], response.read()) == (404, "close", b""))
    connection.close()


# Our client, their server


async def our_client():
    async def handler(socket):
        try:
            await answer(socket, socket.request.path)
        except websockets.ConnectionClosed:
            pass  # closed with a code of our choice

    async def answer(socket, path):
        if path == "/close":
            await socket.close(4002, "enough")
        elif path == "/fragments":
            async for message in socket:
                half = len(message) // 2
                await socket.send([message[:half], message[half:]])
        elif path == "/ping":
            await (await socket.ping(b"hello"))
            await socket.send("pong came")
            await socket.wait_closed()
        elif path == "/drop":
            socket.transport.abort()
        else:
            async for message in socket:
                await socket.send(message)

    def refuse(connection, request):
        check("our header arrives", request.headers.get("X-Interop") == "1")
        if request.path == "/refuse":
            return connection.respond(503, "come back later\n")

    def select(connection, offered):
        return "second" if "second" in offered else None

    async with serve(handler, "127.0.0.1", 0, process_request=refuse, select_subprotocol=select, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]

        async def dial(path, *steps, subprotocols=""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            return await asyncio.wait_for(
                relay(reader, writer, "client", f"ws://127.0.0.1:{port}{path}", subprotocols, *steps), 60)

        def told(kind, data):
            return f"{kind} {len(data)} {hashlib.sha1(data).hexdigest()}"

        def same(name, lines, expected):
            check(name, lines == expected, lines)

        steps, expected = [], ["open -"]
        for size in SIZES:
            steps += [f"text:{size}", f"binary:{size}"]
            expected += [told("text", letters(size)), told("binary", letters(size))]
        steps += ["say:größe 語 🎧", "ping:are you there", "close:4000:done"]
        expected += [told("text", "größe 語 🎧".encode()), "pong are you there", "closed 4000 done"]
        same("our client's echoes", await dial("/echo", *steps), expected)

        same("their fragments", await dial("/fragments", "text:1000", "binary:70001", "close:1000:"),
             ["open -", told("text", letters(1000)), told("binary", letters(70001)), "closed 1000 "])
        same("their ping", await dial("/ping", "wait", "close:1000:"),
             ["open -", "ping hello", told("text", b"pong came"), "closed 1000 "])
        same("their close", await dial("/close"), ["open -", "closed 4002 enough"])
        same("their subprotocol", await dial("/close", subprotocols="first,second"), ["open second", "closed 4002 enough"])
        same("their refusal", await dial("/refuse"), ["refused 503 come back later", ""])
        lines = await dial("/drop", "wait")
        check("their end without close", lines in (["open -", "closed 1006 "], ["failed the stream ended inside a message"]), lines)


async def main():
    await our_server()
    await our_client()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(asyncio.run(main()))
