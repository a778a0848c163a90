"""Starts the process that fills the store beside this viewer, and starts it again when it ends."""

import asyncio
import contextlib
import os
import sys

import structlog

from shared.settings import Settings

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before it is started again
END_SECONDS = 1.0  # then it is killed: offsets and rows are one transaction, so it loses nothing

log = structlog.get_logger("store")


class StoreProcess:
    """The process, and how far a store is that it makes."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self.progress: tuple[int, int] | None = None  # (read, total); None: it makes none

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. A process that fails is a line in the log, never the end of the viewer."""
        pause = FIRST_PAUSE
        while not stop.is_set():
            loop = asyncio.get_running_loop()
            began = loop.time()
            code = await self._run_once(stop)
            if stop.is_set():
                return
            self.progress = None
            pause = FIRST_PAUSE if loop.time() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            log.warning("the process that fills the store has ended", code=code, again_in=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _run_once(self, stop: asyncio.Event) -> int | None:
        """The exit code of one process. None: it could not be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.viewer.store.fill",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, **self._settings.environment},
            )
        except OSError as error:
            log.warning("the store cannot be filled", reason=error.strerror)
            return None
        reading = asyncio.create_task(self._read(process))
        stopping = asyncio.create_task(stop.wait())
        ending = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(ending, END_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
            for task in (reading, stopping):
                task.cancel()
            await asyncio.gather(reading, stopping, return_exceptions=True)
        return process.returncode

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        async for line in process.stdout:
            read, _, total = line.partition(b" ")
            if read.strip().isdigit() and total.strip().isdigit():
                self.progress = int(read), int(total)
