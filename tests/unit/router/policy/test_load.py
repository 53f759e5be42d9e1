from pathlib import Path

import pytest

from services.router.policy import DEFAULT_POLICY
from services.router.policy.decide import decide
from services.router.policy.load import PolicyError, check_policy, load_policy
from tests.unit.router.builders import make_classification, make_mention
from tests.unit.router.policy_text import POLICY, write_policy

DEFAULTS = "  - name: everything\n    minutes: 60\n"

TYPE = "inquiry_type: complaint"
LOUD = "loud:\n    followers_at_least: 1000"
AFTER = f"{DEFAULTS}  - name: late\n    when: {{tier: vip}}\n    minutes: 5\n"
AGAIN = f"  - name: again\n    when: {{inquiry_type: complaint}}\n    minutes: 5\n{DEFAULTS}"

# what is replaced, by what, the line of the error, a part of its message
BROKEN = [
    ("version:", "version: [", 2, "not valid YAML"),
    ('version: "7"\n', "version: 7\n", 1, "version: must be text; put quotes around it"),
    ('version: "7"\n', "version:\n", 1, "no value; write one, or leave the key out"),
    ('version: "7"\n', "", 1, "version: is missing; add it"),
    ("tiers:", "teirs:", 3, 'unknown key "teirs"; did you mean "tiers"?'),
    ("languages: [es, pt]", "languages: [Spanish]", 2, 'languages[1]: "Spanish" is no language: use a code'),
    ("  P2: 50", "  P2: 90", 9, "priorities.P2: P2 (90) must be lower than P1 (80)"),
    ("  P3: 20", "  P3: 50", 10, "priorities.P3: P3 (50) must be lower than P2 (50)"),
    ("  P3: 20", "  P3: twenty", 10, "priorities.P3: must be a whole number, without quotes"),
    ("  P3: 20", "  P3: 20\n  P2: 30", 11, '"P2" stands here a second time (first in line 9)'),
    (TYPE, "inquiry_typ: complaint", 14, 'when: unknown key "inquiry_typ"; did you mean "inquiry_type"?'),
    (TYPE, "inquiry_type: [complaint, complain]", 14, 'unknown inquiry type "complain"; did you mean "complaint"?'),
    (TYPE, "sentiment: angry", 14, 'unknown sentiment "angry" (there are negative, neutral, positive)'),
    (TYPE, "kind: dm", 14, 'unknown kind "dm"'),
    (TYPE, "confidence: {inquiry_type: lo}", 14, 'unknown confidence level "lo"'),
    (TYPE, "confidence: {type: low}", 14, 'scoring[1].when.confidence: unknown key "type"'),
    (TYPE, "confidence: {}", 14, "an empty condition always holds"),
    (TYPE, "actionable: yes", 14, "scoring[1].when.actionable: must be true or false"),
    (TYPE, 'followers_at_least: "1000"', 14, "must be a whole number, without quotes"),
    (TYPE, "value_at_least: much", 14, "must be a number, without quotes"),
    (TYPE, "text_contains: [ab*cd]", 14, '"ab*cd" cannot be looked for'),
    (TYPE, "any: {tier: vip}", 14, "scoring[1].when.any: must be a list"),
    (TYPE, "not: [tier]", 14, "scoring[1].when.not: must be a mapping"),
    (TYPE, "not: {any: [{teir: vip}]}", 14, 'when.not.any[1]: unknown key "teir"; did you mean "tier"?'),
    (TYPE, "tier: []", 14, "scoring[1].when.tier: has no entries; write one"),
    ("{is: loud}", "{is: lout}", 17, 'scoring[2].when.is: no condition under `conditions` is named "lout"; did'),
    ("{is: loud}", "{}", 17, "scoring[2].when: an empty condition always holds"),
    ("points: 25", "points: 2.5", 15, "scoring[1].points: must be a whole number"),
    ("    points: 25\n", "", 12, "scoring[1].points: is missing; add it"),
    ("name: loud", "name: complaint", 16, 'another rule of `scoring` is named "complaint"; rename one'),
    (LOUD, "loud: {is: far}\n  far: {verified: true}", 5, '"far" must stand above "loud"'),
    (LOUD, "loud: {is: loud}", 5, '"loud" must stand above "loud"'),
    (LOUD, "loud: &a {verified: true}\n  louder: *a", 6, "aliases (*name) are not used here"),
    ("    minutes: 15", "    minutes: 0", 21, "first_response[1].minutes: "),
    (DEFAULTS, "", 23, "the last rule of `resolution` must have no `when`"),
    (DEFAULTS, AFTER, 28, 'never reached: "everything" above has no `when`'),
    (DEFAULTS, AGAIN, 26, 'never reached: "complaint" above has the same `when`'),
    ("{tier}", "{teir}", 31, 'unknown placeholder "{teir}"; did you mean "tier"?'),
    ("all-{language}", "All {language}", 33, "is no queue name"),
    ("  default:", "  X: {tone: a, length_limit: 1}\n  default:", 35, '"X" is no name: use lower-case'),
    ("  default:", "  x_default:", 34, "`default` is missing; say how to answer on every other platform"),
    ("length_limit: 280", "length_limit: none", 36, "platforms.x.length_limit: must be a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "message"), BROKEN, ids=[message for *_, message in BROKEN])
def test_a_broken_policy_names_the_line_and_what_to_do(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    path = write_policy(tmp_path, old, new)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert len(caught.value.errors) == 1, caught.value.errors
    error = caught.value.errors[0]
    assert error.startswith(f"{path}:{line}: ")
    assert message in error


def test_all_errors_are_listed_by_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        POLICY.replace("P2: 50", "P2: 90").replace("points: 30", "points: many").replace("{tier}", "{teir}")
        + "extra: 1\n"
    )
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert [error.split(":")[1] for error in caught.value.errors] == ["9", "18", "31", "37"]


def test_a_platform_that_is_not_described_may_be_named_in_a_condition(tmp_path: Path) -> None:
    load_policy(write_policy(tmp_path, "inquiry_type: complaint", "platform: mastodon"))


def test_no_is_norwegian_and_a_date_is_a_version(tmp_path: Path) -> None:
    policy = load_policy(write_policy(tmp_path, 'version: "7"\nlanguages: [es', "version: 2026-01-31\nlanguages: [no"))
    assert policy.languages == {"no", "pt"}
    assert policy.version.startswith("2026-01-31+")


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 1, "the file is empty"),
        (b"- a\n- b\n", 1, "the file must be a mapping"),
        (b"version: 1\n---\nversion: 2\n", 2, "not valid YAML"),
        (b"version: a\n\xff\n", 2, "not UTF-8"),
        (b"version: a\nb: \x07\n", 2, "a control character"),
        (b"version: !!python/object:os.system x\n", 1, "delete the tag"),
        (b"version: !!int x\n", 1, "delete the tag"),
        (b"version: !!bool x\n", 1, "delete the tag"),
        (b"version: !!timestamp x\n", 1, "delete the tag"),
        (b"? [a, b]\n: c\n", 1, "a key must be a plain word"),
    ],
)
def test_a_file_that_is_no_policy(tmp_path: Path, content: bytes, line: int, message: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert any(e.startswith(f"{path}:{line}: ") and message in e for e in caught.value.errors), caught.value.errors


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"cannot be read .*set POLICY_FILE"):
        load_policy(tmp_path / "missing.yaml")


