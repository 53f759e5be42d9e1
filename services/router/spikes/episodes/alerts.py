"""An event of an episode as people and the contact center get it."""

from google.protobuf.timestamp_pb2 import Timestamp

from mention_triage.v1.alert_pb2 import SpikeAlert, SpikeEvent
from services.router.spikes.episodes.episode import Episode, alert_id
from services.router.spikes.episodes.reading import BrandReading


def make_alert(event: SpikeEvent, episode: Episode, reading: BrandReading) -> SpikeAlert:
    """The event that `episode`, as it is after `reading`, announces: the episode's `events` counts it already."""
    findings = reading.findings
    return SpikeAlert(
        alert_id=alert_id(episode.episode_id, episode.events),
        episode_id=episode.episode_id,
        event=event,
        tenant=reading.tenant,
        brand=reading.brand,
        at=Timestamp(seconds=reading.until),
        since=Timestamp(seconds=episode.since),
        severity=episode.severity,
        peak_severity=episode.peak_severity,
        cause=episode.cause.cause,
        evidence=episode.cause.evidence,
        series=episode.series,
        mentions=findings.mentions,
        authors=round(findings.authors),
        reach=round(findings.reach),
        posts=findings.posts,
        links=findings.links,
        tags=findings.tags,
        author_tags=findings.author_tags,
        mix=findings.mix,
        normal_mix=findings.normal_mix,
        planned=reading.planned.name if reading.planned else "",
    )
