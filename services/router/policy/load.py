"""From a policy file to a policy, or to everything that is wrong with the file, by line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.common.errors import TriageError
from services.router.policy.checks import check
from services.router.policy.compiled import Policy, abstains_as_low, compile_policy
from services.router.policy.schema import PolicyFile, nearest
from services.router.policy.source import Fault, Source, read_source
from services.router.policy.source import Path as PartPath

_EXPECTED: Final = {
    "string_type": "must be text; put quotes around it",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "tuple_type": "must be a list: one entry per line, each after a dash",
    "dict_type": "must be a mapping: `key: value` lines, indented",
    "model_type": "must be a mapping: `key: value` lines, indented",
    "missing": "is missing; add it",
}


class PolicyError(TriageError):
    """A policy file that cannot be used. `errors`: one line per fault, each with file, line and what to do."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


def load_policy(path: Path) -> Policy:
    """The policy in this file. Raises `PolicyError` with all that is wrong."""
    return compile_policy(_read(path))


def check_policy(path: Path) -> list[str]:
    """What the policy in this file holds, in lines for people. Raises `PolicyError` with all that is wrong."""
    file = _read(path)
    queues = ", ".join(dict.fromkeys(rule.queue for rule in file.queues))
    lines = [
        f"{path}: policy {compile_policy(file).version} is valid",
        f"{len(file.scoring)} scoring, {len(file.first_response)} first-response, {len(file.resolution)} resolution"
        f" and {len(file.queues)} queue rules; {len(file.conditions)} named conditions",
        f"queues: {queues}",
    ]
    if abstains_as_low(file):
        lines.append("no condition asks for the confidence `abstain`: `low` holds for it too (docs/policy.md)")
    return lines


def _read(path: Path) -> PolicyFile:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PolicyError([f"{path}: cannot be read ({error.strerror}); set POLICY_FILE to a policy file"]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PolicyError([f"{path}:{line}: not UTF-8; save the file in UTF-8"]) from None
    source = read_source(text)
    faults = list(source.faults)
    if isinstance(source.content, dict):
        faults += [Fault(source.line(part), f"{_dotted(part)}: {message}") for part, message in check(source.content)]
    file, wrong = _validate(source) if source.content is not None else (None, [])
    faults += [fault for fault in wrong if fault.line not in {known.line for known in source.faults}]
    if faults or file is None:
        raise PolicyError([f"{path}:{fault.line}: {fault.message}" for fault in sorted(set(faults))])
    return file


def _validate(source: Source) -> tuple[PolicyFile | None, list[Fault]]:
    try:
        return PolicyFile.model_validate(source.content), []
    except ValidationError as error:
        return None, [_fault(source, details) for details in error.errors(include_url=False)]


def _fault(source: Source, details: ErrorDetails) -> Fault:
    part = tuple(key for key in details["loc"] if key != "[key]")  # pydantic's word for a wrong key of a mapping
    if details["type"] == "extra_forbidden":
        known = _keys(part[:-1])
        message = f'unknown key "{part[-1]}"{nearest(str(part[-1]), known)} (there are {", ".join(known)})'
        return Fault(source.line(part), f"{_dotted(part[:-1])}: {message}" if part[:-1] else message)
    message = _EXPECTED.get(details["type"], details["msg"])
    return Fault(source.line(part), f"{_dotted(part)}: {message}" if part else f"the file {message}")


def _dotted(part: PartPath) -> str:
    """`scoring[2].when.tier`: rules counted from 1, as people do."""
    return "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in part).removeprefix(".")


def _keys(part: PartPath) -> list[str]:
    """The keys that may stand in this part of a policy file."""
    model: type[BaseModel] = PolicyFile
    for key in part:
        for name, field in model.model_fields.items():
            if key == (field.alias or name):
                model = next(_models(field.annotation), model)
                break
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
