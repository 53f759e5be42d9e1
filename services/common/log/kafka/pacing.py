"""How often a partition commits: at once while little comes, seldom enough under load."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# A pause this many times as long as the last commit took leaves the brokers at most a tenth of their time for one
# partition's transactions.
_PAUSE_PER_COMMIT: Final = 10


@dataclass(frozen=True, slots=True)
class CommitPacing:
    """Seconds from one commit of a partition to its next batch, `shortest` to `longest`.

    A transaction costs about 5 ms of processor time whatever it holds. While the brokers are quick, the shortest pause
    bounds that; where commits get slow, the pause grows with them.
    """

    shortest: float
    longest: float

    def pause(self, last_commit_seconds: float) -> float:
        """Seconds between the last commit and the next batch that is not full."""
        return min(self.longest, max(self.shortest, _PAUSE_PER_COMMIT * last_commit_seconds))


class CommitPacingState:
    """Applies a `CommitPacing` to one partition. The clock tells monotonic seconds."""

    def __init__(self, pacing: CommitPacing, clock: Callable[[], float]) -> None:
        self._pacing = pacing
        self._clock = clock
        self._next = float("-inf")

    def committed(self, seconds: float) -> None:
        """A commit that took `seconds` is done."""
        self._next = self._clock() + self._pacing.pause(seconds)

    def wait(self) -> float:
        """Seconds until a batch that is not full may be taken; 0 or less: now."""
        return self._next - self._clock()
