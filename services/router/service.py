"""Builds the router: its policy, its stages and the HTTP side."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from services.common.http.keys import Authenticator
from services.common.log.port import Log
from services.common.log.topics import MENTIONS
from services.common.service import Service
from services.common.stage.dead_letters import DeadLetterLimit
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Stage
from services.common.stage.ticking import keep_ticking
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from services.router.agreement import agreement_stage
from services.router.app import create_router_app
from services.router.counting.mix import mix_stage
from services.router.counting.volume import volume_stage
from services.router.policy.load import load_policy
from services.router.settings import RouterSettings
from services.router.spikes.baselines import load_baselines
from services.router.spikes.calendar import NO_EVENTS, load_calendar
from services.router.spikes.closing import SpikePolicy
from services.router.spikes.detector import DetectorState
from services.router.spikes.episodes.policy import EPISODES
from services.router.spikes.gauges import keep_gauges
from services.router.spikes.series import STEP_SECONDS, SeriesKey
from services.router.spikes.stage import Watched, spikes_stage
from services.router.stage import route_stage


async def build_router(settings: RouterSettings, log: Log, authenticator: Authenticator) -> Service:
    """The service, with its policy, calendar and baselines loaded.

    Raises `PolicyError`, `CalendarError`, `BaselineError`.
    """
    metrics, health = Metrics("router"), Health()
    limit = DeadLetterLimit(settings.dead_letter_max_share, max_run=settings.dead_letter_max_run)
    partitions = log.partitions(MENTIONS)

    def runner(stage: Stage[Any]) -> StageRunner[Any]:
        return StageRunner(log, stage, metrics, health, limit=limit)

    route = runner(route_stage(load_policy(settings.policy_file), metrics))
    volume = runner(volume_stage(metrics, settings.seen_limit, settings.old_after_seconds, partitions))
    mix = runner(mix_stage(settings.old_after_seconds, partitions))
    spikes: StageRunner[Watched] = runner(
        spikes_stage(metrics, _spike_policy(settings), partitions, settings.max_series, _baselines(settings))
    )
    keep_gauges(metrics, lambda: [watched.state for watched in spikes.states.values()])
    return Service(
        create_router_app(settings, log, authenticator, metrics, health),
        settings.host,
        settings.port,
        "ROUTER_PORT",
        metrics,
        health,
        runners=[route, volume, mix, spikes, runner(agreement_stage(metrics))],
        background=[partial(keep_ticking, log, volume, metrics)],
    )


def _spike_policy(settings: RouterSettings) -> SpikePolicy:
    lifecycle = replace(EPISODES.lifecycle, end_after=settings.end_after_seconds)
    calendar = load_calendar(settings.calendar_file) if settings.calendar_file else NO_EVENTS
    return SpikePolicy(calendar, replace(EPISODES, lifecycle=lifecycle))


def _baselines(settings: RouterSettings) -> Mapping[SeriesKey, DetectorState]:
    if settings.baseline_file is None:
        return {}
    learned = load_baselines(settings.baseline_file, STEP_SECONDS)
    return {key: baseline.state for key, baseline in learned.items()}
