"""A statement, or a part of one, that the framework writes out once in a process and that then takes values.

To write a long one anew for each request takes the framework longer than PostgreSQL takes to answer it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet

Found = TypeVar("Found", bound=Model)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What stands in for the n-th value of a type while the subquery is written: no real value is any of them.
_STAND_INS: Mapping[type, Callable[[int], Any]] = {
    UUID: lambda n: UUID(int=n),
    datetime: lambda n: _EPOCH - timedelta(days=36_500 + n),
    str: lambda n: f"\x00{n}",
}

# How a value can stand in a statement: itself, or in the pattern of ``icontains`` or ``istartswith``.
_SHAPES: tuple[Callable[[Any], Any], ...] = (
    lambda value: value,
    lambda value: f"%{connection.ops.prep_for_like_query(value)}%",
    lambda value: f"{connection.ops.prep_for_like_query(value)}%",
)


class Given(NamedTuple):
    """A place in a statement: the value of this name, so shaped; without a name it is always the same."""

    name: str
    shape: Callable[[Any], Any]
    constant: Any


class Spelled:
    """``write`` gives the rows for values of these types by name. It is asked once for all, with others in
    their place: it must not branch on them, and none may change on its way into the statement, but to a
    pattern.
    """

    def __init__(self, write: Callable[..., QuerySet[Any, Any]], **types: type) -> None:
        self._write, self._types = write, types
        self._text: tuple[str, list[Given]] | None = None  # both at once: another thread never sees a half

    def __call__(self, **values: Any) -> "Written":
        """For ``__in``, ``Exists`` and whatever else takes an expression. Rows of one column."""
        return Written(*self._filled(values))

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """What the database answers, as it has it: for ``write`` with ``values_list``. One statement."""
        with connection.cursor() as cursor:
            cursor.execute(*self._filled(values))
            return cursor.fetchall()

    def instances(self, model: type[Found], *annotations: str, **values: Any) -> list[Found]:
        """As the framework makes them, of whole rows: for ``write`` that says nothing of columns.

        ``annotations`` are their names, in their order.
        """
        fields = model._meta.concrete_fields
        names = [field.attname for field in fields]
        read = [(n, each) for n, field in enumerate(fields) for each in field.get_db_converters(connection)]
        found = []
        for row in self.rows(**values):
            columns = list(row)
            for n, convert in read:
                columns[n] = convert(columns[n], None, connection)
            one = model.from_db(connection.alias, names, columns[: len(names)])
            for name, value in zip(annotations, columns[len(names) :], strict=True):
                setattr(one, name, value)
            found.append(one)
        return found

    def _filled(self, values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        if self._text is None:
            self._text = self._spell()
        sql, given = self._text
        return sql, tuple(shape(values[name]) if name else constant for name, shape, constant in given)

    def _spell(self) -> tuple[str, list[Given]]:
        """Twice, for different values: what differs then has come from one that is not recognized."""
        found = self._spelled(0)
        missing = set(self._types) - {name for name, _, _ in found[1]}
        assert not missing, f"not found again in the statement: {missing}"
        assert found == self._spelled(len(self._types)), "changed on the way into the statement"
        return found

    def _spelled(self, first: int) -> tuple[str, list[Given]]:
        stands = {name: _STAND_INS[kind](n) for n, (name, kind) in enumerate(self._types.items(), first)}
        sql, params = self._write(**stands).query.sql_with_params()
        return str(sql), [_recognized(value, stands) for value in params]


def _recognized(value: Any, stands: Mapping[str, Any]) -> Given:
    for name, stand in stands.items():
        for shape in _SHAPES if isinstance(stand, str) else _SHAPES[:1]:
            if type(value) is type(stand) and value == shape(stand):
                return Given(name, shape, None)
    return Given("", _SHAPES[0], value)


class Written(Expression):
    """A subquery as text, and its values."""

    def __init__(self, sql: str, values: tuple[Any, ...]) -> None:
        super().__init__(output_field=Field())
        self.sql, self.values = sql, values

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Within parentheses."""
        return f"({self.sql})", self.values