def test_the_version_follows_the_content_not_the_layout(tmp_path: Path) -> None:
    version = load_policy(write_policy(tmp_path)).version
    assert version.startswith("7+")
    assert len(version) == len("7+") + 8
    reordered = "tiers: [vip]  # a comment\nlanguages: [es, pt]\n"
    assert load_policy(write_policy(tmp_path, "languages: [es, pt]\ntiers: [vip]\n", reordered)).version == version
    assert load_policy(write_policy(tmp_path, "points: 25", "points: 26")).version != version


def test_check_policy_says_what_the_file_holds() -> None:
    lines = check_policy(DEFAULT_POLICY)
    assert "is valid" in lines[0]
    assert "complaints-{language}" in lines[-1]


@pytest.mark.parametrize(
    ("written", "points"),
    [
        # Written before there was a level below low.
        ("confidence: {inquiry_type: low}", 1),
        ("any: [{tier: vip}, {not: {not: {confidence: {inquiry_type: [low, medium], sentiment: high}}}}]", 1),
        ("confidence: {inquiry_type: [medium, high]}", 0),
        # Who knows the level says when it is meant.
        ("any: [{confidence: {inquiry_type: low}}, {confidence: {actionable: abstain}}]", 0),
    ],
)
def test_in_a_policy_that_does_not_know_abstain_low_holds_for_it_too(tmp_path: Path, written: str, points: int) -> None:
    path = write_policy(tmp_path, TYPE, written)
    routing = decide(load_policy(path), make_mention(), make_classification("feedback", type_level="abstain"))
    assert len(routing.reasons) == points
    said = "`low` holds for it too" in check_policy(path)[-1]
    assert said is ("low" in written and "abstain" not in written)


def test_the_default_policy_knows_abstain() -> None:
    assert "abstain" not in "".join(check_policy(DEFAULT_POLICY))
