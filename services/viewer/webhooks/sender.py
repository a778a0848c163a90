"""Reads change records and sends what webhooks want: at least once, in order for each author of each
webhook.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from services.viewer.change_records import change_in
from services.viewer.webhooks.delivery import Outcome
from services.viewer.webhooks.hooks import Hook
from services.viewer.webhooks.retries import PAUSES_SECONDS
from services.viewer.webhooks.signing import body_of, message_id
from services.viewer.webhooks.store import New, Store, Waiting
from shared.contracts.topics import AUTHOR_METRICS
from shared.log.port import Log, Partition, Record

log = structlog.get_logger("webhooks")

AT_ONCE, AT_ONCE_OF_ONE = 32, 4  # messages on their way: in all, of one webhook
READ_RECORDS, READ_BYTES = 500, 1 << 20  # of one step, which blocks the event loop for some milliseconds
WAIT_SECONDS = 1.0  # longest wait; a new webhook is noticed within this time

Send = Callable[[Hook, str, bytes], Awaitable[Outcome]]


class Sender:
    """One task calls `run`. name: of the log, for the positions; send: one attempt; clock: seconds since the
    epoch.
    """

    def __init__(
        self, the_log: Log, name: str, store: Store, send: Send, clock: Callable[[], float] = time.time
    ):
        self._log, self._name, self._store, self._send, self._clock = the_log, name, store, send, clock
        self._sending: dict[tuple[str, str], asyncio.Task[None]] = {}  # (webhook, author) → its first message

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop` is set. Errors: those of the log and of the store."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                positions = await self.step()
                waiting = asyncio.create_task(self._wait(positions))
                try:
                    await asyncio.wait(
                        {stopping, waiting, *self._sending.values()}, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    waiting.cancel()
                    await asyncio.gather(waiting, return_exceptions=True)
        finally:
            stopping.cancel()
            for task in self._sending.values():
                task.cancel()  # the message stays in the store and is sent again: at least once
            await asyncio.gather(*self._sending.values(), return_exceptions=True)

    async def step(self) -> dict[Partition, int]:
        """Takes what is new in the log, and starts what is due. Returns the positions in the log."""
        hooks = {hook.id: hook for hook in await asyncio.to_thread(self._store.hooks)}
        if not hooks:
            return {}
        positions = await self._read_on(hooks)
        await self._start_due(hooks)
        return positions

    async def settle(self) -> None:
        """Waits until everything on its way has an outcome."""
        await asyncio.gather(*self._sending.values())

    async def _wait(self, positions: dict[Partition, int]) -> None:
        if positions:
            await self._log.wait(positions, WAIT_SECONDS)
        else:
            await asyncio.sleep(WAIT_SECONDS)

    # ---- reading

    async def _read_on(self, hooks: dict[str, Hook]) -> dict[Partition, int]:
        """One step of each partition. Keeps positions and messages together."""
        positions = await self._positions(min(hook.created_ms for hook in hooks.values()))
        by_author: dict[bytes, list[Hook]] = {}
        for hook in hooks.values():
            for author in hook.authors:
                by_author.setdefault(author.encode(), []).append(hook)
        moved: dict[Partition, int] = {}
        new: list[New] = []
        for partition, position in positions.items():
            records = await self._log.read(
                partition, position, max_records=READ_RECORDS, max_bytes=READ_BYTES
            )
            for record in records:
                new += _messages(record, by_author)
            if records:
                moved[partition] = records[-1].offset + 1
        if moved:
            dropped = await asyncio.to_thread(self._store.take, self._name, moved, new, self._now())
            if dropped:
                log.warning("webhooks have too much to send", dropped=dropped)
        return positions | moved

    async def _positions(self, since_ms: int) -> dict[Partition, int]:
        """Where to read on. Without a kept position: at the first change since the oldest webhook was
        added.
        """
        spec = (await self._log.topics()).get(AUTHOR_METRICS.name)
        if spec is None:
            return {}
        partitions = [Partition(spec.name, number) for number in range(spec.partitions)]
        bounds = await self._log.bounds(partitions)
        kept = await asyncio.to_thread(self._store.positions, self._name)
        positions = {}
        for partition, (first, end) in bounds.items():
            position = kept.get(partition)
            if position is None:
                position = await self._log.first_since(partition, since_ms)
            elif position < first:
                log.warning("webhooks missed changes that the log no longer has", missed=first - position)
            elif position > end:  # another log under the same name
                position = end
            positions[partition] = max(first, position)
        return positions

    # ---- sending

    async def _start_due(self, hooks: dict[str, Hook]) -> None:
        for one in await asyncio.to_thread(self._store.due, self._now(), 4 * AT_ONCE):
            lane, hook = (one.hook, one.author), hooks.get(one.hook)
            busy = sum(of == one.hook for of, _ in self._sending)
            if len(self._sending) >= AT_ONCE:
                return
            if hook is None or lane in self._sending or busy >= AT_ONCE_OF_ONE:
                continue
            task = asyncio.create_task(self._attempt(hook, one), name=f"webhook {one.message}")
            self._sending[lane] = task
            task.add_done_callback(partial(self._sent, lane))

    def _sent(self, lane: tuple[str, str], _: asyncio.Task[None]) -> None:
        self._sending.pop(lane, None)

    async def _attempt(self, hook: Hook, one: Waiting) -> None:
        outcome = await self._send(hook, one.message, one.body)
        now = self._now()
        if outcome.delivered:
            await asyncio.to_thread(self._store.delivered, one)
        elif outcome.gone:
            log.warning("a webhook is over: its receiver wants no more", webhook=hook.id)
            await asyncio.to_thread(self._store.end, hook.id, f"ended by its receiver ({outcome.note})", now)
        elif one.attempts >= len(PAUSES_SECONDS):
            note = f"{one.message} given up after {one.attempts + 1} attempts: {outcome.note}"
            log.warning(
                "a message of a webhook is given up", webhook=hook.id, message=one.message, why=outcome.note
            )
            await asyncio.to_thread(self._store.give_up, one, note, now)
        else:
            due = now + PAUSES_SECONDS[one.attempts] * 1000
            await asyncio.to_thread(self._store.postpone, one, outcome.note, now, due)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _messages(record: Record, by_author: dict[bytes, list[Hook]]) -> list[New]:
    """The messages that a change record gives. A record that another client wrote may give none."""
    hooks = by_author.get(record.key) if record.key is not None else None
    if not hooks:
        return []
    change = change_in(record.key, record.value)
    if change is None:
        return []
    author, generation, version = change["author_id"], change["generation"], change["version"]
    body = body_of(record.value, record.timestamp)
    return [
        New(hook.id, author, message_id(hook.id, author, generation, version), body)
        for hook in hooks
        if record.timestamp >= hook.created_ms and hook.wants(change)
    ]
