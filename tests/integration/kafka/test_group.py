"""A group whose members come and go: every record once, and nothing hangs."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer

from services.common.log.kafka.log import KafkaLog
from services.common.log.port import Claim, Fenced, LogError
from tests.integration.kafka.conftest import BIG, MANY, PARTITIONS, Names, OpenKafka, copy, new, read_all, values

DEADLINE = 40.0


class Observed:
    """A `GroupObserver` that remembers."""

    def __init__(self) -> None:
        self.shares: list[int] = []
        self.rebalances: list[float] = []

    def assigned(self, partitions: int) -> None:
        self.shares.append(partitions)

    def rebalanced(self, seconds: float) -> None:
        self.rebalances.append(seconds)


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.02)


async def keep_appending(log: KafkaLog, names: Names, count: int) -> None:
    for n in range(count):
        await log.append([new(names.source, str(n), n % PARTITIONS)])


async def test_members_join_and_leave_and_every_record_is_there_once(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka()
    logs, observed = [await open_kafka() for _ in range(3)], [Observed() for _ in range(3)]
    members: list[asyncio.Task[None]] = []

    def join(n: int) -> None:
        work = logs[n].consume(names.group, names.source, lambda claim: copy(claim, names), observed[n])
        members.append(asyncio.create_task(work))

    count = 1_500
    appending = asyncio.create_task(keep_appending(log, names, count))
    join(0)
    await until(lambda: observed[0].shares == [PARTITIONS])
    join(1)
    join(2)
    await until(lambda: sum(o.shares[-1] for o in observed if o.shares) == PARTITIONS and bool(observed[2].shares))
    logs[0].stop_consuming()
    async with asyncio.timeout(DEADLINE):
        await members[0]
        await appending

    async def all_there() -> bool:
        return len(await read_all(log, names.output)) >= count

    await until(all_there)
    for other in logs[1:]:
        other.stop_consuming()
    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*members)
    assert Counter(await read_all(log, names.output)) == Counter(str(n) for n in range(count))
    assert observed[0].rebalances  # it had to give partitions up when the others came


async def test_more_members_than_partitions_stand_by(open_kafka: OpenKafka, names: Names) -> None:
    observed = [Observed() for _ in range(PARTITIONS + 1)]
    logs = [await open_kafka() for _ in observed]
    members = [
        asyncio.create_task(log.consume(names.group, names.source, lambda claim: copy(claim, names), o))
        for log, o in zip(logs, observed, strict=True)
    ]
    await until(lambda: all(o.shares for o in observed) and sum(o.shares[-1] for o in observed) == PARTITIONS)
    assert sorted(o.shares[-1] for o in observed) == [0] + [1] * PARTITIONS
    for log in logs:
        log.stop_consuming()
    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*members)


def compute(seconds: float) -> None:
    """Keep a core, and the interpreter as much as a thread can, busy: as a model does that runs in an executor."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(10_000))


async def test_slow_work_keeps_its_membership_because_heartbeats_go_on(open_kafka: OpenKafka, names: Names) -> None:
    log, observed = await open_kafka(session_timeout_seconds=6), Observed()
    await log.append([new(names.source, "slow")])

    async def work(claim: Claim) -> None:
        while not claim.revoked:
            if records := await claim.fetch(MANY, BIG):
                await asyncio.to_thread(compute, 8)  # longer than the session
                await claim.commit([new(names.output, "done")], records[-1].offset + 1)
                log.stop_consuming()

    async with asyncio.timeout(DEADLINE):
        await log.consume(names.group, names.source, work, observed)
    assert await read_all(await open_kafka(), names.output) == ["done"]
    assert observed.shares == [PARTITIONS]


async def test_work_that_does_not_end_is_given_up_and_repeated_by_the_next_owner(
    open_kafka: OpenKafka, names: Names
) -> None:
    first, second = await open_kafka(rebalance_timeout_seconds=6), await open_kafka(rebalance_timeout_seconds=6)
    await first.append([new(names.source, "stuck", n) for n in range(PARTITIONS)])
    taken: list[int] = []

    async def stuck(claim: Claim) -> None:
        while not claim.revoked:
            if await claim.fetch(MANY, BIG):
                taken.append(claim.partition)
                await asyncio.Event().wait()

    observed = Observed()
    hanging = asyncio.create_task(first.consume(names.group, names.source, stuck))
    await until(lambda: len(taken) == PARTITIONS)
    working = asyncio.create_task(second.consume(names.group, names.source, lambda claim: copy(claim, names), observed))
    await until(lambda: bool(observed.shares))
    first.stop_consuming()
    async with asyncio.timeout(DEADLINE):
        await hanging  # although its work never ends

    async def all_there() -> bool:
        return len(await read_all(second, names.output)) == PARTITIONS

    await until(all_there)
    second.stop_consuming()
    await working


