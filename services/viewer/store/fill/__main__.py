"""The process that fills a store beside a viewer: `python -m services.viewer.store.fill`.

Settings come from the environment. It ends when its standard input ends, so when the viewer ends. While it
makes a store it prints its progress, two numbers a line.
"""

import asyncio
import contextlib
import os
import sys

from services.runtime.signals import stopping_on_signals
from services.viewer.store.fill.filler import Progress
from services.viewer.store.fill.following import follow
from services.viewer.store.fill.rules import Rules
from services.viewer.store.place import StorePlace, folder_of
from shared.errors import ScholarstreamError
from shared.log import open_log
from shared.settings import Settings
from shared.telemetry import logs

NICENESS = 10  # intake and pages go first


async def main(settings: Settings) -> None:
    """Fills until standard input ends, or a signal. Errors: those of the log and of SQLite."""
    folder = folder_of(settings)
    if folder is None:
        return
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, lambda: None if os.read(sys.stdin.fileno(), 1024) else _end(loop, stop))
    the_log = open_log(settings.log_url, settings.kafka, create=False, read_only=True)
    try:
        with stopping_on_signals(stop):
            most, rules = settings.max_event_bytes, Rules.of(settings)
            await follow(the_log, StorePlace(folder), most, stop, _print, rules)
    finally:
        await the_log.close()


def _end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.remove_reader(sys.stdin)
    stop.set()


def _print(progress: Progress) -> None:
    print(progress.read, progress.total, flush=True)


if __name__ == "__main__":
    settings = Settings.load()
    logs.configure(settings.log_level, settings.log_format)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    try:
        asyncio.run(main(settings))
    except ScholarstreamError as error:
        print(f"scholarstream: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
