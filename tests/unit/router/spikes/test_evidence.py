from collections.abc import Iterable, Sequence
from math import isnan
from random import Random

import pytest

from mention_triage.v1.alert_pb2 import SpikeCause
from mention_triage.v1.counts_pb2 import PartialCount
from mention_triage.v1.spike_state_pb2 import EvidenceState
from services.router.spikes.episodes.cause import cause_of
from services.router.spikes.episodes.findings import Findings
from services.router.spikes.episodes.policy import EPISODES
from services.router.spikes.evidence import MOST_AHEAD, WINDOWS, BrandEvidence, RowEvidence
from tests.unit.router.spikes.episodes.builders import START, Post, classified, ordinary, volume

DAY = 86_400
COPY = "RedNorte leaves the whole district without a line again"


def fed(evidence: BrandEvidence, counts: Iterable[PartialCount], at: int, since: int | None = None) -> RowEvidence:
    """Take counts in and close the row `at` seconds after `START`."""
    for count in counts:
        evidence.add(count)
    return evidence.close(START + at, None if since is None else START + since)


def minutes(evidence: BrandEvidence, first: int, last: int, number: int = 2, since: int | None = None) -> None:
    """Ordinary rows of so many mentions, three quarters of them neutral."""
    for at in range(first, last, 10):
        bucket = START + at
        counts = [ordinary(bucket, number), classified(bucket, number // 4, number - number // 4)]
        fed(evidence, counts, at, since)


def test_a_row_says_who_wrote_and_what_was_copied() -> None:
    evidence = BrandEvidence()
    posts = [Post("ana", COPY), Post("ana", COPY), Post("bob", "nobody else writes anything like this")]
    row = fed(evidence, [volume(START, posts), volume(START, [Post("cy", COPY)], "facebook")], 0)
    assert row.authors == pytest.approx(3, rel=1e-3)
    assert row.copies == 2
    assert isnan(row.negative)
    assert isnan(row.classified)
    row = fed(evidence, [volume(START + 10, [Post("di", COPY)])], 10)
    assert row.authors == pytest.approx(1, rel=1e-3)
    assert row.copies == 1


def test_what_the_model_says_is_taken_when_it_comes() -> None:
    evidence = BrandEvidence()
    fed(evidence, [ordinary(START, 9)], 0)
    row = fed(evidence, [classified(START, 6, 3)], 10)
    assert (row.negative, row.classified) == (6, 9)
    assert isnan(row.authors)
    assert fed(evidence, [], 20) is fed(evidence, [], 30)  # nothing


def test_the_order_of_the_counts_within_the_watermark_is_of_no_account() -> None:
    counts = [
        *(ordinary(START + at, 5, platform) for at in range(0, 60, 10) for platform in ("x", "facebook")),
        *(volume(START + at, [Post("ana", COPY, "root")] * 3) for at in range(0, 60, 10)),
        *(classified(START + at, 3, 5) for at in range(0, 60, 10)),
    ]
    results: list[tuple[list[RowEvidence], Findings]] = []
    for seed in range(4):
        evidence = BrandEvidence()
        Random(seed).shuffle(counts)
        rows = [fed(evidence, counts if at == 0 else [], at) for at in range(0, 60, 10)]
        results.append((rows, evidence.findings(START)))
    assert all(result == results[0] for result in results[1:])


def test_a_row_is_closed_with_what_was_received_before_its_end() -> None:
    evidence = BrandEvidence()
    fed(evidence, [ordinary(START, 5), ordinary(START + 10, 50)], 0)
    assert evidence.findings(START).mentions == 5
    fed(evidence, [ordinary(START, 2)], 10)  # late
    assert evidence.findings(START).mentions == 57


def test_what_comes_late_is_no_evidence_of_a_row_that_does_not_count_it() -> None:
    evidence = BrandEvidence()
    fed(evidence, [ordinary(START, 5)], 0)
    row = fed(evidence, [ordinary(START, 40), volume(START + 10, [Post("ana", COPY)] * 3)], 10)
    assert row.authors == pytest.approx(1, rel=1e-3)
    assert row.copies == 2
    assert evidence.findings(START).mentions == 48
    row = fed(evidence, [volume(START + 10, [Post("bob", COPY)])], 20)
    assert isnan(row.authors)
    assert isnan(row.copies)
    row = fed(evidence, [volume(START + 30, [Post("cy", COPY)])], 30)
    assert row.copies == 1  # of those before, late or not


def test_rows_that_are_counted_into_one_are_no_evidence_of_it() -> None:
    ahead = BrandEvidence()
    fed(ahead, [ordinary(START, 2)], 0)
    for at in range(10, 7_200, 10):  # a partition works off a backlog before the others do
        ahead.add(ordinary(START + at, 2))
    restored = BrandEvidence.load(ahead.dump())
    for evidence in (ahead, restored):
        rows = [evidence.close(START + at, None) for at in range(10, 610, 10)]
        told = [row.authors for row in rows if not isnan(row.authors)]
        assert told == pytest.approx([2] * (MOST_AHEAD - 1), rel=1e-3)
        assert [row.copies for row in rows if not isnan(row.copies)] == [0] * (MOST_AHEAD - 1)


def test_findings_go_back_to_the_minutes_in_which_the_rise_began() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 600)
    assert evidence.findings(START).mentions == 120
    assert evidence.findings(START + 590).mentions == 24  # the window of two minutes that it is in
    assert evidence.findings(START - DAY).mentions == 120  # all that is left


def test_an_episode_keeps_everything_since_its_rise_began_until_it_is_over() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 600)
    before = evidence.findings(START + 590).mentions
    minutes(evidence, 600, 3600, since=590)
    found = evidence.findings(START + 590)
    assert found.mentions == before + 600
    assert found.authors == pytest.approx(before + 600, rel=0.08)
    minutes(evidence, 3600, 3610)
    assert evidence.findings(START + 3600).mentions < 100


