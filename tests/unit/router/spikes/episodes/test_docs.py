"""What docs/episodes.md says must be what the code does."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from services.common.contracts.views import SPIKE_CAUSES, alert_view
from services.router.spikes.calendar import load_calendar
from services.router.spikes.episodes.lifecycle import follow
from services.router.spikes.episodes.policy import EPISODES, CausePolicy, LifecyclePolicy
from services.router.spikes.episodes.reading import BrandReading
from services.router.spikes.evidence import BrandEvidence
from tests.unit.router.spikes.episodes.builders import START, Post, classified, ordinary, series, volume

DOCS = (Path(__file__).parents[5] / "docs/episodes.md").read_text()


def test_the_example_is_what_a_viral_complaint_gives() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCS, re.S)
    view = rounded(viral_complaint())
    assert json.loads(example) == {key: view[key] for key in json.loads(example)}


def test_every_threshold_stands_in_the_docs() -> None:
    named = set(re.findall(r"`([a-z_]+)`", DOCS))
    thresholds = {field.name for policy in (LifecyclePolicy, CausePolicy) for field in fields(policy)}
    assert thresholds <= named, thresholds - named
    values = dict(re.findall(r"^\| `([a-z_]+)` \| ([\d.,]+)", DOCS, re.M))
    for policy in (EPISODES.lifecycle, EPISODES.cause):
        for field in fields(policy):
            value = getattr(policy, field.name)
            if isinstance(value, int | float):
                assert float(values[field.name].replace(",", "")) == value, field.name


def test_every_cause_is_explained() -> None:
    for cause in SPIKE_CAUSES.values():
        assert f"| {cause} |" in DOCS


def test_the_calendar_of_the_docs_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCS, re.S)
    path.write_text(text)
    assert load_calendar(path)


def viral_complaint() -> dict[str, Any]:
    """The event `started` of an ordinary half hour that ends in a post which many answer and some copy."""
    evidence = BrandEvidence()
    for at in range(-1800, 0, 10):
        evidence.add(ordinary(START + at, 2))
        evidence.add(classified(START + at, at % 20 // 10, 2 - at % 20 // 10, technical=1))
        evidence.close(START + at, None)
    replies = [
        Post(f"r{i}", f"{i} days for me, {i} calls and nothing #SinTelandia", "1790001", followers=500)
        for i in range(70)
    ]
    copies = [
        Post(f"c{i}", "RT @ana: Telandia charged me for a line that was never put in https://news.example/telandia",
             followers=2000, native_id=f"17900{i}") for i in range(40, 65)
    ]  # fmt: skip
    counted = [volume(START, replies), volume(START, copies), ordinary(START, 2), classified(START, 80, 10)]
    for count in counted:
        evidence.add(count)
    evidence.close(START, None)
    reading = BrandReading(
        tenant="acme",
        brand="Telandia",
        at=START,
        series=(
            series("", 107, 12, started=True, since=START),
            series("x", 107, 9, started=True, since=START),
        ),
        findings=evidence.findings(START),
    )
    _, (alert,) = follow(EPISODES, None, reading)
    return alert_view(alert)


def rounded(value: Any) -> Any:
    """As the docs show it: with two digits."""
    match value:
        case float():
            return round(value, 2)
        case dict():
            return {key: rounded(each) for key, each in value.items()}
        case list():
            return [rounded(each) for each in value]
        case _:
            return value


if __name__ == "__main__":  # prints the example for the docs
    print(json.dumps(rounded(viral_complaint()), indent=2))
