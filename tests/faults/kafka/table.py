"""The outcomes as a table, one line a fault."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from tests.faults.kafka.rounds import Outcome

# A test's outcome goes out in its report, under this name: tests may run in processes of their own.
OUTCOME = "fault outcome"
_OUTCOMES = TypeAdapter(Outcome)

_HEAD = ("fault", "rounds", "accepted", "lost", "repeated", "out of order", "a partition stood", "the stream stood")
EXPLANATION = """\
lost, repeated, out of order: by id, in classified.v1 and routed.v1 (read committed, not aiokafka) and GET /v1/routed.
The counts in counts.v1, before and after the model, must equal the accepted mentions; else they are lost or repeated.
stood: the longest time from the fault to the end of the load in which a partition, or all of them together, routed
nothing, in the worst round. A silent worker is replaced after 6 s here (10 by default), a dead broker after 3 (9).\
"""


def table(outcomes: Sequence[Outcome]) -> str:
    """The lines, faults in the order of their first outcomes."""
    lines = [_HEAD]
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        of_fault = [outcome for outcome in outcomes if outcome.fault == fault]
        lines.append(
            (
                fault,
                str(len(of_fault)),
                str(sum(outcome.accepted for outcome in of_fault)),
                str(sum(outcome.lost for outcome in of_fault)),
                str(sum(outcome.repeated for outcome in of_fault)),
                str(sum(outcome.out_of_order for outcome in of_fault)),
                f"{max(outcome.standstill_seconds for outcome in of_fault):.1f} s",
                f"{max(outcome.stream_seconds for outcome in of_fault):.1f} s",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    texts = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ]
    return "\n".join([*texts, EXPLANATION])


def to_property(outcome: Outcome) -> object:
    """As a report carries it."""
    return _OUTCOMES.dump_python(outcome, mode="json")


def from_property(value: object) -> Outcome:
    """What `to_property` made of it."""
    return _OUTCOMES.validate_python(value)
