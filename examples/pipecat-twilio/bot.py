"""A Pipecat bot that keeps a task list, called over Twilio Media Streams.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python bot.py --port 7860

Nothing in it knows of Uproar: the vendors' addresses come from the environment, as they would for a proxy or another region.
Without them it calls the vendors themselves.
"""

import argparse
import os
import sys

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from loguru import logger

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.cartesia.tts import CartesiaTTSService
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.transports.websocket.fastapi import (
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

PROMPT = "You keep a task list for a caller on the telephone. Answer in one or two short sentences."

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/")
async def voice(request: Request):
    """Twilio's voice webhook: the call's audio is to come to /ws."""
    host = request.headers.get("host", "localhost")
    scheme = "wss" if request.url.scheme == "https" else "ws"
    return Response(
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect>'
        f'<Stream url="{scheme}://{host}/ws"/></Connect></Response>',
        media_type="application/xml",
    )


@app.websocket("/ws")
async def media(websocket: WebSocket):
    await websocket.accept()
    _, call = await parse_telephony_websocket(websocket)
    await talk(websocket, call)


def optional(name: str, argument: str) -> dict:
    """An argument only where the environment sets it: the library's default otherwise."""
    return {argument: os.environ[name]} if os.environ.get(name) else {}


def turn_strategies():
    """TURN=smart asks Pipecat's model whether the caller has finished, TURN=vad waits for silence."""
    if os.environ.get("TURN", "vad") == "smart":
        return UserTurnStrategies()
    return UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy()])


async def talk(websocket: WebSocket, call: dict):
    transport = FastAPIWebsocketTransport(
        websocket=websocket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            serializer=TwilioFrameSerializer(
                stream_sid=call["stream_id"],
                call_sid=call["call_id"],
                account_sid=os.environ.get("TWILIO_ACCOUNT_SID"),
                auth_token=os.environ.get("TWILIO_AUTH_TOKEN"),
                params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
            ),
        ),
    )
    stt = DeepgramSTTService(
        api_key=os.environ["DEEPGRAM_API_KEY"], **optional("DEEPGRAM_URL", "base_url")
    )
    # The OpenAI library reads OPENAI_BASE_URL itself.
    llm = OpenAILLMService(
        api_key=os.environ["OPENAI_API_KEY"],
        settings=OpenAILLMService.Settings(
            model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"), system_instruction=PROMPT
        ),
    )
    tts = CartesiaTTSService(
        api_key=os.environ["CARTESIA_API_KEY"],
        settings=CartesiaTTSService.Settings(
            model="sonic-2", voice="71a7ad14-091c-4e8e-a314-022ece01c121"
        ),
        **optional("CARTESIA_URL", "url"),
    )

    tasks: list[str] = []

    async def create_task(params: FunctionCallParams, title: str):
        """Adds a task to the caller's list.

        Args:
            title: What is to be done.
        """
        tasks.append(title)
        await params.result_callback({"created": title})

    async def list_tasks(params: FunctionCallParams):
        """Lists the caller's open tasks."""
        await params.result_callback({"tasks": tasks})

    async def complete_task(params: FunctionCallParams, title: str):
        """Marks one of the caller's tasks as done.

        Args:
            title: The task, in the caller's words.
        """
        found = next((task for task in tasks if title.lower() in task.lower()), None)
        if found:
            tasks.remove(found)
        await params.result_callback({"completed": found or title})

    context = LLMContext(tools=[create_task, list_tasks, complete_task])
    vad = SileroVADAnalyzer(params=VADParams(stop_secs=float(os.environ.get("VAD_STOP", "0.2"))))
    heard, said = LLMContextAggregatorPair(
        context,
        user_params=LLMUserAggregatorParams(
            vad_analyzer=vad, user_turn_strategies=turn_strategies()
        ),
    )
    worker = PipelineWorker(
        Pipeline([transport.input(), stt, heard, llm, tts, transport.output(), said]),
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    @transport.event_handler("on_client_connected")
    async def connected(transport, client):
        context.add_message({"role": "developer", "content": "Greet the caller."})
        await worker.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")
    async def disconnected(transport, client):
        await worker.cancel()

    await runner.run()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--port", type=int, default=int(os.environ.get("PORT", "7860")))
    arguments.add_argument("--host", default="127.0.0.1")
    chosen = arguments.parse_args()
    logger.remove()
    logger.add(sys.stderr, level=os.environ.get("LOG_LEVEL", "INFO"))
    uvicorn.run(app, host=chosen.host, port=chosen.port, log_level="warning")
