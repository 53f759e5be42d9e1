"""What must hold between the parts of a policy file, beyond each key's own type.

Works on the plain content, so that one wrong key does not hide what is wrong elsewhere.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

from services.router.policy.schema import DEFAULT_PLATFORM, nearest
from services.router.policy.source import Path

Finding = tuple[Path, str]

# In these sections the first rule that matches decides; in `scoring` every rule counts.
_FIRST_MATCH: Final = ("first_response", "resolution", "queues")


def check(content: dict[str, Any]) -> Iterator[Finding]:
    """Everything that is wrong between the parts: where, and what to do."""
    for section in ("scoring", *_FIRST_MATCH):
        yield from _names(section, _rules(content, section))
    for section in _FIRST_MATCH:
        yield from _order(section, _rules(content, section))
    yield from _thresholds(content.get("priorities"))
    yield from _references(content)
    platforms = content.get("platforms")
    if isinstance(platforms, dict) and DEFAULT_PLATFORM not in platforms:
        yield ("platforms",), f"`{DEFAULT_PLATFORM}` is missing; say how to answer on every other platform"


def _rules(content: dict[str, Any], section: str) -> list[tuple[int, dict[str, Any]]]:
    rules = content.get(section)
    return [(i, rule) for i, rule in enumerate(rules) if isinstance(rule, dict)] if isinstance(rules, tuple) else []


def _names(section: str, rules: list[tuple[int, dict[str, Any]]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for i, rule in rules:
        name = rule.get("name")
        if isinstance(name, str):
            if name in seen:
                yield (section, i, "name"), f'another rule of `{section}` is named "{name}"; rename one'
            seen.add(name)


def _order(section: str, rules: list[tuple[int, dict[str, Any]]]) -> Iterator[Finding]:
    default: str | None = None
    earlier: list[dict[str, Any]] = []
    for i, rule in rules:
        name, when = rule.get("name"), rule.get("when")
        if default is not None:
            yield (
                (section, i),
                f'never reached: "{default}" above has no `when` and takes everything; move it to the end',
            )
        elif "when" not in rule:
            default = str(name)
        else:
            for other in earlier:
                if other["when"] == when:
                    yield (section, i), f'never reached: "{other.get("name")}" above has the same `when`; delete one'
                    break
            earlier.append(rule)
    if rules and default is None:
        last = rules[-1][0]
        yield (section, last), f"the last rule of `{section}` must have no `when`: it takes what no other rule took"


def _thresholds(priorities: Any) -> Iterator[Finding]:
    if not isinstance(priorities, dict):
        return
    for higher, lower in (("P1", "P2"), ("P2", "P3")):
        above, below = priorities.get(higher), priorities.get(lower)
        if isinstance(above, int) and isinstance(below, int) and above <= below:
            yield ("priorities", lower), f"{lower} ({below}) must be lower than {higher} ({above})"


def _references(content: dict[str, Any]) -> Iterator[Finding]:
    """`is` names conditions; inside `conditions` only those above it, so that none can go round in a circle."""
    conditions = content.get("conditions")
    named = conditions if isinstance(conditions, dict) else {}
    above: list[str] = []
    for name, condition in named.items():
        for path, used in _used(condition, ("conditions", name)):
            if used in named and used not in above:
                yield path, f'"{used}" must stand above "{name}" to be used in it; move it up'
            else:
                yield from _unknown(path, used, above)
        above.append(name)
    for section in ("scoring", *_FIRST_MATCH):
        for i, rule in _rules(content, section):
            for path, used in _used(rule.get("when"), (section, i, "when")):
                yield from _unknown(path, used, above)


def _unknown(path: Path, used: str, known: Collection[str]) -> Iterator[Finding]:
    if used not in known:
        yield path, f'no condition under `conditions` is named "{used}"{nearest(used, known)}'


def _used(condition: Any, path: Path) -> Iterator[Finding]:
    """Path and name of every condition that this one refers to."""
    if not isinstance(condition, dict):
        return
    names = condition.get("is", ())
    for name in names if isinstance(names, tuple) else (names,):
        if isinstance(name, str):
            yield (*path, "is"), name
    yield from _used(condition.get("not"), (*path, "not"))
    alternatives = condition.get("any")
    if isinstance(alternatives, tuple):
        for i, alternative in enumerate(alternatives):
            yield from _used(alternative, (*path, "any", i))
