"""Which records to show: any of the given values for each fact that was asked about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import typer

from services.cli.tail.contents import FACTS_OF_TOPIC, Facts
from services.common.contracts.views import INQUIRY_TYPES, PRIORITIES, SENTIMENTS

_LABELS = {
    "inquiry_type": tuple(INQUIRY_TYPES.values()),
    "sentiment": tuple(SENTIMENTS.values()),
    "priority": tuple(PRIORITIES.values()),
}
_OPTIONS = {field.name: "--type" if field.name == "inquiry_type" else f"--{field.name}" for field in fields(Facts)}


def make_filter(topic: str, wanted: Mapping[str, Sequence[str]]) -> Callable[[Facts], bool]:
    """A test of a record's facts; upper and lower case are the same.

    Raises `BadParameter` for a label that does not exist, and for a fact that records of the topic do not have.
    """
    asked = {name: frozenset(value.casefold() for value in values) for name, values in wanted.items() if values}
    for name, values in asked.items():
        if name not in FACTS_OF_TOPIC.get(topic, ()):
            having = ", ".join(known for known, names in FACTS_OF_TOPIC.items() if name in names)
            raise typer.BadParameter(f"{topic} does not say; {having} do", param_hint=_OPTIONS[name])
        labels = _LABELS.get(name)
        if labels and (unknown := values - {label.casefold() for label in labels}):
            raise typer.BadParameter(
                f"{', '.join(sorted(unknown))}: use one of {', '.join(labels)}", param_hint=_OPTIONS[name]
            )

    def matches(facts: Facts) -> bool:
        return all(getattr(facts, name).casefold() in values for name, values in asked.items())

    return matches
