from datetime import datetime
from pathlib import Path

import pytest

from services.router.spikes.calendar import (
    NO_EVENTS,
    Calendar,
    CalendarError,
    factors,
    load_calendar,
    planned,
    planned_tags,
)

EXAMPLE = Path(__file__).parents[4] / "deploy/examples/calendar.yaml"

SALE = """\
events:
  - name: Black Friday
    tenant: acme
    brand: Mercaviva
    kind: campaign
    from: 2026-11-27T00:00:00-06:00
    until: 2026-11-28T00:00:00-06:00
    factor: 4
    tags: ["#BlackFriday", buenfin]
"""
APP = """\
  - name: New app
    tenant: acme
    brand: Mercaviva
    platforms: [play_store]
    kind: launch
    from: 2026-11-27T12:00:00-06:00
    until: 2026-11-27T18:00:00-06:00
    factor: 2.5
"""
OUTAGE = """\
  - name: Move of the data centre
    tenant: acme
    brand: Mercaviva
    platforms: [x]
    kind: outage
    from: 2026-11-27T13:00:00-06:00
    until: 2026-11-27T14:00:00-06:00
    factor: 0.5
"""


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


BEFORE, MORNING = at("2026-11-27T05:59:59Z"), at("2026-11-27T06:00:00Z")
NOON, ONE, TWO = at("2026-11-27T18:00:00Z"), at("2026-11-27T19:00:00Z"), at("2026-11-27T20:00:00Z")
AFTER = at("2026-11-28T06:00:00Z")


def load(tmp_path: Path, text: str) -> Calendar:
    path = tmp_path / "calendar.yaml"
    path.write_text(text)
    return load_calendar(path)


def errors_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(CalendarError) as caught:
        load(tmp_path, text)
    place = f"{tmp_path / 'calendar.yaml'}:"
    assert all(error.startswith(place) for error in caught.value.errors)
    return [error.removeprefix(place) for error in caught.value.errors]


def test_a_factor_holds_from_its_beginning_to_just_before_its_end(tmp_path: Path) -> None:
    calendar = load(tmp_path, SALE)
    found = [factors(calendar, "acme", "Mercaviva", "x", when) for when in (BEFORE, MORNING, AFTER - 1, AFTER)]
    assert found == [1, 4, 4, 1]


def test_what_overlaps_multiplies_and_concerns_only_its_platforms(tmp_path: Path) -> None:
    calendar = load(tmp_path, SALE + APP + OUTAGE)
    assert factors(calendar, "acme", "Mercaviva", "play_store", NOON) == 10
    assert factors(calendar, "acme", "Mercaviva", "facebook", NOON) == 4
    assert factors(calendar, "acme", "Mercaviva", "x", ONE) == 2
    # The total: more on one platform may be more in all; less on one is no less than nothing to count on.
    assert factors(calendar, "acme", "Mercaviva", "", ONE) == 10


def test_other_brands_and_tenants_have_nothing_planned(tmp_path: Path) -> None:
    calendar = load(tmp_path, SALE)
    for tenant, brand in (("acme", "Telandia"), ("other", "Mercaviva")):
        assert factors(calendar, tenant, brand, "x", NOON) == 1
        assert planned(calendar, tenant, brand, NOON) is None
        assert not planned_tags(calendar, tenant, brand, NOON)
    assert factors(NO_EVENTS, "acme", "Mercaviva", "x", NOON) == 1


def test_case_and_accents_never_matter(tmp_path: Path) -> None:
    calendar = load(tmp_path, SALE.replace("Mercaviva", "Café Sol"))
    assert factors(calendar, "ACME", "cafe sol", "x", NOON) == 4


def test_of_several_planned_events_the_gravest_is_named(tmp_path: Path) -> None:
    calendar = load(tmp_path, SALE + APP + OUTAGE)
    names = [event.name if (event := planned(calendar, "acme", "Mercaviva", when)) else None
             for when in (BEFORE, MORNING, NOON, ONE, TWO, AFTER)]  # fmt: skip
    assert names == [None, "Black Friday", "New app", "Move of the data centre", "New app", None]


def test_tags_are_its_own_a_week_before_and_after(tmp_path: Path) -> None:
    calendar = load(tmp_path, SALE)
    tags = {"blackfriday", "buenfin"}
    week = 7 * 86_400
    for when, expected in ((MORNING - week - 1, set()), (MORNING - week, tags), (AFTER + week - 1, tags),
                           (AFTER + week, set())):  # fmt: skip
        assert planned_tags(calendar, "acme", "Mercaviva", when) == expected