def test_an_episode_that_follows_at_once_does_not_inherit_what_the_one_before_gathered() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 3_600, since=0)
    minutes(evidence, 3_600, 3_610, since=3_590)
    assert evidence.findings(START + 3_590).mentions < 60


def test_findings_name_what_the_mentions_have_in_common() -> None:
    evidence = BrandEvidence()
    replies = [
        Post(f"a{i}", f"me too, number {i}, since monday #Outage", "the-post", followers=1000) for i in range(30)
    ]
    copies = [Post(f"b{i}", f"RT @ana: {COPY} https://news.example/a?x={i}", native_id=f"c{i}") for i in range(20)]
    once = [Post("c", "see https://other.example/b", "another-post", author_tags=["press"])]
    fed(evidence, [volume(START, replies), volume(START, [*copies, *once], "facebook")], 0)
    found = evidence.findings(START)
    assert found.mentions == 51
    assert found.reach == 30 * 1000 + 21 * 100
    assert [(post.platform, post.post_id, post.mentions, post.copies) for post in found.posts] == [
        ("x", "the-post", 30, False), ("facebook", "c0", 20, True)]  # fmt: skip
    assert (found.top_posts, found.top_texts, found.copies) == (30, 20, 19)
    assert [(item.value, item.mentions) for item in found.links] == [
        ("https://news.example/a", 20), ("https://other.example/b", 1)]  # fmt: skip
    assert [(item.value, item.mentions) for item in found.tags] == [("outage", 30)]
    assert [(item.value, item.mentions) for item in found.author_tags] == [("press", 1)]


def test_what_is_normal_is_learned_over_days_and_known_only_with_enough() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 900)
    assert evidence.findings(START).normal_authors is None
    assert evidence.findings(START).normal_mix is None
    minutes(evidence, 900, 1800)
    found = evidence.findings(START)
    assert found.normal_authors == pytest.approx(1, abs=0.01)
    assert found.normal_copies == found.normal_press == 0
    minutes(evidence, 1800, 3600, number=4)
    found = evidence.findings(START)
    assert found.normal_mix
    assert found.normal_mix.negative == pytest.approx(0.2, abs=0.06)
    assert list(found.normal_mix.inquiry_types)[1] == pytest.approx(0.8, abs=0.06)
    assert found.normal_mix.languages["es"] == pytest.approx(1)


def test_an_episode_is_no_part_of_what_is_normal() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 3600, number=4)
    normal = evidence.findings(START).normal_mix
    assert normal
    for at in range(3600, 7200, 10):
        storm = [volume(START + at, [Post("ana", COPY)] * 40), classified(START + at, 40, 0)]
        fed(evidence, storm, at, since=3600 if at > 3630 else None)
    found = evidence.findings(START + 3600)
    assert found.mix
    assert found.mix.negative == 1
    minutes(evidence, 7200, 10_800, number=4)
    found = evidence.findings(START)
    assert found.normal_mix
    assert found.normal_mix.negative == pytest.approx(normal.negative, abs=0.01)
    assert found.normal_authors == pytest.approx(1, abs=0.02)
    assert found.normal_copies == 0


def test_what_the_model_says_of_an_episode_after_its_end_is_no_part_of_what_is_normal() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 3600, number=4)
    for at in range(3600, 4200, 10):
        fed(evidence, [ordinary(START + at, 40)], at, since=3600)  # classify stands
    for at in range(4200, 4800, 10):
        fed(evidence, [classified(START + at - 600, 40, 0)], at)
    assert evidence.findings(START).mix
    minutes(evidence, 4800, 6000, number=4)
    normal = evidence.findings(START).normal_mix
    assert normal
    assert normal.negative == pytest.approx(0.25, abs=0.01)


