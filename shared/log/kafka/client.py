"""A client of aiokafka from its start to its end."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

STOP_SECONDS = 3.0  # longest wait for the end of a client

C = TypeVar("C", AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer)


class Client(Generic[C]):
    """A client that starts at once, in a task of its own, so that no cancelled caller interrupts the start.

    If `AIOKafkaClient.bootstrap` is cancelled, aiokafka forgets its connection and never closes it.
    """

    def __init__(self, client: C):
        _quieten(asyncio.get_running_loop())
        self._client = client
        self._starting = asyncio.ensure_future(client.start())

    async def started(self) -> C:
        """The started client.

        Errors: those of `start`, at every call; KafkaConnectionError if it was ended before.
        """
        if not self._starting.done():  # called before every send
            await asyncio.wait({self._starting})
        if self._starting.cancelled():  # its CancelledError would look like a cancellation of the caller
            raise KafkaConnectionError("the client was ended before it had started")
        self._starting.result()
        return self._client

    async def end(self) -> None:
        """Ends the client within a bound. The client must not be used any more, even if this fails."""
        await ended(self._starting)
        client = self._client
        if await ended(client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop()):
            return
        if isinstance(client, AIOKafkaProducer):  # `stop` waits for pending sends without a bound
            if (task := client._sender.sender_task) is not None:  # aiokafka has no public way to give up
                task.cancel()
            await ended(client.client.close())


async def ended(work: Awaitable[None]) -> bool:
    """Waits within a bound for a client to start or to end. Returns whether it did so without an error.

    The work runs in a task of its own. aiokafka cancels its tasks at the end, and their CancelledError may
    come out of `stop`. Here it would look like a cancellation of the caller.
    """
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=STOP_SECONDS)
    if not task.done():
        task.cancel()
        return False
    return not task.cancelled() and task.exception() is None


def _quieten(loop: asyncio.AbstractEventLoop) -> None:
    """Silences errors of futures that aiokafka abandons after a fence or a lost broker.

    They are raised elsewhere too.
    """

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), (KafkaError, ConnectionError)):
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