async def test_a_fenced_worker_claims_its_partition_anew_while_it_is_assigned(
    open_kafka: OpenKafka, names: Names
) -> None:
    log, intruder = await open_kafka(), await open_kafka()
    fenced: list[str] = []

    async def work(claim: Claim) -> None:
        try:
            await copy(claim, names)
        except Fenced as error:
            fenced.append(error.reason)

    member = asyncio.create_task(log.consume(names.group, names.source, work))
    await log.append([new(names.source, "a")])

    async def has(count: int) -> bool:
        return len(await read_all(log, names.output)) == count

    await until(lambda: has(1))
    await intruder.claim(names.group, names.source, 0)
    await log.append([new(names.source, "b")])
    await until(lambda: has(2))
    assert len(fenced) == 1
    log.stop_consuming()
    async with asyncio.timeout(DEADLINE):
        await member
    assert await read_all(log, names.output) == ["a", "b"]


async def test_an_error_of_the_work_ends_consume_after_the_others_have_committed(
    open_kafka: OpenKafka, names: Names
) -> None:
    log = await open_kafka()
    await log.append([new(names.source, str(n), n) for n in range(PARTITIONS)])

    async def work(claim: Claim) -> None:
        if claim.partition == 0:
            await asyncio.sleep(0.5)
            raise ValueError("broken")
        await copy(claim, names)

    async with asyncio.timeout(DEADLINE):
        with pytest.raises(ValueError, match="broken"):
            await log.consume(names.group, names.source, work)
    assert sorted(await read_all(log, names.output)) == [str(n) for n in range(1, PARTITIONS)]


async def test_at_least_once_commits_outputs_then_offsets(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka(delivery="at_least_once")
    await log.append([new(names.source, str(n), n % PARTITIONS) for n in range(100)])
    member = asyncio.create_task(log.consume(names.group, names.source, lambda claim: copy(claim, names)))

    async def all_there() -> bool:
        return len(await read_all(log, names.output)) == 100

    await until(all_there)
    log.stop_consuming()
    async with asyncio.timeout(DEADLINE):
        await member
    assert [lag for group, _, lag in await log.group_lags() if group == names.group] == [0]
    claim = await (await open_kafka(delivery="at_least_once")).claim(names.group, names.source, 0)
    assert claim.position == (await log.bounds(names.source))[0].end


async def test_an_idle_group_has_no_lag_although_transactions_leave_markers(
    open_kafka: OpenKafka, names: Names
) -> None:
    log = await open_kafka()
    upstream = await log.claim("upstream", names.state, 0)
    for n in range(3):
        await upstream.commit([new(names.source, str(n))], n + 1)
    member = asyncio.create_task(log.consume(names.group, names.source, lambda claim: copy(claim, names)))

    async def no_lag() -> bool:
        lags = [lag for group, _, lag in await log.group_lags() if group == names.group]
        return lags == [0] and len(await read_all(log, names.output)) == 3

    await until(no_lag)
    log.stop_consuming()
    await member


async def test_another_program_in_the_group_is_named(open_kafka: OpenKafka, names: Names, kafka: str) -> None:
    other = AIOKafkaConsumer(names.source, bootstrap_servers=kafka, group_id=names.group)
    await other.start()
    log = await open_kafka()
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(LogError, match="another program"):
            await log.consume(names.group, names.source, lambda claim: copy(claim, names))
    await other.stop()


async def test_stopping_in_the_middle_of_a_rebalance_waits_for_all_work(open_kafka: OpenKafka, names: Names) -> None:
    log, second = await open_kafka(), await open_kafka()
    await log.append([new(names.source, str(n), n) for n in range(PARTITIONS)])
    running: Counter[int] = Counter()
    claims: list[Claim] = []
    finish = asyncio.Event()

    async def work(claim: Claim) -> None:
        running[claim.partition] += 1
        claims.append(claim)
        try:
            while not claim.revoked:
                if records := await claim.fetch(MANY, BIG):
                    await finish.wait()
                    await claim.commit([new(names.output, value) for value in values(records)], records[-1].offset + 1)
        finally:
            running[claim.partition] -= 1

    member = asyncio.create_task(log.consume(names.group, names.source, work))
    await until(lambda: running.total() == PARTITIONS)
    other = asyncio.create_task(second.consume(names.group, names.source, lambda claim: copy(claim, names)))
    await until(lambda: any(claim.revoked for claim in claims))
    log.stop_consuming()
    await asyncio.sleep(0.5)
    assert not member.done()
    finish.set()
    async with asyncio.timeout(DEADLINE):
        await member
    assert running.total() == 0

    async def all_there() -> bool:
        return len(await read_all(second, names.output)) == PARTITIONS

    await until(all_there)
    second.stop_consuming()
    await other
    assert sorted(await read_all(second, names.output)) == [str(n) for n in range(PARTITIONS)]
