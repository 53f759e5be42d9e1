"""The faults: each breaks something and, where a platform would, puts it right again."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.common.log.topics import CLASSIFIED, MENTIONS, ROUTED
from tests.faults.kafka.arena import DISK_NODE, GROUPS, Arena, wait_for
from tests.faults.kafka.disk import MountRefused
from tests.support.deployment import ServiceName, ServiceProcess

_PARTITIONS: Final = 5  # that every topic has, Kafka's own too
_SILENCE_SECONDS: Final = 3.0
VIRAL_MENTIONS: Final = 8_000
_GROUP_OF: Final = {service: group for group, service in GROUPS.items()}


@dataclass(frozen=True, slots=True)
class Fault:
    """`act` calls `Arena.strike` when it begins to break, and returns when nothing is broken any more."""

    name: str
    act: Callable[[Arena, random.Random], None]


def kill_process(service: ServiceName) -> Fault:
    """kill -9, and started again at once, as an orchestrator does."""

    def act(arena: Arena, chance: random.Random) -> None:
        process = chance.choice(arena.deployment.of(service))
        arena.strike()
        process.kill()
        process.start()
        process.wait_ready()

    return Fault(f"kill -9 of {service}", act)


def kill_leader(what: str, topic: str) -> Fault:
    """kill -9 of the broker that leads a partition; it returns when another leads."""

    def act(arena: Arena, chance: random.Random) -> None:
        led = chance.randrange(_PARTITIONS)
        leader = arena.cluster.leader(topic, led)
        _kill_broker(arena, leader, lambda node: arena.cluster.leader(topic, led) not in (-1, node))

    return Fault(f"kill -9 of {what}", act)


def kill_controller(arena: Arena, chance: random.Random) -> None:
    """kill -9 of the active controller; it returns when another is."""
    _kill_broker(arena, arena.cluster.controller(), lambda node: arena.cluster.controller() not in (-1, node))


def _kill_broker(arena: Arena, node: int, replaced: Callable[[int], bool]) -> None:
    arena.strike()
    arena.cluster.kill(node)
    wait_for(lambda: replaced(node), f"what node {node} led is led by another")
    arena.cluster.start(node)
    arena.cluster.wait_replicated()


def kill_one_of_each(arena: Arena, chance: random.Random) -> None:
    """kill -9 of a process of every service and of a broker, all at once."""
    processes = [chance.choice(arena.deployment.of(service)) for service in ("ingest", *GROUPS.values())]
    node = chance.choice(arena.cluster.nodes)
    arena.strike()
    arena.cluster.kill(node)
    for process in processes:
        process.kill()
        process.start()
    for process in processes:
        process.wait_ready()
    arena.cluster.start(node)
    arena.cluster.wait_replicated()


def zombie(service: ServiceName) -> Fault:
    """SIGSTOP until the group has gone on without it, then SIGCONT."""

    def act(arena: Arena, chance: random.Random) -> None:
        workers = arena.deployment.of(service)
        process = chance.choice(workers)
        arena.strike()
        process.pause()
        try:
            arena.wait_members(_GROUP_OF[service], len(workers) - 1)
            time.sleep(chance.uniform(0, 2))  # the others work on its partitions
        finally:
            process.resume()
        arena.wait_members(_GROUP_OF[service], len(workers))

    return Fault(f"SIGSTOP and SIGCONT of {service}", act)


def cut_network(service: ServiceName) -> Fault:
    """Nothing passes between one process and the brokers, until the group has gone on without it (where it is in one;
    else until it has written nothing for a while), and a bit longer."""

    def act(arena: Arena, chance: random.Random) -> None:
        arena.put_behind_proxy(service)
        workers = len(arena.deployment.of(service))
        arena.strike()
        for proxy in arena.cluster.proxies.values():
            proxy.cut()
        try:
            if group := _GROUP_OF.get(service):
                arena.wait_members(group, workers - 1)
            else:
                wait_for(lambda: arena.silence(MENTIONS) > _SILENCE_SECONDS, f"{service} is cut off")
            time.sleep(chance.uniform(1, 8))
        finally:
            for proxy in arena.cluster.proxies.values():
                proxy.heal()

    return Fault(f"network of {service} cut", act)


def rolling_restart(arena: Arena, chance: random.Random) -> None:
    """SIGTERM of each broker in turn, the next one when all replicas are in sync again."""
    arena.strike()
    for node in arena.cluster.nodes:
        arena.cluster.stop(node)
        arena.cluster.start(node)
        arena.cluster.wait_replicated()


def scale(arena: Arena, chance: random.Random) -> None:
    """Workers of both stages: 1, then 4, then 2 of each."""
    services = tuple(GROUPS.values())
    kept = [arena.deployment.of(service)[0] for service in services]
    arena.strike()
    _stop([worker for service in services for worker in arena.deployment.of(service) if worker not in kept], arena)
    for service in services:
        arena.deployment.add(service, 3)
    arena.wait_whole()
    _stop([worker for service in services for worker in arena.deployment.of(service)[2:]], arena)
    arena.wait_whole()


def _stop(workers: Sequence[ServiceProcess], arena: Arena) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        assert worker.process.wait(60) == 0, worker.log()[-3000:]
        arena.deployment.processes.remove(worker)


def full_disk(arena: Arena, chance: random.Random) -> None:
    """The disk of one broker is full: it goes down by itself, and returns when there is space again."""
    if isinstance(arena.disk, MountRefused):
        raise arena.disk
    arena.strike()
    arena.disk.fill()
    wait_for(lambda: not arena.cluster.running(DISK_NODE), "the broker with the full disk has gone down")
    arena.disk.free()
    arena.cluster.start(DISK_NODE)
    arena.cluster.wait_replicated()


def viral_post(arena: Arena, chance: random.Random) -> None:
    """Twenty times the load."""
    arena.strike()
    arena.load.factor = 20
    try:
        wait_for(lambda: len(arena.watcher.arrivals[MENTIONS]) >= VIRAL_MENTIONS, "the replies are in the log")
    finally:
        arena.load.factor = 1


FULL_DISK: Final = Fault("full disk", full_disk)
VIRAL_POST: Final = Fault("viral post, load × 20", viral_post)
FAULTS: Final = (
    kill_process("classify"),
    kill_process("router"),
    kill_process("ingest"),
    kill_leader("a leader of mentions", MENTIONS),
    kill_leader("a coordinator of transactions", "__transaction_state"),
    Fault("kill -9 of the controller", kill_controller),
    zombie("classify"),
    cut_network("classify"),
    cut_network("ingest"),
    Fault("rolling restart of the brokers", rolling_restart),
    Fault("scaling 1, 4, 2 workers", scale),
    FULL_DISK,
)
# What else the long form does.
MORE_FAULTS: Final = (
    kill_leader("a coordinator of groups", "__consumer_offsets"),
    kill_leader("a leader of classified", CLASSIFIED),
    kill_leader("a leader of routed", ROUTED),
    zombie("router"),
    cut_network("router"),
    Fault("kill -9 of one of each at once", kill_one_of_each),
)
