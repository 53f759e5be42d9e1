"""The spike detector: one model with one setting for all series, a pure function of the state and the row's counts."""

from services.router.spikes.detector.baseline import baseline
from services.router.spikes.detector.late import correct
from services.router.spikes.detector.scores import Evidence, Scores
from services.router.spikes.detector.setting import SETTING, Setting
from services.router.spikes.detector.snapshot import dump, load
from services.router.spikes.detector.state import DetectorState, join, new_state, pick
from services.router.spikes.detector.step import advance

__all__ = [
    "SETTING",
    "DetectorState",
    "Evidence",
    "Scores",
    "Setting",
    "advance",
    "baseline",
    "correct",
    "dump",
    "join",
    "load",
    "new_state",
    "pick",
]
