"""What a team would run behind Alertmanager's webhooks: takes notifications, and keeps them."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Notification:
    """One that came. `at`: `time.monotonic()`. `receiver`: the last part of the path that it came to."""

    at: float
    receiver: str
    authorization: str
    body: dict[str, Any]

    @property
    def status(self) -> str:
        """`firing`, or `resolved` where all its alerts are."""
        return str(self.body["status"])

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """Name and status of each alert in it, by name."""
        return sorted((alert["labels"]["alertname"], alert["status"]) for alert in self.body["alerts"])


class WebhookReceiver:
    """Listens while the `with` block runs."""

    def __init__(self) -> None:
        self._came = threading.Condition()
        self._all: list[Notification] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.path.rsplit("/", 1)[-1]
                receiver.take(Notification(time.monotonic(), name, self.headers.get("Authorization", ""), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: the tests look at what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="webhook-receiver")
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, notification: Notification) -> None:
        """Keep one."""
        with self._came:
            self._all.append(notification)
            self._came.notify_all()

    def of(self, receiver: str) -> list[Notification]:
        """What has come to this receiver, in order."""
        with self._came:
            return [notification for notification in self._all if notification.receiver == receiver]

    def wait_for(
        self, receiver: str, wanted: Callable[[Sequence[Notification]], bool], seconds: float
    ) -> list[Notification]:
        """What has come to this receiver once it is as wanted. Raises `AssertionError` if it is not so in time."""
        with self._came:
            if not self._came.wait_for(lambda: wanted(self.of(receiver)), seconds):
                came = [(each.receiver, each.body.get("alerts")) for each in self._all]
                raise AssertionError(f"{receiver} was not told within {seconds:g} s; what came: {came}")
            return self.of(receiver)

    def __enter__(self) -> "WebhookReceiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