def test_what_was_normal_loses_half_its_weight_in_a_week() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 1800, number=4)
    later = 7 * DAY
    for at in range(later, later + 1800, 10):
        fed(evidence, [ordinary(START + at, 4), classified(START + at, 4, 0)], at)
    minutes(evidence, later + 1800, later + 2400)
    normal = evidence.findings(START).normal_mix
    assert normal
    # Half of the first 720 mentions with a quarter negative, and 720 with nothing else.
    assert normal.negative == pytest.approx((360 * 0.25 + 720) / 1080, abs=0.02)


def test_one_author_is_a_flood_from_the_first_row_of_the_rise_on() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 590)
    fed(evidence, [volume(START + 590, [Post("ana", COPY, native_id=str(i)) for i in range(150)])], 590)
    found = evidence.findings(START + 590)
    assert cause_of(EPISODES.cause, found, None, frozenset()).cause == SpikeCause.SPIKE_CAUSE_FLOOD


def test_many_authors_who_copy_one_are_virality() -> None:
    evidence = BrandEvidence()
    minutes(evidence, 0, 590)
    fed(evidence, [volume(START + 590, [Post(f"a{i}", COPY) for i in range(150)])], 590)
    found = evidence.findings(START + 590)
    assert cause_of(EPISODES.cause, found, None, frozenset()).cause == SpikeCause.SPIKE_CAUSE_VIRALITY


@pytest.mark.parametrize("when", [45, 300, 601, 900, 1390])
def test_evidence_out_of_a_snapshot_goes_on_identically(when: int) -> None:
    def counts(at: int) -> Sequence[PartialCount]:
        bucket = START + at
        posts = [Post(f"a{at % 70}", COPY, f"root{at % 40}", ["press"], 50 + at, f"n{at}")] * 3
        return [ordinary(bucket + 20, 3, "facebook"), volume(bucket, posts), classified(bucket, 2, 1, technical=1)]

    kept, restored = BrandEvidence(), BrandEvidence()
    for at in range(0, 2400, 10):
        since = 600 if 640 <= at < 1400 else None
        assert fed(kept, counts(at), at, since) == fed(restored, counts(at), at, since) or at < 10
        if abs(at - when) < 10:
            restored = BrandEvidence.load(EvidenceState.FromString(kept.dump().SerializeToString()))
        assert kept.findings(START + 600) == restored.findings(START + 600)


def test_what_a_brand_takes_is_bounded() -> None:
    evidence = BrandEvidence()
    for i in range(300):  # a partition that works off a backlog runs far ahead of the others
        evidence.add(ordinary(START + 10 * i, 1))
    assert len(evidence.dump().pending) <= MOST_AHEAD + 1
    sizes = []
    for hour in range(3):
        for at in range(hour * 3600, (hour + 1) * 3600, 60):
            posts = [Post(f"{at} {i}", f"{at} {i} is unlike any other text", f"{at} {i}") for i in range(200)]
            mixes = [classified(START + at, 1, 1, language=f"q{i}") for i in range(30)]
            fed(evidence, [volume(START + at, posts), *mixes], at, since=0)
        sizes.append(evidence.dump().ByteSize())
    assert len(evidence.dump().windows) <= WINDOWS
    assert sizes[2] < sizes[1] * 1.1
    assert sizes[2] < 120_000
    assert len(evidence.dump().texts) <= 128
    found = evidence.findings(START)
    assert found.mix
    assert len(found.mix.languages) <= 17
    assert sum(found.mix.languages.values()) == pytest.approx(1)


def test_a_flood_of_long_links_does_not_make_a_record_that_no_topic_takes() -> None:
    """The most that ingest lets in: the longest identifiers, links and tags, in letters of four bytes, no two alike."""
    random = Random(1)

    def letters(number: int) -> str:
        return "".join(chr(random.randint(0x20000, 0x2A6D0)) for _ in range(number))

    posts = [
        Post(
            f"a{i}",
            f"{letters(20)} https://example.com/{letters(200)} #{letters(64)}",
            root=letters(256),
            author_tags=[f"{random.random():.48f}" for _ in range(20)],
            followers=10**12 - i,
            native_id=letters(256),
        )
        for i in range(2_000)
    ]
    count = volume(START, posts, "p" * 32)

    def full(at: int) -> PartialCount:
        again = PartialCount()
        again.CopyFrom(count)
        again.bucket = START + at
        return again

    evidence = BrandEvidence()
    for at in range(0, 1_200, 60):
        fed(evidence, [full(at)], at, since=0)
    for at in range(0, 1_300, 10):  # late, on time, ahead
        evidence.add(full(at))
    state = evidence.dump()
    assert (len(state.pending), len(state.windows)) == (MOST_AHEAD + 1, WINDOWS)
    assert 300_000 < state.ByteSize() < 400_000
