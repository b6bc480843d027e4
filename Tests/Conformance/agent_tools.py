"""The Model Context Protocol's own client against the reference agent's tools."""

import contextlib
import json
import re
import subprocess

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from suite import ROOT, case

BINARY = ROOT / ".build/release/uproar"


@contextlib.contextmanager
def agent():
    """`uproar agent` on a port of its own, without providers."""
    process = subprocess.Popen(
        [BINARY, "agent", "--echo", "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.search(r"ws://(127\.0\.0\.1:\d+)/", line):
                yield f"http://{found[1]}/mcp"
                return
        raise RuntimeError("the agent did not start")
    finally:
        process.terminate()
        process.wait(10)


@contextlib.asynccontextmanager
async def session(url, person):
    async with httpx2.AsyncClient(headers={"X-User-Id": person}) as http:
        async with streamable_http_client(url, http_client=http) as streams:
            async with ClientSession(streams[0], streams[1]) as mcp:
                await mcp.initialize()
                yield mcp


def text(result):
    return json.loads(result.content[0].text)


@case("mcp", "initialize, list the tools, create, list and complete a task")
async def tools(emulators):
    with agent() as url:
        async with session(url, "person-1") as mcp:
            names = [tool.name for tool in (await mcp.list_tools()).tools]
            assert names == ["create_task", "list_tasks", "complete_task"], names
            made = await mcp.call_tool("create_task", {"title": "buy milk"})
            assert text(made) == {"created": "buy milk"}, made
            assert "buy milk" in json.dumps(text(await mcp.call_tool("list_tasks", {})))
        # Another session counts its requests from the start again: its task is another one.
        async with session(url, "person-1") as mcp:
            await mcp.list_tools()
            await mcp.call_tool("create_task", {"title": "call home"})
            listed = json.dumps(text(await mcp.call_tool("list_tasks", {})))
            assert "buy milk" in listed and "call home" in listed, listed
            await mcp.call_tool("complete_task", {"title": "buy milk"})
        async with session(url, "person-2") as mcp:
            listed = json.dumps(text(await mcp.call_tool("list_tasks", {})))
            assert "call home" not in listed, listed


@case("mcp", "an unknown tool is an error of the protocol, a bad argument one of the tool")
async def errors(emulators):
    with agent() as url:
        async with session(url, "person-1") as mcp:
            try:
                await mcp.call_tool("fly", {})
                raise AssertionError("an unknown tool was called")
            except Exception as error:
                assert "no such tool" in str(error), error
            result = await mcp.call_tool("create_task", {})
            failed = getattr(result, "is_error", None)
            assert failed if failed is not None else result.isError, result
