"""The command line. Every command imports what it needs when it runs, so that `--help` and short commands stay quick."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from services.command import ALL, INTAKE, INTERRUPTED, PARTITIONS, PLACE, SERVICE, Group, numbers_or_all, with_settings
from shared.errors import ScholarstreamError, UsageError, VerificationFailed
from shared.settings import Settings

if TYPE_CHECKING:
    from services.reading import Read

EPILOGUE = (
    "Exit codes: 0 done, 1 something else went wrong, 2 wrong usage, 3 the input was refused, 4 verification found a difference. "
    "Every setting is also an environment variable (SCHOLARSTREAM_…); docs/operations.md lists them."
)
app = typer.Typer(
    name="scholarstream",
    cls=Group,
    help="Live author profiles from a stream of papers.",
    epilog=EPILOGUE,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
topics_app = typer.Typer(help="The topics of the log.", no_args_is_help=True)
export_app = typer.Typer(help="Everything that is published, as a file.", no_args_is_help=True)
letters_app = typer.Typer(help="Events that were refused: look at them, send them again, drop them.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(export_app, name="export")
app.add_typer(letters_app, name="dead-letters")

POINT = "A day (YYYY-MM-DD: its end, UTC), now, or positions (papers.v1:0=1200,authors.v1:0=40); docs/history.md."
Author = Annotated[str, typer.Argument(metavar="AUTHOR_ID")]
AsOf = Annotated[str | None, typer.Option("--as-of", help=POINT, metavar="POINT")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Where events come from: file:PATH, - or demo:. Can be repeated.")]
RawCells = Annotated[
    bool, typer.Option("--raw-cells", help="CSV: texts as they are, also where a spreadsheet would compute them (= + - @ in front).")
]
Output = Annotated[str, typer.Option("--output", help="File to write, - for standard output.", metavar="FILE")]
Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers of letters, as `dead-letters list` shows them.", metavar="NUMBER…")]
Everything = Annotated[bool, typer.Option("--all", help="Every open letter.")]


# ---- services


@app.command()
@with_settings(*ALL)
def run(
    settings: Settings,
    source: Sources = None,
    demo: Annotated[bool, typer.Option("--demo", help="One real author, and a simulated literature that goes on citing him.")] = False,
    exit_when_idle: Annotated[
        bool, typer.Option("--exit-when-idle", help="End once all sources are read and everything is published.")
    ] = False,
    no_port: Annotated[bool, typer.Option("--no-port", help="No page, no HTTP API, no metrics.")] = False,
) -> None:
    """All services in one process. Without --demo and --source: what is in the log, and what others put into it."""
    from services.run import run

    asked = "port" in settings.model_fields_set and settings.port != 0
    open_port = not no_port and (asked or not exit_when_idle)
    asyncio.run(
        run(
            settings,
            sources=source or [],
            demo=demo,
            exit_when_idle=exit_when_idle,
            open_port=open_port,
            announce=_announce("scholarstream"),
        )
    )


@app.command()
@with_settings(*PLACE, *INTAKE, *SERVICE)
def producer(settings: Settings, source: Sources = None, json: AsJson = False) -> None:
    """Puts events into the log and keeps the clock: until its sources end; without a source until it is stopped."""
    from services.producer.main import run_producer

    _tell_sent(asyncio.run(run_producer(settings, source or [])), json)


@app.command()
@with_settings(*ALL)
def consumer(settings: Settings) -> None:
    """Computes: catalogue, directory, citations, cohorts, authors."""
    from services.consumer.main import run_consumer

    asyncio.run(run_consumer(settings))


@app.command()
@with_settings(*ALL)
def scorer(settings: Settings) -> None:
    """Reads texts for novelty; without it papers have none."""
    from services.scorer.main import run_scorer

    asyncio.run(run_scorer(settings))


@app.command()
@with_settings(*ALL)
def publisher(settings: Settings) -> None:
    """Publishes profiles and what changed in them."""
    from services.publisher.main import run_publisher

    asyncio.run(run_publisher(settings))


@app.command()
@with_settings(*PLACE, *PARTITIONS, "accept_topics", "http_hosts", *SERVICE)
def viewer(settings: Settings) -> None:
    """Serves the page, the HTTP API and live events."""
    from services.viewer.main import run_viewer

    asyncio.run(run_viewer(settings))


# ---- intake


@app.command()
@with_settings(*PLACE, *INTAKE)
def ingest(
    settings: Settings,
    source: Annotated[list[str], typer.Argument(help="file:PATH (or a path), - for standard input.", metavar="SOURCE…")],
    restart: Annotated[bool, typer.Option("--restart", help="Send from the beginning what was sent before.")] = False,
    json: AsJson = False,
) -> None:
    """Puts events into the log, also beside a running service. Goes on where an earlier call stopped."""
    from services.producer.ingest import ingest

    report = asyncio.run(ingest(settings, source, progress=not json, restart=restart))
    _tell_sent(report, json)
    if any(one["status"] == "stopped" for one in report["sources"]):
        raise KeyboardInterrupt


@app.command()
@with_settings(*PLACE, *INTAKE)
def simulate(
    settings: Settings,
    papers: Annotated[int, typer.Option("--papers", help="How many.", min=1)] = 1000,
    rate: Annotated[float, typer.Option("--rate", help="Events a second; 0: as fast as it goes.", min=0)] = 0,
    seed: Annotated[int, typer.Option("--seed", help="A seed gives the same literature every time.", min=0)] = 1,
    to: Annotated[
        str | None, typer.Option("--output", help="Write the events to a file (- for standard output), not to the log.", metavar="FILE")
    ] = None,
    json: AsJson = False,
) -> None:
    """A simulated literature, for load and for trying things out."""
    from services.producer import simulate
    from services.terminal import output, tell

    if to is None:
        _tell_sent(asyncio.run(simulate.stream(settings, papers, rate or None, seed, progress=not json)), json)
        return
    if rate:
        raise UsageError("--rate is for sending into the log; a file is written as fast as it goes")
    with output(to) as out:
        count = 0
        for event in simulate.simulate(papers, seed):
            out.write(event.decode() + "\n")
            count += 1
    tell(f"{count:,} events written to {'standard output' if to == '-' else to}")


# ---- reading


@app.command()
@with_settings(*PLACE, "checkpoints")
def profile(settings: Settings, author_id: Author, as_of: AsOf = None, json: AsJson = False) -> None:
    """One author's profile, as it is published or as it was at a point of the log; of a merged author, who has the papers now."""
    from services.history import profile_as_of
    from services.reading import profile
    from services.terminal import print_json, print_profile, reporter

    if as_of is None:
        found = asyncio.run(profile(settings, author_id))
    else:
        with reporter() as report:
            found = asyncio.run(profile_as_of(settings, author_id, as_of, report))
    try:
        (print_json if json else print_profile)(found)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ScholarstreamError(
            f"the newest snapshot of {author_id} is not as a publisher of ours writes them ({error!r}); --json shows it as it is"
        ) from error


