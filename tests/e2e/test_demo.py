"""`mention-triage demo`: the morning as fast as the stack takes it, without and with a terminal, and at its pace."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.demo.feed import DEFAULT_FEED, load_feed

AT_ITS_PACE = [sys.executable, "-m", "services.cli", "demo"]
DEMO = [*AT_ITS_PACE, "--speed", "0"]


@pytest.mark.slow
def test_the_morning_is_played_and_summed_up(tmp_path: Path) -> None:
    deliveries = load_feed(DEFAULT_FEED)
    mentions = len({delivery.mention["id"] for delivery in deliveries})
    done = subprocess.run(DEMO, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    summary = lines.index("Where it went")
    assert len([line for line in lines[:summary] if line]) == mentions
    assert f"Delivered twice, routed once: {len(deliveries) - mentions}" in lines
    assert any(line.startswith("The viral post") and f"of {mentions} mentions" in line for line in lines)
    assert "\x1b" not in done.stdout


@pytest.mark.slow
def test_a_terminal_gets_a_live_table(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"}
    process = subprocess.Popen(DEMO, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # Linux tells so that the other side is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    text = shown.decode(errors="replace")
    assert "\x1b[" in text
    assert "routed" in text
    assert "Where it went" in text


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_viral_complaint_is_announced_with_its_cause() -> None:
    done = subprocess.run(AT_ITS_PACE, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    announced = [index for index, line in enumerate(lines) if line.startswith("SPIKE started: Telandia, ")]
    assert len(announced) == 2  # as it came, and in the summary
    assert "cause: virality (" in lines[announced[0]]
    assert "viral-0930" in next(line for line in lines if line.startswith("Behind it: "))
    # While it was going on.
    assert any(" complaints-es " in line for line in lines[announced[0] + 1 : lines.index("Where it went")])
