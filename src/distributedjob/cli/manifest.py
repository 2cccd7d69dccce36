"""Task files: YAML, one task per document, with the fields of the API.

Read strictly, since a file is often the only copy of what a team means: a key that stands twice, a document that is
not a task or a name that stands twice is refused with its place.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import yaml

from distributedjob.model.errors import Invalid

LARGEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document: the task as it was written, and where (`tasks.yaml, document 2`)."""

    task: Mapping[str, Any]
    place: str

    @property
    def name(self) -> str:
        return str(self.task["name"])


def read_manifests(files: Iterable[str]) -> list[Manifest]:
    """All documents of all files (`-` is stdin), in order. Raises Invalid."""
    manifests = [manifest for file in files for manifest in parse_manifests(_text_of(file), source=file)]
    if not manifests:
        raise Invalid.one("file", "there is no document with a task in it")
    places: dict[str, str] = {}
    for manifest in manifests:
        if manifest.name in places:
            raise Invalid.one(
                "name", f"'{manifest.name}' stands twice, in {places[manifest.name]} and {manifest.place}"
            )
        places[manifest.name] = manifest.place
    return manifests


def parse_manifests(text: str, *, source: str) -> list[Manifest]:
    """The documents of one file; empty ones, as after a trailing `---`, are passed over."""
    try:
        documents = list(yaml.load_all(text, Loader=_StrictLoader))
    except yaml.YAMLError as error:
        raise Invalid.one("file", f"{source} is not valid YAML: {_where(error)}") from error
    except RecursionError as error:
        raise Invalid.one("file", f"{source} is nested too deeply") from error
    return [
        _manifest(document, place=source if len(documents) == 1 else f"{source}, document {number}")
        for number, document in enumerate(documents, start=1)
        if document is not None
    ]


def dump_manifests(documents: Iterable[Mapping[str, Any]]) -> str:
    """Documents as a file that `task apply` reads."""
    return yaml.dump_all(
        [dict(document) for document in documents], Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120
    )


def diff_of(before: Mapping[str, Any], after: Mapping[str, Any], *, name: str) -> str:
    """A unified diff of two documents as YAML; empty when they are the same."""
    old, new = (dump_manifests([document]).splitlines() for document in (before, after))
    return "\n".join(unified_diff(old, new, f"{name} (server)", f"{name} (file)", lineterm="", n=2))


def _text_of(file: str) -> str:
    try:
        content = sys.stdin.buffer.read(LARGEST_BYTES + 1) if file == "-" else _read_file(Path(file))
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise Invalid.one("file", f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Invalid.one("file", f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    if len(content) > LARGEST_BYTES:
        raise Invalid.one("file", f"{file} is larger than {LARGEST_BYTES // 1024 // 1024} MiB")
    return text


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def _manifest(document: object, *, place: str) -> Manifest:
    if not isinstance(document, Mapping):
        raise Invalid.one("file", f"{place} is not a task: it must be a mapping with 'name' and 'target'")
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise Invalid.one("name", f"{place} has no 'name', by which apply finds the task")
    return Manifest(task=document, place=place)


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"{problem} in line {mark.line + 1}, column {mark.column + 1}" if mark else problem


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, and leaves instants as text, which the API reads with its own care."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not text; quote it", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _PlainDumper(yaml.SafeDumper):
    """No aliases: two equal parts of a task are written twice. Text of several lines is a block."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_PlainDumper.add_representer(str, _represent_text)
