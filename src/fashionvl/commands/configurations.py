"""Configuration files of a command line, read and checked before anything heavy is imported."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from fashionvl.errors import InputError
from fashionvl.files.shipped import found

OPTION = "--config"

HINTS = {
    "'\\t'": "indent with blanks, not tabs",
    "mapping values are not allowed": "look at the indentation, and for a colon missing in the line before",
    "another document": "keep one, without a line of ---",
}
"""Advice by part of PyYAML's message."""

MOST_KEYS = 100_000
"""Keys and values of a file, with what its aliases stand for; more are not meant to be read."""


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
        if option not in (OPTION, "-c"):
            kept.append(word)
            continue
        if not (value := value if equals else next(rest, "")):
            raise InputError(f"{option}: names no file; give a YAML file")
        if not (node := _inline(value)):
            # The shell leaves the ~ of `--config=~/FILE` as it is.
            value = str(found(Path(value).expanduser()))
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
    _refuse_others(text, source)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is not None:
            _refuse_circles(node, source)
            _refuse_doubles(node, source)
            loader.construct_document(node)  # refuses tags of Python objects and keys that are lists
    except InputError:
        raise
    except yaml.MarkedYAMLError as error:
        raise InputError(f"{source}{_line(error.problem_mark)}: not valid YAML ({_problem(error)})") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise InputError(
            f"{source}, line {line}: holds control character {error.character:#x}; remove it"
        ) from None
    except RecursionError:
        raise InputError(f"{source}: nested too deeply; expected a few levels of keys") from None
    except (yaml.YAMLError, ValueError) as error:
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
    return next((f"{problem}; {hint}" for part, hint in HINTS.items() if part in problem), problem)


def _line(mark: "yaml.Mark | None") -> str:
    return f", line {mark.line + 1}" if mark else ""


def _refuse_others(text: str, source: str) -> None:
    """Name files that came in place of a configuration."""
    start = text.lstrip()[:100].lower()
    if start.startswith(("<!doctype", "<html", "<?xml")):
        raise InputError(f"{source}: a web page, such as a log-in page; download the file itself")
    if start.startswith("version https://git-lfs"):
        raise InputError(f"{source}: a Git LFS pointer; fetch the file itself with `git lfs pull`")


def _refuse_circles(root: yaml.Node, source: str) -> None:
    """Refuse aliases that stand for what holds them, or that multiply what they stand for without measure."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = -1  # as long as it is counted
            pairs = node.value if isinstance(node, yaml.CollectionNode) else []
            inner = [part for pair in pairs for part in (pair if isinstance(pair, tuple) else (pair,))]
            sizes[id(node)] = 1 + sum(map(size, inner))
        if sizes[id(node)] < 0:
            raise InputError(f"{source}{_line(node.start_mark)}: an alias stands for what holds it")
        return sizes[id(node)]

    if size(root) > MOST_KEYS:
        raise InputError(f"{source}: its aliases stand for more than {MOST_KEYS:,} keys; write it out")


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