@app.command()
@with_settings(*PLACE, "checkpoints")
def compare(
    settings: Settings,
    author_id: Author,
    before: Annotated[str, typer.Argument(metavar="POINT", help=POINT)],
    after: Annotated[str, typer.Argument(metavar="POINT", help="Another one; by default now.")] = "now",
    json: AsJson = False,
) -> None:
    """What changed for an author between two points of the log: numbers, papers, citations of each paper."""
    from services.history import compare
    from services.terminal import print_comparison, print_json, reporter

    with reporter() as report:
        found = asyncio.run(compare(settings, author_id, before, after, report))
    (print_json if json else print_comparison)(found)


@app.command()
@with_settings(*PLACE, "checkpoints")
def explain(
    settings: Settings,
    author_id: Author,
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="A name of docs/metrics.md, for example h_index.")],
    as_of: AsOf = None,
    basis: Annotated[str, typer.Option("--basis", help="Whose counts: references or counted:SOURCE.")] = "references",
    json: AsJson = False,
) -> None:
    """Why a number of an author is what it is: the papers that make it, and what the next step needs."""
    from services.history import NOW, explain
    from services.terminal import print_json, print_reason, reporter

    with reporter() as report:
        found = asyncio.run(explain(settings, author_id, metric, as_of or NOW, basis, report))
    (print_json if json else print_reason)(found)


