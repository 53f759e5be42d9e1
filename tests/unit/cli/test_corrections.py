"""`corrections export`: what agents judged, as training rows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mention_triage.v1.correction_pb2 import Correction, MentionLabels
from mention_triage.v1.mention_pb2 import InReplyTo
from services.classify.model.input import segments
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from services.classify.proto import to_model_input
from services.common.contracts.records import timestamp
from services.common.log.port import NewRecord
from services.common.log.topics import CORRECTIONS
from tests.unit.cli.conftest import Run, WriteLog
from tests.unit.router.builders import RECEIVED_MS, make_classification, make_mention
from training.data import UNKNOWN, read


def judged(number: int, identifier: str = "", minute: int = 0, tenant: str = "acme", **labels: Any) -> Correction:
    """A judgement of mention `number`, which the model took for a negative, actionable complaint in Spanish."""
    return Correction(
        id=identifier or f"judgement-{number}",
        mention=make_mention(f"texto {number}", native_id=str(number), tenant=tenant),
        classification=make_classification(),
        labels=MentionLabels(**labels),
        occurred_at=timestamp(RECEIVED_MS + 60_000 * minute),
        received_at=timestamp(RECEIVED_MS + 60_000 * minute),
    )


def record_of(correction: Correction, partition: int = 0) -> NewRecord:
    return NewRecord(CORRECTIONS, partition, b"acme/x/ana", correction.SerializeToString(), RECEIVED_MS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def rows(file: Path) -> list[dict[str, Any]]:
    return sorted(map(json.loads, file.read_text().splitlines()), key=lambda each: each["text"])


def test_the_training_reads_what_is_exported(run: Run, write_log: WriteLog, file: Path) -> None:
    reply = judged(1, inquiry_type="INQUIRY_TYPE_ANSWER", sentiment="SENTIMENT_NEUTRAL", actionable=False)
    reply.mention.kind = "MENTION_KIND_COMMENT"  # type: ignore[assignment]
    reply.mention.platform = "instagram"
    reply.mention.in_reply_to.CopyFrom(InReplyTo(id="0", by_brand=True, text="¿Nos das tu número de caso?"))
    write_log([record_of(reply), record_of(judged(2, actionable=True, language="pt"), partition=1)])
    done = run("corrections", "export", str(file))
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    first, second = sorted(read(file, "corrections"), key=lambda example: example.given.text)
    assert first.given == to_model_input(reply.mention)
    assert INQUIRY_TYPES[first.inquiry_type] == "answer"
    assert SENTIMENTS[first.sentiment] == "neutral"
    assert (first.actionable, first.language, first.source) == (0, "es", "corrections")
    assert (second.inquiry_type, second.sentiment) == (UNKNOWN, UNKNOWN)
    assert (second.actionable, second.language) == (1, "pt")


@pytest.mark.parametrize("platform", ["instagram", "whatsapp", "app_store", "x"])
@pytest.mark.parametrize("replied", [False, True])
def test_what_has_no_kind_is_trained_on_as_it_was_read(
    run: Run, write_log: WriteLog, file: Path, platform: str, replied: bool
) -> None:
    correction = judged(1, actionable=True)
    correction.mention.ClearField("kind")
    correction.mention.platform = platform
    if replied:
        correction.mention.in_reply_to.CopyFrom(InReplyTo(id="0", text="¿Nos das tu número de caso?"))
    write_log([record_of(correction)])
    run("corrections", "export", str(file))
    (example,) = read(file, "corrections")
    assert segments(example.given) == segments(to_model_input(correction.mention))


def test_the_file_is_utf_8_whatever_the_terminal_speaks(write_log: WriteLog, data_dir: Path, file: Path) -> None:
    correction = judged(1, actionable=True)
    correction.mention.text = "no sirve 😡"
    write_log([record_of(correction)])
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TRIAGE_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "services.cli", "corrections", "export", str(file)]
    done = subprocess.run(command, env=os.environ | plain, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_bytes())["text"] == "no sirve 😡"


def test_of_each_field_the_latest_judgement_counts(run: Run, write_log: WriteLog, file: Path) -> None:
    write_log(
        [
            record_of(judged(1, "b", minute=5, inquiry_type="INQUIRY_TYPE_FEEDBACK")),
            record_of(judged(1, "a", minute=1, inquiry_type="INQUIRY_TYPE_ANSWER", sentiment="SENTIMENT_POSITIVE")),
            record_of(judged(1, "b", minute=5, inquiry_type="INQUIRY_TYPE_FEEDBACK")),  # sent again
        ]
    )
    run("corrections", "export", str(file))
    (found,) = rows(file)
    assert (found["inquiry_type"], found["sentiment"], found["actionable"]) == ("feedback", "positive", None)
    assert found["predicted"] == {"inquiry_type": "complaint", "sentiment": "negative"}
    assert found["judged_at"] == "2026-01-15T12:05:00.250Z"


def test_it_shows_how_often_the_model_was_right(run: Run, write_log: WriteLog, file: Path) -> None:
    types = ["COMPLAINT", "COMPLAINT", "FEEDBACK"]
    write_log([record_of(judged(n, inquiry_type=f"INQUIRY_TYPE_{name}")) for n, name in enumerate(types)])
    done = run("corrections", "export", str(file))
    assert "3 mentions of 3 corrections (es 3)" in done.stderr
    shown = next(line for line in done.stderr.splitlines() if "inquiry_type" in line)
    assert shown.split() == ["inquiry_type", "3", "66.7%"]
    assert "sentiment" not in done.stderr


def test_personal_data_is_not_exported(run: Run, write_log: WriteLog, file: Path) -> None:
    correction = judged(1, actionable=True)
    correction.mention.text = "mi tarjeta es 4111 1111 1111 1111"
    correction.mention.in_reply_to.CopyFrom(InReplyTo(id="0", text="escribe a ana.perez@mail.example"))
    correction.reason = "dejó su tarjeta 4111111111111111"
    write_log([record_of(correction)])
    run("corrections", "export", str(file))
    (found,) = rows(file)
    assert found["text"] == "mi tarjeta es [card]"
    assert found["parent_text"] == "escribe a [email]"
    assert "4111" not in file.read_text()


def test_a_tenant_gets_its_own_and_tenants_do_not_mix(run: Run, write_log: WriteLog, file: Path) -> None:
    ours, theirs = judged(1, actionable=True), judged(1, tenant="other", actionable=False)
    theirs.mention.mention_id = ours.mention.mention_id
    write_log([record_of(ours), record_of(theirs)])
    run("corrections", "export", str(file))
    assert [(row["tenant"], row["actionable"]) for row in rows(file)] == [("acme", True), ("other", False)]
    run("corrections", "export", str(file), "--tenant", "other")
    assert [row["tenant"] for row in rows(file)] == ["other"]


def test_standard_output_holds_rows_alone(run: Run, write_log: WriteLog) -> None:
    write_log([record_of(judged(1, actionable=True))])
    done = run("corrections", "export", "-")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["texto 1"]


def test_what_cannot_be_read_is_told(run: Run, write_log: WriteLog, file: Path) -> None:
    write_log([NewRecord(CORRECTIONS, 0, b"k", b"\xff\xff", RECEIVED_MS), record_of(judged(1, actionable=True))])
    done = run("corrections", "export", str(file))
    assert done.exit_code == 0
    assert "1 records cannot be read" in done.stderr
    assert len(rows(file)) == 1


def test_nothing_judged_is_an_empty_file(run: Run, write_log: WriteLog, file: Path) -> None:
    write_log([])
    done = run("corrections", "export", str(file))
    assert (done.exit_code, file.read_text()) == (0, "")
    assert "0 mentions of 0 corrections" in done.stderr


def test_a_folder_that_is_not_there_is_named(run: Run, write_log: WriteLog, tmp_path: Path) -> None:
    write_log([])
    done = run("corrections", "export", str(tmp_path / "no" / "rows.jsonl"))
    assert done.exit_code == 1
    assert "rows.jsonl" in done.stderr


def test_where_a_folder_stands_nothing_is_left_behind(run: Run, write_log: WriteLog, tmp_path: Path) -> None:
    write_log([record_of(judged(1, actionable=True))])
    folder = tmp_path / "rows"
    folder.mkdir()
    done = run("corrections", "export", str(folder))
    assert done.exit_code == 1
    assert "rows" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows", "var"]


def test_a_correction_can_be_tailed(run: Run, write_log: WriteLog) -> None:
    write_log([record_of(judged(1, inquiry_type="INQUIRY_TYPE_FEEDBACK", sentiment="SENTIMENT_NEGATIVE"))])
    line = run("tail", "corrections", "--no-follow", "--type", "complaint").stdout
    assert "inquiry_type complaint → feedback, sentiment negative: texto 1" in line
    value = json.loads(run("tail", "corrections", "--no-follow", "--json").stdout)["value"]
    assert value["labels"] == {"inquiry_type": "feedback", "sentiment": "negative"}
