"""Reading YAML so that everything in it is known by its line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with a file."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Source:
    """The content of a YAML file (mappings, tuples, scalars), the line of each part, and what is wrong so far."""

    content: Any = None
    lines: Mapping[Path, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def line(self, path: Path) -> int:
        """Line of this part, or of the nearest part around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_source(text: str) -> Source:
    """Parse one YAML document. Never raises: what is wrong stands in `faults`."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        return Source(faults=(Fault(line, f"not valid YAML: {error.problem}; check indentation, colons and quotes"),))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Source(faults=(Fault(line, "not valid YAML: a control character; delete it"),))
    if node is None:
        return Source(faults=(Fault(1, "the file is empty; start from the example that its documentation names"),))
    walk = _Walk(loader)
    content = walk.plain(node, ())
    return Source(content, walk.lines, tuple(walk.faults))


_ALIAS: Final = "!alias"
_UNREADABLE: Final = object()
_SCALARS: Final = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str"))


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain scalars: `no`, `010` and dates are text: `language: no` is Norwegian, 2026-01-31 a version."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode(_ALIAS, event.anchor, event.start_mark, event.end_mark)
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}  # instead of YAML 1.1's
for _kind, _pattern, _first in (
    ("null", r"null|~|", [*"n~", ""]),
    ("bool", r"true|false", [*"tf"]),
    ("int", r"[-+]?(?:0|[1-9][0-9_]*)", [*"-+0123456789"]),
    ("float", r"[-+]?[0-9][0-9_]*\.[0-9]+", [*"-+0123456789"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), _first)


class _Walk:
    """Turns a node tree into plain content, noting lines and faults."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []

    def plain(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, _line(node))
        match node:
            case yaml.MappingNode():
                return dict(self._entries(node, path))
            case yaml.SequenceNode():
                return tuple(self.plain(item, (*path, i)) for i, item in enumerate(node.value))
            case _:
                return self._scalar(node)

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, "a key must be a plain word")
            elif key in first:
                self._fault(key_node, f'"{key}" stands here a second time (first in line {first[key]}); delete one')
            else:
                first[key] = self.lines[(*path, key)] = _line(key_node)
                yield key, self.plain(value_node, (*path, key))

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag == _ALIAS:
            self._fault(node, "aliases (*name) are not used here; write out what they stand for")
            return None
        try:
            value = self._loader.construct_object(node) if node.tag in _SCALARS else _UNREADABLE
        except (ValueError, KeyError):  # `!!int x`, `!!bool x`
            value = _UNREADABLE
        if value is _UNREADABLE:
            self._fault(node, f"a value with a tag ({node.tag}) cannot be read; delete the tag")
            return None
        if value is None:
            self._fault(node, "no value; write one, or leave the key out")
        return value

    def _fault(self, node: yaml.Node, message: str) -> None:
        self.faults.append(Fault(_line(node), message))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