@app.command()
@with_settings(*PLACE)
def search(
    settings: Settings,
    name: Annotated[list[str], typer.Argument(metavar="NAME…")],
    limit: Annotated[int, typer.Option("--limit", help="Authors shown, at most.", min=1, max=1000)] = 20,
    json: AsJson = False,
) -> None:
    """Authors by name, best match first."""
    from services.reading import COUNTED_MOST, find
    from services.terminal import exact, print_json, print_table, tell

    found = asyncio.run(find(settings, " ".join(name), limit))
    if json:
        print_json(found.authors)
    elif found.authors:
        print_table(
            ("h-index", "papers", "name", "author_id"),
            ((one["h_index"], one["papers"], one["name"], exact(one["author_id"])) for one in found.authors),
            right=("h-index", "papers"),
        )
    if found.authors:
        more = " or more" if found.total >= COUNTED_MOST else ""
        tell(f"{len(found.authors):,} of {found.total:,}{more} found, among {found.known:,} in all; as of {found.at}")
    else:
        tell(f"nobody by that name, among {found.known:,} in all; as of {found.at}")


@app.command()
@with_settings(*PLACE)
def subscribe(
    settings: Settings,
    author: Annotated[str | None, typer.Option("--author", help="This author only.", metavar="ID")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="First what is published already.")] = False,
    json: AsJson = False,
) -> None:
    """Profiles as they are published, until Ctrl-C; with --json one snapshot a line."""
    from services.reading import subscribe
    from services.terminal import print_json_line, snapshot_line

    async def follow() -> None:
        async for snapshot in subscribe(settings, author, from_beginning):
            if json:
                print_json_line(snapshot)
            else:
                print(snapshot_line(snapshot), flush=True)

    asyncio.run(follow())


@export_app.command("metrics")
@with_settings(*PLACE)
def export_metrics(
    settings: Settings,
    basis: Annotated[str, typer.Option("--basis", help="Whose counts: references or counted:SOURCE.")] = "references",
    format: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "csv",
    to: Output = "-",
    raw_cells: RawCells = False,
) -> None:
    """Every author's numbers, one row an author."""
    from services.reading import Read, export_metrics
    from services.terminal import output

    read: Read = {}
    with output(to) as out:
        rows = asyncio.run(export_metrics(settings, basis, out, format, raw_cells=raw_cells, read=read))
    _tell_written(rows, to, read)


@export_app.command("profiles")
@with_settings(*PLACE)
def export_profiles(
    settings: Settings, format: Annotated[str, typer.Option("--format", help="jsonl.")] = "jsonl", to: Output = "-"
) -> None:
    """Every author's newest snapshot, one a line."""
    from services.reading import Read, export_profiles
    from services.terminal import output

    read: Read = {}
    with output(to) as out:
        rows = asyncio.run(export_profiles(settings, out, format, read=read))
    _tell_written(rows, to, read)


# ---- operation


@app.command()
@with_settings(*PLACE)
def status(
    settings: Settings,
    wait: Annotated[
        float | None, typer.Option("--wait-idle", help="Wait until everything is published, so long at most.", metavar="SECONDS", min=0)
    ] = None,
    json: AsJson = False,
) -> None:
    """How far every stage is behind the log."""
    from services.admin.status import positions, status, trouble, wait_idle
    from services.terminal import print_json, print_table, tell

    now = asyncio.run(status(settings) if wait is None else wait_idle(settings, wait))
    tell(f"generation {now['generation']}, {len(now['stages'])} stages; as of {positions(now) or 'no input'}")
    if json:
        print_json(now)
        return
    print_table(
        ("stage", "partition", "lag", "state"),
        ((one["stage"], one["partition"], one["lag"], _state(one)) for one in now["stages"]),
        right=("partition", "lag"),
    )
    print(trouble(now) or ("idle: everything in the log is published" if now["idle"] else f"{now['lag']:,} records wait"))


