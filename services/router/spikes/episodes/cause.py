"""Why a brand's mentions rise: rules in order, the first that holds names the cause and what speaks for it.

| | cause | holds if |
|---|---|---|
| 1 | flood | few authors write it: also where they write one text, which would look like virality |
| 2 | outage | the calendar has an outage now |
| 3 | press | press or regulators take part: also where all answer their post |
| 4 | campaign | a tag of the calendar is among the heavy ones |
| 5 | outage | far more technical inquiries than normal: also where all answer the brand's post about it |
| 6 | campaign | the calendar has a launch or a campaign now, and mentions are no more negative than normal |
| 7 | virality | few texts or few posts stand behind most of it |
| 8 | campaign | the calendar has a launch or a campaign now |
| 9 | unknown | nothing of this; everything that was looked at is told |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mention_triage.v1.alert_pb2 import SpikeCause, SpikeEvidence, SpikeItem
from mention_triage.v1.classification_pb2 import InquiryType
from services.router.policy.match import fold
from services.router.spikes.calendar import PlannedEvent
from services.router.spikes.episodes.findings import Findings
from services.router.spikes.episodes.policy import CausePolicy

_TECHNICAL: Final = InquiryType.INQUIRY_TYPE_TECHNICAL - 1  # its place in a mix
_PROMOTIONS: Final = ("launch", "campaign")

Evidence = tuple[SpikeEvidence, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause and what speaks for it."""

    cause: SpikeCause = SpikeCause.SPIKE_CAUSE_UNKNOWN
    evidence: Evidence = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    """Findings and calendar, as the rules ask about them."""

    findings: Findings
    planned: PlannedEvent | None
    planned_tags: frozenset[str]

    def share(self, mentions: float) -> float:
        return mentions / max(self.findings.mentions, 1)


def cause_of(
    policy: CausePolicy, findings: Findings, planned: PlannedEvent | None, planned_tags: frozenset[str]
) -> Cause:
    """What the findings and the calendar (what is planned now, the tags of what is planned around now) speak for."""
    facts = _Facts(findings, planned, planned_tags)
    everything: list[SpikeEvidence] = []
    for cause, rule in _RULES:
        holds, evidence = rule(policy, facts)
        if holds:
            return Cause(cause, evidence)
        everything += [each for each in evidence if each.name not in {known.name for known in everything}]
    return Cause(SpikeCause.SPIKE_CAUSE_UNKNOWN, tuple(everything))


def tagged(items: Sequence[SpikeItem], tags: frozenset[str]) -> int:
    """Mentions that have one of these tags, folded: those of one that has two count twice."""
    return sum(item.mentions for item in items if fold(item.value) in tags)


def _flood(policy: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    findings, normal = facts.findings, facts.findings.normal_authors
    each = facts.share(findings.authors)
    few = each <= min(policy.flood_authors, policy.flood_below_normal * (1.0 if normal is None else normal))
    return few and _enough(policy, facts), (SpikeEvidence(name="authors_per_mention", value=each, normal=normal),)


def _planned_outage(_: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    return _going_on(facts, ("outage",))


def _press(policy: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    findings, normal = facts.findings, facts.findings.normal_press
    mentions = tagged(findings.author_tags, policy.press_tags)
    share = facts.share(mentions)
    least = max(policy.press_share, policy.press_above_normal * (normal or 0.0))
    return mentions >= policy.press_mentions and share >= least, (
        SpikeEvidence(name="press_mentions", value=mentions),
        SpikeEvidence(name="press_share", value=share, normal=normal),
    )


def _campaign_tag(policy: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    heaviest = max((tag.mentions for tag in facts.findings.tags if fold(tag.value) in facts.planned_tags), default=0)
    share = facts.share(heaviest)
    evidence = (SpikeEvidence(name="planned_tag_share", value=share),) if facts.planned_tags else ()
    return share >= policy.campaign_tag_share and _enough(policy, facts), evidence


def _technical(policy: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    mix, normal_mix = facts.findings.mix, facts.findings.normal_mix
    if mix is None:
        return False, ()
    share, normal = mix.inquiry_types[_TECHNICAL], normal_mix.inquiry_types[_TECHNICAL] if normal_mix else None
    if normal is None:
        holds = share >= policy.technical_without_normal
    else:
        holds = share >= max(policy.technical_share, normal + policy.technical_above_normal)
    return holds, (SpikeEvidence(name="technical_share", value=share, normal=normal),)


def _welcome_promotion(policy: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    holds, evidence = _going_on(facts, _PROMOTIONS)
    mix, normal, above = facts.findings.mix, facts.findings.normal_mix, facts.findings.negative_above_normal
    if mix is None or above is None:
        return holds, evidence
    negative = SpikeEvidence(name="negative_share", value=mix.negative, normal=normal.negative if normal else None)
    return holds and above < policy.negative_above_normal, (*evidence, negative)


def _virality(policy: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    findings, normal = facts.findings, facts.findings.normal_copies
    texts, posts, copies = map(facts.share, (findings.top_texts, findings.top_posts, findings.copies))
    found = (
        (posts >= policy.dominant_share, SpikeEvidence(name="top_posts_share", value=posts)),
        (texts >= policy.dominant_share, SpikeEvidence(name="top_texts_share", value=texts)),
        (
            copies >= max(policy.copies_share, (normal or 0.0) + policy.copies_above_normal),
            SpikeEvidence(name="copies_share", value=copies, normal=normal),
        ),
    )
    speaking = tuple(evidence for speaks, evidence in found if speaks)
    if speaking and _enough(policy, facts):
        return True, speaking
    return False, tuple(evidence for _, evidence in found)


def _promotion(_: CausePolicy, facts: _Facts) -> tuple[bool, Evidence]:
    return _going_on(facts, _PROMOTIONS)


def _going_on(facts: _Facts, kinds: Sequence[str]) -> tuple[bool, Evidence]:
    if facts.planned is None or facts.planned.kind not in kinds:
        return False, ()
    return True, (SpikeEvidence(name="planned_factor", value=facts.planned.factor, normal=1.0),)


def _enough(policy: CausePolicy, facts: _Facts) -> bool:
    return facts.findings.mentions >= policy.least_mentions


_Rule = Callable[[CausePolicy, _Facts], tuple[bool, Evidence]]
_RULES: Final[Sequence[tuple[SpikeCause, _Rule]]] = (
    (SpikeCause.SPIKE_CAUSE_FLOOD, _flood),
    (SpikeCause.SPIKE_CAUSE_OUTAGE, _planned_outage),
    (SpikeCause.SPIKE_CAUSE_PRESS, _press),
    (SpikeCause.SPIKE_CAUSE_CAMPAIGN, _campaign_tag),
    (SpikeCause.SPIKE_CAUSE_OUTAGE, _technical),
    (SpikeCause.SPIKE_CAUSE_CAMPAIGN, _welcome_promotion),
    (SpikeCause.SPIKE_CAUSE_VIRALITY, _virality),
    (SpikeCause.SPIKE_CAUSE_CAMPAIGN, _promotion),
)
