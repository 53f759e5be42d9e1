"""A real Prometheus and a real Alertmanager, with the rules, scrape settings, routes and inhibitions of `deploy/`.

Only addresses differ from what a team deploys: of the services, of Alertmanager, and of those who are told.
"""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.stack import free_ports

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
CHAT: Final = "chat"
"""The name under which a chat's address counts as a receiver here."""

_INSTALL: Final = "install Prometheus and Alertmanager (Debian: apt-get install prometheus prometheus-alertmanager)"
_READY_SECONDS: Final = 30


class AlertingMissing(Exception):
    """A program is not on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How quick all is, where a test cannot wait for what a team would: None = as deployed.

    `interval`: of scrapes and evaluations. `keep_firing_for`: of all alerts. `group_interval`: of all groups.
    """

    interval: str | None = None
    keep_firing_for: str | None = None
    group_interval: str | None = None


DEMO: Final = Pace()
QUICK: Final = Pace("1s", "10s", "2s")


def program(name: str) -> str:
    """Where `prometheus`, `promtool`, `alertmanager` or `amtool` is. Raises `AlertingMissing`."""
    found = shutil.which(f"prometheus-{name}") or shutil.which(name)  # Debian calls it prometheus-alertmanager
    if found is None:
        raise AlertingMissing(f"{name} was not found: {_INSTALL}")
    return found


def program_or_skip(name: str) -> str:
    """The same for a test, which is skipped where there is none."""
    try:
        return program(name)
    except AlertingMissing as missing:
        pytest.skip(str(missing))


class Alerting:
    """Both, while the `with` block runs.

    `targets`: addresses of the services by job. `receiver_url`: where every receiver of the routes is told, each under
    its name as the last part of the path; the chat as `chat`.
    """

    def __init__(
        self, folder: Path, targets: Mapping[str, Sequence[str]], receiver_url: str, pace: Pace = DEMO
    ) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        ports = free_ports(2)
        self._prometheus, self._alertmanager = (f"127.0.0.1:{port}" for port in ports)
        folder.mkdir(parents=True, exist_ok=True)
        self._write_prometheus(targets, pace)
        self._write_alertmanager(receiver_url, pace)

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What Prometheus says now: labels and value of each series."""
        answer = _get(f"http://{self._prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        return [(found["metric"], float(found["value"][1])) for found in json.loads(answer)["data"]["result"]]

    def wait_for(self, expression: str, seconds: float) -> list[tuple[dict[str, str], float]]:
        """The same once it says anything. Raises `AssertionError` if it does not in time."""
        deadline = time.monotonic() + seconds
        while not (found := self.query(expression)):
            assert time.monotonic() < deadline, f"Prometheus has nothing for {expression} after {seconds:g} s"
            time.sleep(0.1)
        return found

    def __enter__(self) -> "Alerting":
        try:
            self._start("alertmanager", self._alertmanager, "--storage.path", "--cluster.listen-address=")
            self._start("prometheus", self._prometheus, "--storage.tsdb.path")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()  # what they have stored goes with the folder
            process.wait()

    def _start(self, name: str, address: str, storage: str, *options: str) -> None:
        log_file = self._folder / f"{name}.log"
        with log_file.open("wb") as log:
            command = [
                program(name),
                f"--config.file={self._folder / name}.yml",
                f"--web.listen-address={address}",
                f"{storage}={self._folder / name}",
                *options,
            ]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._processes.append(process)
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(f"http://{address}/-/ready"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{name} is not ready:\n{log_file.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def _write_prometheus(self, targets: Mapping[str, Sequence[str]], pace: Pace) -> None:
        config = _load(DEPLOY / "prometheus" / "demo.yml")
        if pace.interval:
            config["global"] = dict.fromkeys(config["global"], pace.interval)
        config["rule_files"] = [str(self._folder / "rules" / "*.yml")]
        config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [self._alertmanager]}]}]
        for job in config["scrape_configs"]:
            job["static_configs"] = [{"targets": list(targets.get(job["job_name"], ()))}]
        _dump(self._folder / "prometheus.yml", config)
        for file in (DEPLOY / "prometheus" / "rules").glob("*.yml"):
            rules = _load(file)
            for rule in (rule for group in rules["groups"] for rule in group["rules"]):
                if pace.keep_firing_for and "keep_firing_for" in rule:
                    rule["keep_firing_for"] = pace.keep_firing_for
            _dump(self._folder / "rules" / file.name, rules)

    def _write_alertmanager(self, receiver_url: str, pace: Pace) -> None:
        config = _load(DEPLOY / "alertmanager" / "alertmanager.yml")
        config["templates"] = [str(DEPLOY / "alertmanager" / pattern) for pattern in config["templates"]]
        secrets = self._folder / "secrets"
        secrets.mkdir()
        for receiver in config["receivers"]:
            name = receiver["name"]
            for webhook in receiver["webhook_configs"]:
                webhook["url"] = f"{receiver_url}/{name}"
                _write_secret(secrets, webhook, name)
            for chat in receiver.get("slack_configs", ()):
                chat["api_url"] = f"{receiver_url}/{CHAT}"
                _write_secret(secrets, chat, CHAT)
        if pace.group_interval:
            _set_everywhere(config["route"], "group_interval", pace.group_interval)
        _dump(self._folder / "alertmanager.yml", config)


def _write_secret(folder: Path, target: dict[str, Any], name: str) -> None:
    file = Path(target["http_config"]["authorization"]["credentials_file"])
    (folder / file.name).write_text(f"{name}'s secret")


def _set_everywhere(route: dict[str, Any], name: str, value: str) -> None:
    if name in route:
        route[name] = value
    for child in route.get("routes", ()):
        _set_everywhere(child, name, value)


def _load(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def _dump(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(content, allow_unicode=True))


def _answers(url: str) -> bool:
    try:
        _get(url)
    except OSError:
        return False
    return True


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        found: bytes = answer.read()
    return found