@app.command()
@with_settings(*PLACE, "checkpoints")
def verify(
    settings: Settings,
    no_checkpoints: Annotated[bool, typer.Option("--no-checkpoints", help="Leave out the comparison of checkpoints.")] = False,
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample",
            help="Compares only a share of the authors (0.01 or 1%) or so many (500), always the same ones; no checkpoints.",
            metavar="SHARE|N",
        ),
    ] = None,
    memory: Annotated[
        str,
        typer.Option(
            "--memory",
            help="About what the recomputation may take; where it would take more it goes by slices, through temporary files.",
            metavar="SIZE",
        ),
    ] = "1GB",
    json: AsJson = False,
) -> None:
    """Recomputes everything from the events by independent code and compares it with what is published. Exit code 4: it differs."""
    from services.budget import memory_of
    from services.sample import Sample
    from services.terminal import print_json, reporter, tell
    from services.verify import verify

    left_out: list[str] = []
    chosen, budget = None if sample is None else Sample.of(sample), memory_of(memory)
    try:
        with reporter() as report:
            counts = asyncio.run(
                verify(settings, checkpoints=not no_checkpoints, sample=chosen, memory=budget, report=report, left_out=left_out)
            )
    except VerificationFailed as error:
        if json:
            print_json({"equal": False, "differences": str(error), "not_compared": left_out})
        raise
    finally:
        if left_out:
            tell(f"not compared: {'; '.join(left_out)}")
    if json:
        print_json({"equal": True} | counts | {"not_compared": left_out})
    else:
        print("published and recomputed are equal: " + ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items()))


@topics_app.command("create")
@with_settings(*PLACE, *PARTITIONS, "accept_topics")
def topics_create(settings: Settings) -> None:
    """Makes the topics that are missing. Partition counts are fixed from then on."""
    from services.admin.topics import create

    made = asyncio.run(create(settings))
    print("\n".join(made) if made else "all topics are there")


@topics_app.command("check")
@with_settings(*PLACE, *PARTITIONS)
def topics_check(settings: Settings, json: AsJson = False) -> None:
    """What of the topics is not as it must be. Exit code 1: something may lose data, or is missing."""
    from services.admin.topics import check
    from services.terminal import print_json, print_table

    found = asyncio.run(check(settings))
    if json:
        print_json([one._asdict() for one in found])
    elif found:
        print_table(("topic", "what", "is", "must be", "loses data"), found)
    else:
        print("all topics are as they must be")
    if any(one.loses or one.what == "topic" for one in found):
        raise typer.Exit(1)


@topics_app.command("drop")
@with_settings(*PLACE)
def topics_drop(settings: Settings, old: Annotated[int, typer.Argument(metavar="GENERATION", min=1)]) -> None:
    """Deletes the internal topics of a generation that is over, when nothing works on it any more."""
    from services.admin.topics import drop

    gone = asyncio.run(drop(settings, old))
    print("\n".join(gone) if gone else f"there are no topics of generation {old}")


@topics_app.command("dump")
@with_settings(*PLACE)
def topics_dump(
    settings: Settings,
    topic: Annotated[str, typer.Argument(metavar="TOPIC")],
    partition: Annotated[int, typer.Option("--partition", help="Which one.", min=0)] = 0,
    offset: Annotated[int, typer.Option("--from", help="The first position.", metavar="OFFSET", min=0)] = 0,
    limit: Annotated[int, typer.Option("--limit", help="Records, at most.", min=1)] = 20,
    rows: Annotated[int, typer.Option("--rows", help="Rows shown of each kind in a pack.", min=0)] = 3,
) -> None:
    """Records as JSON, one a line; packs of internal topics are decoded."""
    from services.admin.topics import dump
    from services.terminal import print_json_line

    async def show() -> None:
        async for record in dump(settings, topic, partition, offset, limit, rows):
            print_json_line(record)

    asyncio.run(show())


@topics_app.command("describe")
@with_settings(*PLACE)
def topics_describe(settings: Settings, json: AsJson = False) -> None:
    """Every topic: its partitions, how it is kept, what it holds."""
    from services.admin.topics import describe
    from services.terminal import print_json, print_table

    found = asyncio.run(describe(settings))
    if json:
        print_json(found)
        return
    print_table(
        ("topic", "partitions", "records", "kept", "key", "what"),
        ((one["topic"], one["partitions"], one["records"], one["kept"], one["key"], one["summary"]) for one in found),
        right=("partitions", "records"),
    )


