"""Configurations resolved as `fit` would, with nothing built."""

from typing import Any

from jsonargparse import ArgumentError

from fashionvl.commands.parsing import one_line
from fashionvl.commands.train import FashionVLCLI, command_line
from fashionvl.configuration import flatten, plain
from fashionvl.errors import InputError


class _ParserOnly(FashionVLCLI):
    """Command line that stops once its parser is built."""

    def parse_arguments(self, parser: Any, args: Any) -> None:
        self.config = parser.get_defaults()

    def before_instantiate_classes(self) -> None:
        pass

    def instantiate_classes(self) -> None:
        pass

    def _set_seed(self) -> None:
        pass


class Resolver:
    """The parser of `fashionvl fit`, asked for configurations alone."""

    def __init__(self) -> None:
        self._parser = command_line(_ParserOnly, ["fit"], run=False).parser

    def resolve(self, words: list[str]) -> dict[str, Any]:
        """The flat configuration of the words after `fashionvl fit`, laid over each other in order.

        Raises:
            InputError: a file is missing, or a key or value does not fit; the key is named.
        """
        try:
            found = self._parser.parse_args(words).as_dict()
        except ArgumentError as error:
            raise InputError(one_line(str(error))) from error
        found.pop("config", None)
        return flatten(plain(found))
