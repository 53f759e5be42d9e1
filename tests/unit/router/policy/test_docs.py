import re
from pathlib import Path

import pytest

from services.router.policy import DEFAULT_POLICY
from services.router.policy.load import load_policy
from services.router.policy.schema import PLACEHOLDERS, Condition, PolicyFile

DOCUMENT = (Path(__file__).parents[4] / "docs" / "policy.md").read_text()


def test_every_key_is_documented() -> None:
    for model in (PolicyFile, Condition):
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}`" in DOCUMENT
    for placeholder in PLACEHOLDERS:
        assert f"`{{{placeholder}}}`" in DOCUMENT


@pytest.mark.parametrize("section", ["conditions", "scoring", "queues"])
def test_the_example_is_valid_in_the_default_policy(tmp_path: Path, section: str) -> None:
    examples = {block.split(":")[0]: block for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)}
    text = DEFAULT_POLICY.read_text()
    for name in {"conditions", section}:  # the rules use the condition
        example = examples[name].split("\n", 1)[1].split("  - name: complaints\n")[0]
        text = text.replace(f"\n{name}:\n", f"\n{name}:\n{example}", 1)
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    assert load_policy(path).version != load_policy(DEFAULT_POLICY).version