@letters_app.command("list")
@with_settings(*PLACE)
def letters_list(
    settings: Settings, all: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False, json: AsJson = False
) -> None:
    """The letters that are open, oldest first."""
    from services.admin.dead_letters import letters
    from services.terminal import exactly, print_json, print_table

    found = asyncio.run(letters(settings, all=all))
    if json:
        print_json(found)
    elif found:
        columns = ("number", "state", "reason", "key", "bytes", "detail")
        source = ("source_topic", "source_partition", "source_offset")
        print_table(
            (*columns, "from"),
            ((*(exactly(one[c]) for c in columns), exactly("/".join(str(one[part]) for part in source))) for one in found),
            right=("number", "bytes"),
        )
    else:
        print("no dead letters" if all else "no open dead letters", file=sys.stderr)


@letters_app.command("show")
@with_settings(*PLACE)
def letters_show(settings: Settings, number: Annotated[int, typer.Argument(metavar="NUMBER")], json: AsJson = False) -> None:
    """One letter in full, with the bytes that were refused."""
    from services.admin.dead_letters import show
    from services.terminal import exactly, print_json

    letter = asyncio.run(show(settings, number))
    if json:
        print_json(letter)
        return
    for name, value in letter.items():
        print(f"{name:<18}{exactly(value)}")


@letters_app.command("replay")
@with_settings(*PLACE, "max_event_bytes", "days_ahead")
def letters_replay(settings: Settings, number: Numbers = None, all: Everything = False, json: AsJson = False) -> None:
    """Sends letters again. What is refused again stays open."""
    from services.admin.dead_letters import replay
    from services.terminal import print_json

    count = asyncio.run(replay(settings, numbers_or_all(number, all, "replay")))
    print_json({"replayed": count}) if json else print(f"{count:,} sent again")


@letters_app.command("drop")
@with_settings(*PLACE)
def letters_drop(settings: Settings, number: Numbers = None, all: Everything = False, json: AsJson = False) -> None:
    """Closes letters without sending them."""
    from services.admin.dead_letters import drop
    from services.terminal import print_json

    count = asyncio.run(drop(settings, numbers_or_all(number, all, "drop")))
    print_json({"dropped": count}) if json else print(f"{count:,} dropped")


@app.command()
@with_settings()
def schema(settings: Settings, write: Annotated[bool, typer.Option("--write", help="Write those that are not current.")] = False) -> None:
    """What is generated in docs/ (JSON Schemas, AsyncAPI, tables): which is not current. For a checkout of the source."""
    from services.admin import generated_docs as documents

    stale = documents.stale()
    if write:
        documents.write()
        print("\n".join(stale) or "all current")
    elif stale:
        raise ScholarstreamError(f"not current: {', '.join(stale)}; `scholarstream schema --write` writes them")
    else:
        print("all current")


# ---- parts


def _announce(what: str):
    return lambda address: print(f"{what} is live at {address.rstrip('/')}/ — Ctrl-C stops it", flush=True)


def _tell_written(rows: int, to: str, read: "Read") -> None:
    from services.reading import place
    from services.terminal import tell

    tell(f"{rows:,} author{'' if rows == 1 else 's'} written to {'standard output' if to == '-' else to}; as of {place(read)}")


def _tell_sent(report: dict, json: bool) -> None:
    from services.terminal import print_json

    if json:
        print_json(report)
        return
    refused = "".join(f", {count:,} refused ({reason})" for reason, count in report["refused_by_reason"].items())
    print(f"{report['papers']:,} events of papers and {report['authors']:,} of authors sent{refused}")
    if report["refused"]:
        print("`scholarstream dead-letters list` shows what was refused", file=sys.stderr)


def _state(stage: dict) -> str:
    if stage["state"] == "restoring" and stage["fraction"] is not None:
        return f"restoring {stage['fraction']:.0%}"
    return stage["state"]


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character is no reason to fail
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
