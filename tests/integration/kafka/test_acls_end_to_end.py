"""The services in processes of their own with the listed rights, and the commands that give them."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.acls import Role, commands
from services.common.http.keys import KeyFile
from services.common.log.kafka.acls import ROLES, acls_of
from services.common.log.topics import COUNTS, MENTIONS
from services.common.stage.ticks import is_tick
from tests.integration.kafka.guarded import PASSWORD, Guarded, binding, guarded_cluster, of_user
from tests.support.kafka.ports import listening_ports
from tests.support.kafka.runtime import find_runtime


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_cluster(tmp_path_factory.mktemp("acls")) as guarded:
        yield guarded


async def test_services_work_together_with_their_rights(guarded: Guarded, tmp_path: Path) -> None:
    key = KeyFile(tmp_path / "keys.json").add("acme")
    ports = dict(zip(("INGEST_PORT", "CLASSIFY_PORT", "ROUTER_PORT"), map(str, listening_ports(3)), strict=True))
    with ExitStack() as stack:
        for service in ("ingest", "classify", "router"):
            stack.enter_context(guarded.given(service, acls_of(service)))
            stack.enter_context(running(service, guarded, tmp_path, ports))
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
            mention = {"brand": "Telandia", "platform": "x", "id": "1", "text": "Llevo tres días sin internet"}
            accepted = await answer(client, "POST", f"http://127.0.0.1:{ports['INGEST_PORT']}/v1/mentions", mention)
            identifier = accepted["results"][0]["mention_id"]
            url, deadline = f"http://127.0.0.1:{ports['ROUTER_PORT']}/v1/routed", time.monotonic() + 60
            while identifier not in json.dumps(await answer(client, "GET", url)):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
            async with guarded.unguarded() as log:  # the router lets time pass, and counts
                while not any(map(is_tick, await log.read(MENTIONS, 0, 0, 100, 1 << 20))):
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.1)
                while not await log.read(COUNTS, 0, 0, 1, 1):
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.1)


@contextmanager
def running(service: str, guarded: Guarded, folder: Path, ports: dict[str, str]) -> Iterator[None]:
    """A service in a process of its own, as the user of its name."""
    kafka = {"LOG_URL": guarded.url, "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
    user = {"KAFKA_SASL_USERNAME": service, "KAFKA_SASL_PASSWORD": PASSWORD, "TRIAGE_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "services.cli", service]
    with (folder / f"{service}.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | kafka | user | ports, stdout=log, stderr=log)
    try:
        yield
        process.terminate()
        assert process.wait(30) == 0, (folder / f"{service}.log").read_text()[-2000:]
    finally:
        process.kill()
        process.wait()


async def answer(client: httpx.AsyncClient, method: str, url: str, body: object = None) -> Any:
    """The JSON of a good answer, asked for until the service has started."""
    deadline = time.monotonic() + 60
    while True:
        try:
            response = await client.request(method, url, json=body)
            if response.is_success:
                return response.json()
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


def test_printed_commands_give_the_rights(guarded: Guarded, tmp_path: Path) -> None:
    needed = acls_of("router")
    some = [next(acl for acl in needed if acl.resource == kind) for kind in ("topic", "group", "transactional-id")]
    (tmp_path / "admin.properties").touch()
    environment = os.environ | {
        "BOOTSTRAP": guarded.cluster.bootstrap,
        "ADMIN_CONFIG": str(tmp_path / "admin.properties"),
    }
    tool = shlex.join(find_runtime().command("org.apache.kafka.tools.AclCommand"))
    for command in commands(some, "User:router"):
        subprocess.run(["bash", "-c", command.replace("kafka-acls.sh", tool)], env=environment, check=True)
    given = guarded.admin.describe_acls(of_user("router")).result(10)
    assert set(given) == {binding("router", acl) for acl in some}
    guarded.take_all("router")


def test_every_role_is_offered() -> None:
    assert {role.value for role in Role} == set(ROLES)
