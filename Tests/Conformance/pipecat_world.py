"""One Pipecat service in a pipeline of its own: what is pushed in, what comes out."""

import asyncio

from loguru import logger
from pipecat.frames.frames import EndFrame, ErrorFrame, InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

logger.remove()


class Collector(FrameProcessor):
    def __init__(self, frames, direction):
        super().__init__(enable_direct_mode=True)
        self.frames, self.direction = frames, direction

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if direction == self.direction:
            self.frames.append(frame)
        await self.push_frame(frame, direction)


class Stage:
    """`async with Stage(service) as stage:` - the pipeline runs inside."""

    def __init__(self, *services, rate=16000):
        self.down, self.up = [], []
        self.worker = PipelineWorker(
            Pipeline([Collector(self.up, FrameDirection.UPSTREAM), *services,
                      Collector(self.down, FrameDirection.DOWNSTREAM)]),
            cancel_on_idle_timeout=False,
            params=PipelineParams(audio_in_sample_rate=rate, audio_out_sample_rate=rate),
        )
        self.started = asyncio.Event()

        @self.worker.event_handler("on_pipeline_started")
        async def _(worker, frame):
            self.started.set()

    async def __aenter__(self):
        self.runner = WorkerRunner(handle_sigint=False)
        await self.runner.add_workers(self.worker)
        self.task = asyncio.create_task(self.runner.run())
        await asyncio.wait_for(self.started.wait(), 20)
        return self

    async def __aexit__(self, *_):
        await self.worker.cancel()
        try:
            await asyncio.wait_for(self.task, 8)
        except (asyncio.TimeoutError, asyncio.CancelledError):
            self.task.cancel()

    async def push(self, frame):
        await self.worker.queue_frame(frame)

    async def speak(self, audio, rate=16000):
        from suite import paced

        await paced(audio, lambda piece: self.push(
            InputAudioRawFrame(audio=piece, sample_rate=rate, num_channels=1)), rate=rate)

    def of(self, kind):
        return [f for f in self.down if isinstance(f, kind)]

    @property
    def errors(self):
        return [f for f in self.up + self.down if isinstance(f, ErrorFrame)]
