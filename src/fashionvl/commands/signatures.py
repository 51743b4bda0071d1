"""Parameters of configurable classes, read from their source: importing them would take many seconds."""

import ast
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OWN = "fashionvl"


@dataclass(frozen=True)
class Signature:
    """The configuration keys of a class.

    Attributes:
        parameters: annotation of each, as written; None where there is none.
        module: dotted name of the module that the annotations are read in.
    """

    parameters: dict[str, ast.expr | None]
    module: str

    def record(self, name: str) -> "Signature | None":
        """Signature of the dataclass that a parameter takes; None if its type is another or not known."""
        found = [
            signature_of(f"{self.module}.{part.id}")
            for part in _alternatives(self.parameters[name])
            if isinstance(part, ast.Name)
        ]
        known = [signature for signature in found if signature is not None]
        return known[0] if len(known) == 1 else None


@cache
def signature_of(class_path: str) -> Signature | None:
    """Return the signature of one of this package's classes; None if it is another's or cannot be read."""
    module, _, name = class_path.rpartition(".")
    place = _find(module, name)
    return _signature(*place) if place else None


@cache
def method_parameters(package: str, file: str, owner: str, method: str) -> tuple[str, ...]:
    """Names of a method's parameters, without `self`; empty if the source is not where it is expected.

    Args:
        package: installed package, which is not imported.
        file: inside the package.
        owner: class in the file.
        method: of the class.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return ()
    tree = _parse(Path(spec.origin).parent / file)
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef) and node.name == owner:
            found = _method(node, method)
            return tuple(_parameters(found) or ()) if found else ()
    return ()


def _alternatives(annotation: ast.expr | None) -> list[ast.expr]:
    if isinstance(annotation, ast.BinOp):
        return [*_alternatives(annotation.left), *_alternatives(annotation.right)]
    return [] if annotation is None else [annotation]


def _find(module: str, name: str, depth: int = 5) -> tuple[str, ast.ClassDef] | None:
    """Follow a name through `from X import name` to the module that defines the class."""
    tree = _module(module)
    if tree is None or not depth:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name and node.module != module:
                    return _find(node.module, alias.name, depth - 1)
    return None


def _signature(module: str, node: ast.ClassDef) -> Signature | None:
    constructor = _method(node, "__init__")
    if constructor is not None:
        parameters = _parameters(constructor)
        return None if parameters is None else Signature(parameters, module)
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return None
    if node.bases:
        return None
    fields: dict[str, ast.expr | None] = {
        item.target.id: item.annotation
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    return Signature(fields, module)


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == name), None)


def _parameters(function: ast.FunctionDef) -> dict[str, ast.expr | None] | None:
    if function.args.kwarg is not None:
        return None
    given = [*function.args.args[1:], *function.args.kwonlyargs]
    return {parameter.arg: parameter.annotation for parameter in given}


@cache
def _module(name: str) -> ast.Module | None:
    if name != OWN and not name.startswith(f"{OWN}."):
        return None
    path = Path(__file__).parents[1].joinpath(*name.split(".")[1:])
    return _parse(path.with_suffix(".py")) or _parse(path / "__init__.py")


def _parse(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
