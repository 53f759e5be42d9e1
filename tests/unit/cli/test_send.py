import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.unit.cli.conftest import Ingest, Run


def lines(count: int, first: int = 0) -> list[bytes]:
    return [orjson.dumps({"id": str(n), "text": f"hola {n}"}) for n in range(first, first + count)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten mentions."""
    file = tmp_path / "data.jsonl"
    file.write_bytes(b"\n".join(lines(10)) + b"\n")
    return file


def send(run: Run, file: Path, ingest: Ingest, *more: str) -> Any:
    return run("send", str(file), "--url", ingest.url, "--key", "mt_key", *more)


def test_everything_arrives_in_order(run: Run, data: Path, ingest: Ingest) -> None:
    done = send(run, data, ingest, "--batch", "4")
    assert done.exit_code == 0, done.stderr
    assert [len(request) for request in ingest.requests] == [4, 4, 2]
    assert ingest.events == lines(10)
    assert done.stdout.startswith("10 accepted, 0 rejected")


def test_several_requests_at_once_lose_and_repeat_nothing(run: Run, tmp_path: Path, ingest: Ingest) -> None:
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"\n".join(lines(200)))
    ingest.script = [503, "drop", 429]
    assert send(run, data, ingest, "--batch", "7", "--concurrency", "4").exit_code == 0
    assert sorted(ingest.events) == sorted(lines(200))


def test_a_rate_is_sent_in_small_requests(run: Run, data: Path, ingest: Ingest) -> None:
    assert send(run, data, ingest, "--rate", "20").exit_code == 0
    assert [len(request) for request in ingest.requests] == [4, 4, 2]


def test_rejected_events_are_listed_by_line(run: Run, tmp_path: Path, ingest: Ingest) -> None:
    data, rejects = tmp_path / "data.jsonl", tmp_path / "rejects.jsonl"
    data.write_text('{"text": "a"}\n\n  \nno json\n{"text": ""}\n{"text": "b"}')
    done = send(run, data, ingest, "--batch", "3", "--rejects", str(rejects))
    assert done.exit_code == 1
    assert "line 4: invalid_json: is no JSON" in done.stderr
    assert "line 5: empty text: write something" in done.stderr
    assert done.stdout.startswith("2 accepted, 2 rejected")
    written = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [(row["line"], row["code"], row["event"]) for row in written] == [
        (4, "invalid_json", "no json"),
        (5, "empty", '{"text": ""}'),
    ]


def test_a_batch_rejected_as_a_whole_does_not_stop_the_rest(run: Run, tmp_path: Path, ingest: Ingest) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": ""}\n{"text": "b"}\n')
    assert send(run, data, ingest, "--batch", "1").exit_code == 1
    assert len(ingest.requests) == 2


def test_refusals_that_pass_are_tried_again(run: Run, data: Path, ingest: Ingest) -> None:
    ingest.script = [429, "drop", 500]
    done = send(run, data, ingest, "--batch", "10")
    assert done.exit_code == 0, done.stderr
    assert ingest.events == lines(10)
    assert done.stderr.count("trying again") == 3
    assert "429 scripted 429" in done.stderr


@pytest.mark.parametrize("status", [400, 401, 413, 415])
def test_refusals_that_stay_end_it_at_once(run: Run, data: Path, ingest: Ingest, status: int) -> None:
    ingest.script = [status]
    done = send(run, data, ingest)
    assert done.exit_code == 1
    assert f"refused: {status} scripted {status}" in done.stderr
    assert ingest.requests == []


def test_it_gives_up_and_goes_on_where_it_stopped(run: Run, data: Path, ingest: Ingest) -> None:
    assert send(run, data, ingest, "--batch", "4", "--retry-for", "0").exit_code == 0
    ingest.requests.clear()
    data.write_bytes(data.read_bytes() + b"\n".join(lines(10, first=10)) + b"\n")
    ingest.script = [503]
    done = send(run, data, ingest, "--batch", "4", "--retry-for", "0")
    assert done.exit_code == 3
    assert "503 scripted 503" in done.stderr
    assert "10 lines are done: the same command goes on from there" in done.stderr
    done = send(run, data, ingest, "--batch", "4")
    assert done.exit_code == 0
    assert "going on after line 10" in done.stderr
    assert ingest.events == lines(10, first=10)
    done = send(run, data, ingest)
    assert done.exit_code == 0
    assert "sent already" in done.stdout
    assert ingest.events == lines(10, first=10)


def test_a_long_wait_that_is_asked_for_is_not_begun(run: Run, data: Path, ingest: Ingest) -> None:
    ingest.script, ingest.retry_after = [429], "3600"
    assert send(run, data, ingest, "--retry-for", "60").exit_code == 3


def test_killed_in_the_middle(run: Run, data: Path, ingest: Ingest) -> None:
    ingest.script = ["", "", "hold"]
    command = [
        sys.executable,
        "-m",
        "services.cli",
        "send",
        str(data),
        "--url",
        ingest.url,
        "--key",
        "k",
        "--batch",
        "3",
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    assert ingest.held.wait(60)  # the third batch is with the server, which has not answered
    process.kill()
    process.wait()
    ingest.go.set()
    assert send(run, data, ingest, "--batch", "3").exit_code == 0
    first_run, second_run = ingest.events[:9], ingest.events[9:]
    assert first_run == lines(9)
    assert second_run == lines(4, first=6)  # nobody knew that the third batch had arrived


def test_a_changed_file_is_not_resumed(run: Run, data: Path, ingest: Ingest) -> None:
    send(run, data, ingest)
    data.write_bytes(b"\n".join(lines(12, first=100)))
    done = send(run, data, ingest)
    assert done.exit_code == 1
    assert "has changed" in done.stderr
    assert "--restart" in done.stderr
    data.write_bytes(b"short")
    assert "has changed" in send(run, data, ingest).stderr


def test_the_state_is_for_one_address(run: Run, data: Path, ingest: Ingest) -> None:
    send(run, data, ingest)
    done = send(run, data, ingest, "--outcomes")
    assert done.exit_code == 1
    assert "/v1/mentions" in done.stderr


def test_restart_sends_all_again(run: Run, data: Path, ingest: Ingest) -> None:
    send(run, data, ingest)
    assert send(run, data, ingest, "--restart").exit_code == 0
    assert ingest.events == lines(10) * 2


def test_a_state_elsewhere(run: Run, data: Path, ingest: Ingest, tmp_path: Path) -> None:
    state = tmp_path / "elsewhere.sent"
    send(run, data, ingest, "--state", str(state))
    assert json.loads(state.read_text())["line"] == 10
    assert not data.with_name("data.jsonl.sent").exists()
    state.write_text("nonsense")
    assert "--restart" in send(run, data, ingest, "--state", str(state)).stderr


def test_standard_input(ingest: Ingest, data_dir: Path) -> None:
    command = [sys.executable, "-m", "services.cli", "send", "-", "--url", ingest.url, "--key", "k"]
    done = subprocess.run(command, input=b"\n".join(lines(3)), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert ingest.events == lines(3)
    done = subprocess.run([*command, "--restart"], input=b"", capture_output=True, timeout=60, check=False)
    assert done.returncode == 2


def test_a_pipe_is_not_kept_waiting_for_a_full_batch(ingest: Ingest, data_dir: Path) -> None:
    ingest.script = ["hold"]
    command = [sys.executable, "-m", "services.cli", "send", "-", "--url", ingest.url, "--key", "k"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(lines(1)[0] + b"\n")
    process.stdin.flush()
    assert ingest.held.wait(60)  # while the pipe is still open
    ingest.go.set()
    process.stdin.close()
    assert process.wait(60) == 0


def test_a_missing_file(run: Run, ingest: Ingest, tmp_path: Path) -> None:
    done = send(run, tmp_path / "nothing.jsonl", ingest)
    assert done.exit_code == 1
    assert "nothing.jsonl: No such file or directory" in done.stderr
