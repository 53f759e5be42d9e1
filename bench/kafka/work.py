"""What a hop does with a batch: nothing, or what the router does. The same function runs in the stage and its peers."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from services.common.log.port import NewRecord, Record
from services.common.log.topics import CLASSIFIED, ROUTED
from services.common.stage.stage import Result, Stage
from services.common.telemetry.metrics import Metrics
from services.router.policy import DEFAULT_POLICY
from services.router.policy.load import load_policy
from services.router.stage import route_stage

Work = Literal["pass", "route"]


def stage_of(work: Work, metrics: Metrics) -> Stage[None]:
    """The stage: `pass` hands every record on as it is, `route` decodes, decides and encodes."""
    return _STAGES[work](metrics)


def _route(metrics: Metrics) -> Stage[None]:
    return route_stage(load_policy(DEFAULT_POLICY), metrics)


def _pass(_: Metrics) -> Stage[None]:
    return Stage("pass", CLASSIFIED, _hand_on, new_state=lambda: None)


async def _hand_on(_: None, records: Sequence[Record]) -> Result:
    return Result([NewRecord(ROUTED, r.partition, r.key, r.value, r.timestamp_ms, r.headers) for r in records])


_STAGES: Final[dict[Work, Callable[[Metrics], Stage[None]]]] = {"pass": _pass, "route": _route}
