"""Ingest: events per second one by one and as NDJSON, beside two floors in the same run.

Each server is a process of its own. The driver is this process: bare sockets and requests built beforehand, so that it
needs far less of the processor than what it measures. The servers take turns, so that a drift of the machine meets all.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final, cast, get_args

import orjson
import uvloop

from bench.ingest_server import Kind, NoAppend
from bench.report import Row, report
from bench.texts import sample_mentions
from services.common.http.parsing import parser_of
from services.common.log.port import Log
from services.ingest.events import MentionIntake, Received
from services.ingest.models import PostedMention
from services.ingest.settings import IngestSettings
from tests.support.stack import free_ports

CONNECTIONS: Final = 32
BATCH: Final = 500
ANSWER_SECONDS: Final = 10
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Mode:
    """One way of sending."""

    name: str
    content_type: str
    events: int  # per request
    connections: int


MODES: Final = (Mode("one by one", JSON, 1, CONNECTIONS), Mode(f"NDJSON of {BATCH}", NDJSON, BATCH, 4))


@dataclass(slots=True)
class Measured:
    """What one turn gave: events per second, and the seconds of each request."""

    rate: float
    latencies: list[float]


@dataclass(slots=True)
class Turns:
    """All turns of one server in one mode."""

    turns: list[Measured] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Median events per second."""
        return statistics.median(turn.rate for turn in self.turns)

    def latency_ms(self, percentile: int) -> float:
        """A percentile of all requests, in milliseconds."""
        return 1000 * statistics.quantiles([s for turn in self.turns for s in turn.latencies], n=100)[percentile - 1]


class Sender(asyncio.Protocol):
    """Keeps one connection busy: the next request goes out as soon as the last one is answered."""

    def __init__(self, requests: Iterator[bytes], until: float, latencies: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._latencies = latencies
        self._sent = 0.0
        self._answer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """Collect an answer, then send on."""
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 202"):
            self.done.set_exception(RuntimeError(self._answer[:500].decode(errors="replace")))
            self._transport.close()
            return
        now = time.perf_counter()
        self._latencies.append(now - self._sent)
        self._answer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """The server has closed it."""
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the server closed the connection"))


async def drive(port: int, requests: Sequence[bytes], mode: Mode, seconds: float) -> Measured:
    """One turn."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    latencies: list[float] = []
    supply = cycle(requests)

    def sender() -> Sender:
        return Sender(supply, start + seconds, latencies)

    senders = [(await loop.create_connection(sender, "127.0.0.1", port))[1] for _ in range(mode.connections)]
    async with asyncio.timeout(seconds + ANSWER_SECONDS):  # a server that answers no more ends the run
        await asyncio.gather(*(each.done for each in senders))
    return Measured(len(latencies) * mode.events / (time.perf_counter() - start), latencies)


def built(mode: Mode, key: str) -> list[bytes]:
    """The mode's requests: all sample mentions once."""
    lines = [orjson.dumps(mention) + b"\n" for mention in sample_mentions()]
    bodies = [b"".join(lines[i : i + mode.events]) for i in range(0, len(lines), mode.events)]
    head = (
        f"POST /v1/mentions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {mode.content_type}\r\nContent-Length: "
    ).encode()
    return [head + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]


@contextmanager
def server(kind: Kind, port: int) -> Iterator[str]:
    """A running server; its API key."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.ingest_server", kind, str(port), folder]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            key = process.stdout.readline().strip()
            if not key:
                raise RuntimeError(f"the server `{kind}` did not start")
            yield key
        finally:
            process.stdin.close()  # it ends by itself
            process.wait(30)
            process.stdout.close()


async def compare(mode: Mode, rounds: int, seconds: float) -> dict[Kind, Turns]:
    """The three servers in turns."""
    ports = dict(zip(KINDS, free_ports(len(KINDS)), strict=True))
    results = {kind: Turns() for kind in KINDS}
    with ExitStack() as servers:
        requests = {kind: built(mode, servers.enter_context(server(kind, port))) for kind, port in ports.items()}
        for kind in KINDS:
            await drive(ports[kind], requests[kind], mode, seconds / 4)  # warm
        for _ in range(rounds):
            for kind in KINDS:
                results[kind].turns.append(await drive(ports[kind], requests[kind], mode, seconds))
    return results


def rows_of(mode: Mode, results: dict[Kind, Turns]) -> list[Row]:
    """The mode's figures."""
    real, floor, bare = results["real"], results["no append"], results["bare"]
    pairs = zip(real.turns, floor.turns, strict=True)
    return [
        *(Row(f"{mode.name}: {kind}", results[kind].rate, "events/s") for kind in KINDS),
        Row(f"{mode.name}: real / no append", statistics.median(r.rate / f.rate for r, f in pairs), "ratio", 0.6),
        Row(f"{mode.name}: real / bare", real.rate / bare.rate, "ratio"),
        Row(f"{mode.name}: request p50", real.latency_ms(50), "ms"),
        Row(f"{mode.name}: request p99", real.latency_ms(99), "ms"),
    ]


def where_time_goes(mode: Mode, results: dict[Kind, Turns]) -> list[Row]:
    """Microseconds per event: the handler's steps timed in this process, the rest from the servers' rates."""
    settings = IngestSettings()
    body = b"".join(orjson.dumps(mention) + b"\n" for mention in sample_mentions()[: mode.events])
    parse = parser_of(mode.content_type)
    events = list(parse(body, mode.events))
    intake = MentionIntake(settings, cast(Log, NoAppend(settings.log_partitions)))
    received = Received("bench", int(time.time() * 1000))
    answer = {"results": [{"index": 499, "status": "accepted", "mention_id": "0" * 32}] * mode.events}

    def micros(work: Callable[[], object]) -> float:
        """Of one event, the best of some repetitions."""
        times = []
        for _ in range(max(20, 2000 // mode.events)):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return 1e6 * min(times) / mode.events

    parsing = micros(lambda: list(parse(body, mode.events)))
    validation = micros(lambda: [PostedMention.model_validate(event) for event in events])
    whole = micros(lambda: [intake.record(event, received) for event in events])
    results_json = micros(lambda: orjson.dumps(answer))
    per_event = {kind: 1e6 / turns.rate for kind, turns in results.items()}
    handler = parsing + whole + results_json
    steps = {
        "parsing": parsing,
        "validation": validation,
        "identity, Protobuf and record": whole - validation,
        "results as JSON": results_json,
        "HTTP, FastAPI, authentication, limits, metrics": per_event["no append"] - handler,
        "append: SQLite and its disk": per_event["real"] - per_event["no append"],
    }
    return [Row(f"{mode.name}: {name}", value, "µs/event") for name, value in steps.items()]


async def measure(quick: bool) -> list[Row]:
    """Both modes."""
    rows: list[Row] = []
    for mode in MODES:
        results = await compare(mode, *((1, 1.0) if quick else (3, 2.5)))
        rows += rows_of(mode, results) + where_time_goes(mode, results)
    return rows


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    report("ingest", uvloop.run(measure(parser.parse_args().quick)))


if __name__ == "__main__":
    main()
