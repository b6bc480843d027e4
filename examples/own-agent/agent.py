"""A voice agent in one file: Twilio Media Streams in and out, Deepgram, OpenAI and Cartesia behind it. Copy it and go on.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python agent.py --port 8080

The vendors' addresses and keys come from the environment; without addresses the vendors themselves are called.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import re
from urllib.parse import urlencode

import httpx
import websockets

DEEPGRAM = os.environ.get("DEEPGRAM_URL", "wss://api.deepgram.com")
OPENAI = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
CARTESIA = os.environ.get("CARTESIA_URL", "wss://api.cartesia.ai")
KEYS = {name: os.environ.get(f"{name}_API_KEY", "") for name in ("DEEPGRAM", "OPENAI", "CARTESIA")}
MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o-mini")
# How long a caller must be silent to have finished: what `uproar ab` can hold two values of against each other.
ENDPOINTING_MS = int(os.environ.get("ENDPOINTING_MS", "300"))
PROMPT = "You answer the telephone. Use one or two short sentences."

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": text,
            "parameters": {
                "type": "object",
                "properties": {word: {"type": "string"} for word in words},
                "required": words,
            },
        },
    }
    for name, text, words in [
        ("create_task", "Adds a task to the caller's list.", ["title"]),
        ("list_tasks", "Lists the caller's open tasks.", []),
        ("complete_task", "Marks one of the caller's tasks as done.", ["title"]),
    ]
]


class Call:
    """One caller, from the first message of the stream to its end."""

    def __init__(self, caller, http):
        self.caller = caller
        self.http = http
        self.stream = ""
        self.messages = [{"role": "system", "content": PROMPT}]
        self.tasks = []
        self.reply = None  # the task that is answering
        self.context = 0

    async def run(self):
        query = urlencode(
            {
                "model": "nova-3",
                "encoding": "mulaw",
                "sample_rate": 8000,
                "interim_results": "true",
                "endpointing": ENDPOINTING_MS,
            }
        )
        async with (
            websockets.connect(
                f"{DEEPGRAM}/v1/listen?{query}",
                additional_headers={"Authorization": f"Token {KEYS['DEEPGRAM']}"},
            ) as self.ears,
            websockets.connect(
                f"{CARTESIA}/tts/websocket?cartesia_version=2025-04-16&api_key={KEYS['CARTESIA']}"
            ) as self.voice,
        ):
            parts = [asyncio.create_task(part()) for part in (self.hear, self.listen, self.speak)]
            # Whoever ends first ends the call: the caller hung up, or a provider is gone.
            _, others = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in others | ({self.reply} if self.reply else set()):
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def hear(self):
        """The caller's audio goes to the recogniser as it comes."""
        async for text in self.caller:
            message = json.loads(text)
            if message["event"] == "start":
                self.stream = message["start"]["streamSid"]
                self.answer("Greet the caller.", role="developer")
            elif message["event"] == "media":
                await self.ears.send(base64.b64decode(message["media"]["payload"]))
            elif message["event"] == "stop":
                return

    async def listen(self):
        """Words interrupt the agent; the end of an utterance is answered."""
        words = []
        async for text in self.ears:
            message = json.loads(text)
            if message.get("type") != "Results":
                continue
            heard = message["channel"]["alternatives"][0]["transcript"]
            if heard and self.reply:
                await self.stop()
            if heard and message["is_final"]:
                words.append(heard)
            if message["speech_final"] and words:
                self.answer(" ".join(words))
                words = []

    async def speak(self):
        """The voice's audio goes to the caller, unless it belongs to a reply that was cut."""
        async for text in self.voice:
            message = json.loads(text)
            if message.get("type") == "chunk" and message.get("context_id") == f"c{self.context}":
                await self.caller.send(
                    json.dumps(
                        {
                            "event": "media",
                            "streamSid": self.stream,
                            "media": {"payload": message["data"]},
                        }
                    )
                )

    def answer(self, text, role="user"):
        self.context += 1
        self.messages.append({"role": role, "content": text})
        self.reply = asyncio.create_task(self.think(self.context))

    async def stop(self):
        """The caller speaks: the reply ends, and what the telephone still holds of it is thrown away."""
        self.reply.cancel()
        self.reply = None
        await self.voice.send(json.dumps({"context_id": f"c{self.context}", "cancel": True}))
        self.context += 1
        await self.caller.send(json.dumps({"event": "clear", "streamSid": self.stream}))

    async def think(self, context):
        while True:
            said, calls = "", {}
            async for delta in self.deltas():
                for call in delta.get("tool_calls") or []:
                    entry = calls.setdefault(call["index"], {"id": "", "name": "", "arguments": ""})
                    entry["id"] = call.get("id") or entry["id"]
                    for key in ("name", "arguments"):
                        entry[key] += call.get("function", {}).get(key) or ""
                said += delta.get("content") or ""
                # Each clause is spoken as soon as it is there.
                while match := re.match(r"(.+?[.,!?])\s+(.+)", said, re.DOTALL):
                    await self.say(context, match[1] + " ", more=True)
                    said = match[2]
            if not calls:
                await self.say(context, said, more=False)
                self.messages.append({"role": "assistant", "content": said})
                return
            self.messages.append(
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": call["id"],
                            "type": "function",
                            "function": {"name": call["name"], "arguments": call["arguments"]},
                        }
                        for call in calls.values()
                    ],
                }
            )
            for call in calls.values():
                result = self.use(call["name"], json.loads(call["arguments"] or "{}"))
                self.messages.append(
                    {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}
                )

    async def deltas(self):
        request = {"model": MODEL, "messages": self.messages, "tools": TOOLS, "stream": True}
        request["stream_options"] = {"include_usage": True}
        headers = {"Authorization": f"Bearer {KEYS['OPENAI']}"}
        async with self.http.stream(
            "POST", f"{OPENAI}/chat/completions", json=request, headers=headers
        ) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    for choice in json.loads(line[6:])["choices"]:
                        yield choice["delta"]

    async def say(self, context, text, more):
        await self.voice.send(
            json.dumps(
                {
                    "context_id": f"c{context}",
                    "model_id": "sonic-2",
                    "transcript": text,
                    "continue": more,
                    "voice": {"mode": "id", "id": "71a7ad14-091c-4e8e-a314-022ece01c121"},
                    "output_format": {
                        "container": "raw",
                        "encoding": "pcm_mulaw",
                        "sample_rate": 8000,
                    },
                    "language": "en",
                }
            )
        )

    def use(self, tool, arguments):
        title = arguments.get("title", "")
        if tool == "create_task":
            self.tasks.append(title)
            return {"created": title}
        if tool == "complete_task":
            self.tasks = [task for task in self.tasks if title.lower() not in task.lower()]
            return {"completed": title}
        return {"tasks": self.tasks}


async def main(host, port):
    async with httpx.AsyncClient(timeout=10) as http:

        async def take(caller):
            with contextlib.suppress(websockets.ConnectionClosed):
                await Call(caller, http).run()

        async with websockets.serve(take, host, port) as server:
            print(f"ws://{host}:{port}/media", flush=True)
            await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8080")))
    arguments.add_argument("--host", default="127.0.0.1")
    chosen = arguments.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(chosen.host, chosen.port))
