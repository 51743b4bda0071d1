"""Configuration files of a command line, read and checked before anything heavy is imported."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from fashionvl.errors import InputError
from fashionvl.files.shipped import found

OPTION = "--config"


@dataclass(frozen=True)
class Given:
    """One key that a configuration file or the command line sets.

    Attributes:
        path: names from the outermost inwards.
        value: text of a scalar; None of a mapping or a list.
        where: file and line, or the command line.
        inner: whether `value` stands for keys that follow.
    """

    path: tuple[str, ...]
    value: str | None
    where: str
    inner: bool = False


def files_read(words: list[str]) -> tuple[list[str], list[Given]]:
    """Read every `--config` of a command line.

    A file that sets nothing is left out with a notice, since the parser does not take one. One that is not on
    disk is looked for among the recipes that come with the package.

    Args:
        words: of the command line.

    Returns:
        The words, and the keys that the files set, in order.

    Raises:
        InputError: a file is not there, is not UTF-8 text, is not YAML, holds no mapping, or sets a key
            twice; the message names file and line.
    """
    kept: list[str] = []
    given: list[Given] = []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in (OPTION, "-c") or (not equals and (value := next(rest, "")) == ""):
            kept.append(word)
            continue
        if not (node := _inline(value)):
            value = str(found(Path(value)))
            node = _read(Path(value))
        if node is None:
            print(f"fashionvl: {value}: sets nothing; left out", file=sys.stderr)  # noqa: T201
            continue
        kept += [OPTION, value]
        given += _keys(node, OPTION if value.lstrip().startswith("{") else value)
    return kept, given


def _inline(value: str) -> yaml.MappingNode | None:
    """The mapping that an option's value is itself, as `--config '{trainer: {max_epochs: 1}}'`."""
    if not value.lstrip().startswith("{"):
        return None
    return _mapping(value, OPTION)


def _read(file: Path) -> yaml.MappingNode | None:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"--config: {file} is not there{_nearby(file)}") from None
    except IsADirectoryError:
        raise InputError(f"--config: {file} is a folder; name a YAML file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{file}, line {line}: not UTF-8 text; save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        raise InputError(f"--config: {file} cannot be read ({error})") from None
    return _mapping(text, str(file))


def _nearby(file: Path) -> str:
    if not file.parent.is_dir():
        return f"; nor is its folder {file.parent}"
    held = sorted(path.name for path in file.parent.glob("*.y*ml"))
    return f"; {file.parent} holds {', '.join(held[:12])}" if held else ""


def _mapping(text: str, source: str) -> yaml.MappingNode | None:
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if isinstance(node, yaml.MappingNode):
            _refuse_doubles(node, source)
        if node is not None:
            loader.construct_document(node)  # refuses tags of Python objects and keys that are lists
    except yaml.MarkedYAMLError as error:
        raise InputError(f"{source}{_line(error.problem_mark)}: not valid YAML ({_problem(error)})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid YAML ({' '.join(str(error).split())[:200]})") from None
    if node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")):
        return None
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
        raise InputError(
            f"{source}{_line(node.start_mark)}: holds {kind}; expected keys with values, such as `trainer:`"
        )
    return node if node.value else None


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context).split())
    return f"{problem}; indent with blanks, not tabs" if "'\\t'" in problem else problem


def _line(mark: "yaml.Mark | None") -> str:
    return f", line {mark.line + 1}" if mark else ""


def _refuse_doubles(node: yaml.Node, source: str) -> None:
    """YAML readers keep the last of two equal keys without a word."""
    if isinstance(node, yaml.MappingNode):
        first: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge"):
                if key.value in first:
                    raise InputError(
                        f"{source}{_line(key.start_mark)}: {key.value} is set before, in line "
                        f"{first[key.value].start_mark.line + 1}; keep one"
                    )
                first[key.value] = key
            _refuse_doubles(value, source)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_doubles(item, source)


def _keys(node: yaml.MappingNode, source: str, path: tuple[str, ...] = ()) -> Iterator[Given]:
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
            continue
        # A dotted key is a path, as on the command line.
        place = (*path, *key.value.split("."))
        text = value.value if isinstance(value, yaml.ScalarNode) else None
        inner = isinstance(value, yaml.MappingNode)
        yield Given(place, text, f"{source}{_line(key.start_mark)}", inner)
        if isinstance(value, yaml.MappingNode):
            yield from _keys(value, source, place)
