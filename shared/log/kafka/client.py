"""A client of aiokafka from its start to its end."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

STOP_SECONDS = 3.0  # a client that takes longer to end is left to itself

C = TypeVar("C", AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer)


class Client(Generic[C]):
    """Starts at once, in a task of its own, which nobody who waits for it interrupts: aiokafka forgets the connection that it asks for the
    cluster's layout when it is cancelled there (`AIOKafkaClient.bootstrap`), and then nobody closes it."""

    def __init__(self, client: C):
        _quieten(asyncio.get_running_loop())
        self._client = client
        self._starting = asyncio.ensure_future(client.start())

    async def started(self) -> C:
        """Errors: what `start` raised, to everybody who asks; KafkaConnectionError when it was ended before."""
        if not self._starting.done():  # asked before every send
            await asyncio.wait({self._starting})
        if self._starting.cancelled():  # its CancelledError would look as if somebody had cancelled us
            raise KafkaConnectionError("the client was ended before it had started")
        self._starting.result()
        return self._client

    async def end(self) -> None:
        """Within a bound; whatever becomes of it, it is not used any more."""
        await ended(self._starting)
        client = self._client
        if await ended(client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop()):
            return
        if isinstance(client, AIOKafkaProducer):  # `stop` waits for what is under way, for ever if need be
            if (task := client._sender.sender_task) is not None:  # there is no public way to give up
                task.cancel()
            await ended(client.client.close())


async def ended(work: Awaitable[None]) -> bool:
    """Waits for a client to start or to end, within a bound; one that cannot harms nobody. Whether it did by itself.

    In a task of its own: aiokafka cancels its tasks at the end, and their CancelledError may come out of `stop`; here it would look as if
    somebody had cancelled us.
    """
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=STOP_SECONDS)
    if not task.done():
        task.cancel()
        return False
    return not task.cancelled() and task.exception() is None


def _quieten(loop: asyncio.AbstractEventLoop) -> None:
    """aiokafka leaves futures behind whose errors nobody asks for, after a fence or a lost broker: the same errors reach us elsewhere."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), (KafkaError, ConnectionError)):
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