def test_the_example_is_valid_and_a_calendar_may_be_empty(tmp_path: Path) -> None:
    assert sum(len(events) for events in load_calendar(EXAMPLE).values()) == 4
    assert load(tmp_path, "events: []\n") == {}


ENTRY = 'events[1] "Black Friday": '

# what is replaced, by what, the line of the error, its message
BROKEN = [
    ("tenant: acme", "tenant: 7", 3, f"{ENTRY}tenant must be the tenant whose event it is, as text"),
    ("    tenant: acme\n", "", 2, f"{ENTRY}tenant is missing; add the tenant whose event it is, as text"),
    ("brand: Mercaviva", "brand: ' '", 4, f"{ENTRY}brand must be the brand whose event it is, as text"),
    ("brand:", "brnad:", 4, f'{ENTRY}unknown key "brnad"; did you mean "brand"? (there are name, tenant, brand,'),
    ("campaign", "sale", 5, f"{ENTRY}kind must be one of launch, campaign, outage, holiday"),
    ("11-27T00:00:00-06:00", "11-27T00:00:00", 6, f"{ENTRY}from must be a time with its zone, such as 2026-"),
    ("2026-11-28T00:00:00-06:00", "tomorrow", 7, f"{ENTRY}until must be a time with its zone, such as 2026-"),
    ("2026-11-28T00:00:00-06:00", "3", 7, f"{ENTRY}until must be a time with its zone, such as 2026-"),
    ("2026-11-28T", "2026-11-26T", 2, f"{ENTRY}`until` is not after `from`; put the later time there"),
    ("factor: 4", "factor: 0", 8, f"{ENTRY}factor must be a number above 0"),
    ("factor: 4", "factor: 1001", 8, f"{ENTRY}factor must be a number above 0 and at most 1000"),
    ("factor: 4", "factor: four", 8, f"{ENTRY}factor must be a number above 0"),
    ("factor: 4", "factor: true", 8, f"{ENTRY}factor must be a number above 0"),
    ("factor: 4", "factor:", 8, "no value; write one, or leave the key out"),
    ("[\"#BlackFriday\", buenfin]", "buenfin", 9, f"{ENTRY}tags must be a list of hashtags"),
    ("name: Black Friday", "name: [a]", 2, "events[1]: name must be what people call the event, as text"),
    ("events:", "event:", 1, 'unknown key "event"; did you mean "events"? (there are events)'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "message"), BROKEN, ids=[message for *_, message in BROKEN])
def test_an_error_names_line_entry_and_what_to_do(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in SALE
    errors = errors_of(tmp_path, SALE.replace(old, new))
    assert any(error.startswith(f"{line}: {message}") for error in errors), errors
    assert len(errors) == (2 if "did you mean" in message else 1), errors  # the misspelt key is missing, too


def test_all_errors_are_listed_at_once(tmp_path: Path) -> None:
    errors = errors_of(tmp_path, SALE.replace("factor: 4", "factor: -1") + APP.replace("launch", "start"))
    assert [error.split(":")[0] for error in errors] == ["8", "14"]


def test_the_same_entry_twice_would_be_squared(tmp_path: Path) -> None:
    entry = SALE.removeprefix("events:\n")
    assert errors_of(tmp_path, SALE + entry.replace("Mercaviva", "MERCAVIVA")) == [
        '10: events[2] "Black Friday": stands in line 2 already; delete one']  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "1: the file must hold `events:` and under it a list of events"),
        ("events: soon\n", "1: events must be a list: one event per entry, each after a dash"),
        ("events:\n  - soon\n", "2: events[1]: must be a mapping: `key: value` lines, indented"),
        ("events: [\n", "2: not valid YAML: "),
    ],
)
def test_a_file_that_is_no_calendar(tmp_path: Path, text: str, message: str) -> None:
    (error,) = errors_of(tmp_path, text)
    assert error.startswith(message)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(CalendarError, match=r"cannot be read .*; name a calendar file"):
        load_calendar(tmp_path / "none.yaml")
    path = tmp_path / "calendar.yaml"
    path.write_bytes(b"events: \xff\n")
    with pytest.raises(CalendarError, match="not UTF-8; save the file in UTF-8"):
        load_calendar(path)
