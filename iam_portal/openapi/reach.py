"""What a handler can reach: the functions it calls, and with them the refusals that it can give.

Read off the source, never run. Names are looked up where the function was written; what only a value at run
time decides (a method of a row) is not followed, a signal is: to each of its receivers. So the list of a
door's refusals follows its code by itself. It may name one too many, where a shared function refuses for
another caller; one too few is found by the tests, which compare every answer that they get.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from django.dispatch import Signal
from django.views import View

from iam_portal.errors import DomainError

OURS = ("iam_portal", "tenants", "applications", "accesscontrol")
_NOTHING = object()
_MADE = "__post_init__"
_VIEW = {"self", "view", "cls"}  # what functions call the view that serves the door


@dataclass
class Reach:
    """``functions`` are the names of what is called, ``refusals`` what is raised.

    ``texts`` are the words that stand in them, each with the names of the functions where it does.
    """

    functions: set[str] = field(default_factory=set)
    refusals: set[type[DomainError]] = field(default_factory=set)
    texts: dict[str, set[str]] = field(default_factory=dict)


@cache
def of(view: Any, method: str) -> Reach:
    """What the handler of the view reaches."""
    found, seen = Reach(), set()
    waiting: list[tuple[Any, type | None]] = [(getattr(view, method.lower()), view)]
    waiting += [(parser.parse, None) for parser in vars(view).get("parser_classes", ())]
    waiting += [(entering.authenticate, entering) for entering in _entering(view)]
    while waiting:
        function, owner = waiting.pop()
        for one in (function, inspect.unwrap(function)) if isinstance(function, FunctionType) else ():
            if one not in seen and _is_ours(one):
                seen.add(one)
                found.functions.add(one.__name__)
                for text in _texts(one):
                    found.texts.setdefault(text, set()).add(one.__name__)
                for used in _used(one, owner if _speaks_of_its_view(one) else None):
                    _sort(used, owner, found, waiting)
                    waiting += _parts_of(used, one)
    return found


def _entering(view: Any) -> list[Any]:
    """How one comes in, where the view says that itself; the usual ways refuse as the framework does."""
    choosing = getattr(view, "get_authenticators", None)
    return [type(each) for each in view().get_authenticators()] if _is_ours(choosing) else []


def _parts_of(used: Any, function: FunctionType) -> list[tuple[Any, type | None]]:
    """A class that stands beside the function is a part of how it works: all of its methods are.

    But for a view, whose methods are other doors.
    """
    beside = isinstance(used, type) and used.__module__ == function.__module__ and _is_ours(used)
    if not beside or issubclass(used, View):
        return []
    own = (getattr(member, "__func__", getattr(member, "fget", member)) for member in vars(used).values())
    return [(member, used) for member in own if isinstance(member, FunctionType)]


def _sort(used: Any, owner: type | None, found: Reach, waiting: list[tuple[Any, type | None]]) -> None:
    if isinstance(used, Signal):
        waiting += [(receiver, None) for receiver in used._live_receivers(None)[0]]
    elif isinstance(used, type) and issubclass(used, DomainError):
        found.refusals |= {used} - {DomainError}
    elif isinstance(used, type) and _is_ours(used):
        whole = ".actions." in used.__module__  # an act that is written as a class: all of it
        waiting += [(_bare(member), used) for name, member in vars(used).items() if whole or name == _MADE]
    elif isinstance(used, dict):
        for value in used.values():
            _sort(value, owner, found, waiting)
    elif inspect.ismethod(used):
        waiting.append((used.__func__, used.__self__ if isinstance(used.__self__, type) else None))
    elif isinstance(used, FunctionType):
        waiting.append((used, owner))


def _bare(member: Any) -> Any:
    return member.__func__ if isinstance(member, staticmethod | classmethod) else member


@cache
def _used(function: FunctionType, owner: type | None) -> list[Any]:
    """What the source of the function calls, raises or hands on."""
    tree = _tree(function)
    caught = {
        id(name) for each in ast.walk(tree) if isinstance(each, ast.ExceptHandler) for name in _of(each)
    }
    named = [
        _value(node, function, owner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in caught
    ]
    return [value for value in named if value is not _NOTHING]


@cache
def _texts(function: FunctionType) -> frozenset[str]:
    constants = (node.value for node in ast.walk(_tree(function)) if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str))


def _of(handler: ast.ExceptHandler) -> Iterator[ast.AST]:
    """What is caught is not raised."""
    return ast.walk(handler.type) if handler.type is not None else iter(())


def _value(node: ast.expr, function: FunctionType, owner: type | None) -> Any:
    if isinstance(node, ast.Name):
        if node.id in _VIEW and owner is not None:
            return owner
        return _closed_over(function).get(node.id, function.__globals__.get(node.id, _NOTHING))
    if isinstance(node, ast.Attribute):
        held = _value(node.value, function, owner)
        if isinstance(held, Signal) and node.attr == "send":
            return held
        if isinstance(held, ModuleType) or (isinstance(held, type) and _is_ours(held)):
            value = inspect.getattr_static(held, node.attr, _NOTHING)
            value = value.fget if isinstance(value, property) else value
            return value.__func__ if isinstance(value, staticmethod | classmethod) else value
    return _NOTHING


def _closed_over(function: FunctionType) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    return {name: cell.cell_contents for name, cell in cells}


def _speaks_of_its_view(function: FunctionType) -> bool:
    """Everything else reaches the same from every door, so that it is read once."""
    return not _VIEW.isdisjoint((*function.__code__.co_varnames, *function.__code__.co_freevars))


def _is_ours(value: Any) -> bool:
    return getattr(value, "__module__", "").partition(".")[0] in OURS


@cache
def _tree(function: FunctionType) -> ast.AST:
    """The function's own part of its module. Decorators and signature are not what it does."""
    known = _functions(function.__globals__["__name__"])  # a wrapper calls itself by another module's name
    found = known.get(function.__code__.co_firstlineno)
    return ast.Module(body=found.body, type_ignores=[]) if found is not None else ast.Module([], [])


@cache
def _functions(module: str) -> dict[int, Any]:
    """The functions of a module by the line where they begin, decorators included."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    found: dict[int, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found[min([node.lineno, *(each.lineno for each in node.decorator_list)])] = node
    return found
