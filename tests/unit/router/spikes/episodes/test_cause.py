from collections.abc import Iterable

import pytest

from mention_triage.v1.alert_pb2 import SpikeCause
from services.router.spikes.calendar import PlannedEvent
from services.router.spikes.episodes.cause import Cause, cause_of
from services.router.spikes.episodes.findings import Findings
from services.router.spikes.episodes.policy import CausePolicy
from tests.unit.router.spikes.episodes.builders import event, items, mix

# findings, what is planned now, tags planned around now, the cause
CASES = {
    "nothing stands out": (Findings(200, 180), None, (), "UNKNOWN"),
    "few posts are answered": (Findings(200, 180, top_posts=70), None, (), "VIRALITY"),
    "few posts are answered by almost enough": (Findings(200, 180, top_posts=69), None, (), "UNKNOWN"),
    "few texts are copied": (Findings(200, 180, top_texts=120, copies=117), None, (), "VIRALITY"),
    "many texts are copied": (Findings(200, 180, copies=100), None, (), "VIRALITY"),
    "copies are normal": (Findings(200, 180, copies=100, normal_copies=0.4), None, (), "UNKNOWN"),
    "few mentions say nothing": (Findings(9, 9, top_posts=9), None, (), "UNKNOWN"),
    "one author": (Findings(200, 1), None, (), "FLOOD"),
    "one author with one text": (Findings(200, 1, top_texts=200, copies=199), None, (), "FLOOD"),
    "one author beside what is ordinary": (Findings(120, 18, top_texts=100), None, (), "FLOOD"),
    "authors who always write a lot": (Findings(200, 36, normal_authors=0.25), None, (), "UNKNOWN"),
    "fewer of them than ever": (Findings(200, 24, normal_authors=0.25), None, (), "FLOOD"),
    "one author during an outage": (Findings(200, 1), event("outage"), (), "FLOOD"),
    "a planned outage": (Findings(200, 180, top_posts=150), event("outage"), (), "OUTAGE"),
    "press": (Findings(200, 180, author_tags=items(press=3, regulator=1)), None, (), "PRESS"),
    "all answer the press": (Findings(200, 180, top_posts=190, author_tags=items(Press=5)), None, (), "PRESS"),
    "a regulator": (Findings(100, 90, author_tags=items(consumer_agency=3)), None, (), "PRESS"),
    "one reporter": (Findings(20, 20, author_tags=items(journalist=2)), None, (), "UNKNOWN"),
    "reporters among thousands": (Findings(2000, 1800, author_tags=items(press=39)), None, (), "UNKNOWN"),
    "press is there every day": (
        Findings(200, 180, author_tags=items(press=8), normal_press=0.02), None, (), "UNKNOWN"),
    "other marks": (Findings(200, 180, author_tags=items(influencer=100)), None, (), "UNKNOWN"),
    "a planned tag": (Findings(200, 180, top_texts=150, tags=items(buenfin=40)), None, ("buenfin",), "CAMPAIGN"),
    "a planned tag of a few": (Findings(200, 180, tags=items(buenfin=39)), None, ("buenfin",), "UNKNOWN"),
    "a tag that nobody planned": (Findings(200, 180, tags=items(buenfin=150)), None, ("sale",), "UNKNOWN"),
    "technical": (Findings(200, 180, mix=mix(technical=0.5), normal_mix=mix(technical=0.25)), None, (), "OUTAGE"),
    "technical, all answer the brand's post": (
        Findings(200, 180, top_posts=150, mix=mix(technical=0.7), normal_mix=mix(technical=0.2)), None, (), "OUTAGE"),
    "a help desk": (
        Findings(200, 180, mix=mix(technical=0.5), normal_mix=mix(technical=0.3)), None, (), "UNKNOWN"),
    "seldom technical": (
        Findings(200, 180, mix=mix(technical=0.35), normal_mix=mix(technical=0.05)), None, (), "UNKNOWN"),
    "technical of a new brand": (Findings(200, 180, mix=mix(technical=0.6)), None, (), "OUTAGE"),
    "half technical of a new brand": (Findings(200, 180, mix=mix(technical=0.5)), None, (), "UNKNOWN"),
    "a launch": (Findings(200, 180), event("launch"), (), "CAMPAIGN"),
    "a campaign that is copied": (Findings(200, 180, top_texts=150), event(), (), "CAMPAIGN"),
    "a campaign that is copied, with a smile": (
        Findings(200, 180, top_texts=150, mix=mix(0.2), normal_mix=mix(0.2)), event(), (), "CAMPAIGN"),
    "a viral complaint during a campaign": (
        Findings(200, 180, top_posts=150, mix=mix(0.7), normal_mix=mix(0.2)), event(), (), "VIRALITY"),
    "complaints during a campaign": (
        Findings(200, 180, mix=mix(0.7), normal_mix=mix(0.2)), event(), (), "CAMPAIGN"),
    "a holiday explains nothing": (Findings(200, 180), event("holiday"), (), "UNKNOWN"),
}  # fmt: skip


def found(findings: Findings, planned: PlannedEvent | None = None, tags: Iterable[str] = ()) -> Cause:
    return cause_of(CausePolicy(), findings, planned, frozenset(tags))


@pytest.mark.parametrize(("findings", "planned", "tags", "cause"), CASES.values(), ids=CASES)
def test_the_cause(findings: Findings, planned: PlannedEvent | None, tags: Iterable[str], cause: str) -> None:
    assert SpikeCause.Name(found(findings, planned, tags).cause) == f"SPIKE_CAUSE_{cause}"


def test_what_speaks_for_a_flood() -> None:
    (evidence,) = found(Findings(200, 2, normal_authors=0.8)).evidence
    assert (evidence.name, evidence.value, evidence.normal) == ("authors_per_mention", 0.01, 0.8)


def test_what_speaks_for_an_outage() -> None:
    findings = Findings(200, 180, mix=mix(technical=0.75), normal_mix=mix(technical=0.25))
    (evidence,) = found(findings).evidence
    assert (evidence.name, evidence.value, evidence.normal) == ("technical_share", 0.75, 0.25)


def test_what_is_not_known_has_no_normal() -> None:
    assert not found(Findings(200, 2)).evidence[0].HasField("normal")


def test_the_unknown_tells_everything_that_was_looked_at_once() -> None:
    findings = Findings(200, 180, mix=mix(), normal_mix=mix())
    names = [evidence.name for evidence in found(findings, tags=("sale",)).evidence]
    assert names == [
        "authors_per_mention",
        "press_mentions",
        "press_share",
        "planned_tag_share",
        "technical_share",
        "negative_share",
        "top_posts_share",
        "top_texts_share",
        "copies_share",
    ]
