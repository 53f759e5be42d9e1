from pathlib import Path

import pytest

from tests.unit.training.conftest import Write
from training.sets import DataError, check, counts, fingerprint

ROW: dict[str, object] = {"text": "hola", "lang": "es"}


def test_a_whole_folder_passes_and_public_sets_may_be_absent(data: Path) -> None:
    assert check(data) == []
    (data / "public/tweeteval_en.jsonl").unlink()
    assert check(data) == ["tweeteval_en"]
    assert counts(data) == {"mentions": 120, "ibm": 30, "umsab": 120, "tweeteval": 0}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder .*pass DATA, a folder with mentions/"):
        check(tmp_path / "nowhere")


def test_no_mentions(data: Path) -> None:
    (data / "mentions/some.jsonl").unlink()
    with pytest.raises(DataError, match=r"mentions has no \*.jsonl with rows"):
        check(data)


def test_too_few_validation_posts(data: Path) -> None:
    rows = (data / "real-validation/validation.jsonl").read_text().splitlines()[:40]
    (data / "real-validation/validation.jsonl").write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"real-validation has 40 labelled rows.*at least 100"):
        check(data)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"lang": "es"}, "no text"),
        (ROW | {"lang": "fr"}, "lang must be one of es, pt, en .another language"),
        (ROW | {"inquiry_type": "complain"}, "inquiry_type must be one of complaint, feedback"),
        (ROW | {"sentiment": "good"}, "sentiment must be one of negative"),
        (ROW | {"actionable": "yes"}, "actionable must be true, false"),
        (ROW | {"sure": 4}, "sure must be one of 3, 2, 1, or absent"),
    ],
)
def test_a_faulty_row_is_named_by_file_and_line(data: Path, write: Write, row: dict[str, object], says: str) -> None:
    write("mentions/team", ROW, row)
    with pytest.raises(DataError, match=rf"team.jsonl, line 2: {says}"):
        check(data)


def test_a_line_that_is_not_json(data: Path) -> None:
    (data / "mentions/team.jsonl").write_text("{'text': 'hola'}\n")
    with pytest.raises(DataError, match=r"team.jsonl, line 1: not JSON"):
        check(data)


def test_a_text_may_hold_any_character(data: Path) -> None:
    (data / "mentions/team.jsonl").write_text('{"text": "one\u2028two\u0085three", "lang": "en"}\n', encoding="utf-8")
    assert check(data) == []
    assert counts(data)["mentions"] == 121


def test_the_fingerprint_names_the_file_that_changed(data: Path, write: Write) -> None:
    before = fingerprint(data)
    write("mentions/some", ROW)
    after = fingerprint(data)
    assert {name for name in before if before[name] != after[name]} == {"mentions/some.jsonl"}
