"""The commands `scholarstream webhooks …`."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.app import AsJson, webhooks_app
from services.cli.options import LOG, with_settings
from shared.errors import UsageError
from shared.settings import Settings

if TYPE_CHECKING:
    from services.viewer.webhooks.store import Store


@webhooks_app.command("add")
@with_settings("data_dir")
def webhooks_add(
    settings: Settings,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send: https://HOST/PATH.")],
    author: Annotated[
        list[str] | None,
        typer.Option("--author", help="An author to send about. Can be repeated.", metavar="ID"),
    ] = None,
    when: Annotated[
        list[str] | None,
        typer.Option(
            "--when", help="Send when this metric changes; any: whichever. Can be repeated.", metavar="METRIC"
        ),
    ] = None,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Allow http, and addresses that are not public."),
    ] = False,
    json: AsJson = False,
) -> None:
    """Send each change of an author's numbers to a URL, from now on.

    It prints the secret that signs the messages, once.
    """
    import time

    from services.cli.output import print_json
    from services.viewer.webhooks.hooks import new_hook

    hook = new_hook(
        url, author or [], when or [], allow_private=allow_private, now_ms=int(time.time() * 1000)
    )
    with _opened(settings, create=True) as store:
        store.add(hook)
    if json:
        print_json({"id": hook.id, "secret": hook.secret})
    else:
        print(f"{hook.id} sends from now on; its secret, shown only now: {hook.secret}")


@webhooks_app.command("list")
@with_settings("data_dir")
def webhooks_list(settings: Settings, json: AsJson = False) -> None:
    """List webhooks with what waits, what was delivered and what was given up."""
    from services.cli.output import print_json, print_table

    with _opened(settings) as store:
        found = store.described()
    if json:
        print_json(found)
        return
    heads = ("id", "url", "authors", "when", "waiting", "delivered", "given up", "dropped", "note")
    print_table(
        heads,
        (
            (
                one["id"],
                one["url"] + ("" if one["sends"] else " (ended)"),
                ", ".join(one["authors"]),
                ", ".join(one["when"]),
                *(one[name] for name in ("waiting", "delivered", "given_up", "dropped", "note")),
            )
            for one in found
        ),
        right=("waiting", "delivered", "given up", "dropped"),
    )


@webhooks_app.command("remove")
@with_settings("data_dir")
def webhooks_remove(
    settings: Settings, hook: Annotated[str, typer.Argument(metavar="ID", help="From `webhooks list`.")]
) -> None:
    """Remove a webhook with everything that it has yet to send."""
    with _opened(settings) as store:
        if not store.remove(hook):
            raise UsageError(f"there is no webhook {hook!r}; `scholarstream webhooks list` lists them")
    print(f"{hook} is removed")


@webhooks_app.command("run")
@with_settings(*LOG, "log_level", "log_format", "shutdown_seconds")
def webhooks_run(settings: Settings) -> None:
    """Send the messages of webhooks, until Ctrl-C.

    A running viewer with the same data folder does this by itself.
    """
    from services.queries.profiles import opened_log
    from services.runtime.signals import stopping_on_signals, together
    from services.viewer.webhooks.service import send_now
    from shared.stages.runner import Stop

    async def send() -> None:
        stop = Stop()
        async with opened_log(settings) as log:
            with stopping_on_signals(stop):
                sending = asyncio.create_task(send_now(log, settings, stop), name="webhooks")
                await together(stop, [sending], settings.shutdown_seconds)

    asyncio.run(send())


@contextlib.contextmanager
def _opened(settings: Settings, create: bool = False) -> "Iterator[Store]":
    """The file of the webhooks. Error: UsageError if there is none yet."""
    from services.viewer.webhooks.service import path_of
    from services.viewer.webhooks.store import Store

    path = path_of(settings)
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        raise UsageError(f"there are no webhooks in {path.parent}; `scholarstream webhooks add` makes one")
    with contextlib.closing(Store(path)) as store:
        yield store
