"""Conditions in SQL, as each dialect writes them."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from migrations_sql_to_mongo.conditions import Conditions, as_flag
from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.layout import Taken
from migrations_sql_to_mongo.sql_types import CopyReading

DIALECTS: dict[str, Any] = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect, "mysql": mysql.dialect}
COLUMN: Any = sa.column("c")  # without a type, as the catalogue makes them


def sql(condition: Any, dialect: str = "sqlite") -> str:
    return str(condition.compile(dialect=DIALECTS[dialect](), compile_kwargs={"literal_binds": True}))


def conditions(dialect: str = "sqlite") -> Conditions:
    return Conditions(dialect, CopyReading(dialect, None))


@pytest.mark.parametrize(
    ("dialect", "sql_type", "expected"),
    [
        ("sqlite", sa.Integer(), "coalesce(c, 0) != 0"),
        ("mysql", sa.Boolean(), "coalesce(c, 0) != 0"),
        ("postgresql", sa.Integer(), "coalesce(c, 0) != 0"),
        ("postgresql", sa.Boolean(), "c IS true"),
        ("postgresql", postgresql.DOMAIN("yes_or_no", sa.Boolean()), "c IS true"),
    ],
)
def test_flag_is_set_unless_it_is_null_or_zero(dialect: str, sql_type: Any, expected: str) -> None:
    assert sql(conditions(dialect).is_set(COLUMN, sql_type, "t.c"), dialect) == expected


def test_flag_that_is_text_is_refused() -> None:
    with pytest.raises(CannotStart, match=r"^t\.c: only flags that are numbers"):
        conditions().is_set(COLUMN, sa.String(), "t.c")


@pytest.mark.parametrize(
    ("dialect", "sql_type", "value", "expected"),
    [
        ("sqlite", sa.Integer(), True, "c = 1"),
        ("sqlite", sa.Integer(), False, "c = 0"),
        ("postgresql", sa.Boolean(), True, "c IS true"),
        ("postgresql", sa.Boolean(), False, "c IS false"),
        ("postgresql", postgresql.DOMAIN("yes_or_no", sa.Boolean()), False, "c IS false"),
        ("postgresql", sa.Boolean(), 1, "c IS true"),
        ("postgresql", sa.Integer(), True, "c = 1"),
        ("postgresql", sa.Text(), 5, "c = '5'"),
        ("postgresql", postgresql.DOMAIN("label", sa.Text()), 5, "c = '5'"),
        ("postgresql", sa.CHAR(9), "jam", "CAST(c AS TEXT) = 'jam'"),
        ("postgresql", postgresql.ENUM("jam", name="food"), "jam", "CAST(c AS TEXT) = 'jam'"),
        ("mysql", mysql.ENUM("jam"), "jam", "c = 'jam'"),
        ("sqlite", sa.Integer(), 5, "c = 5"),
        ("sqlite", sa.String(), 5, "c = '5'"),
        ("sqlite", sa.String(), "jam", "c = 'jam'"),
    ],
)
def test_value_is_compared_as_its_column_keeps_it(dialect: str, sql_type: Any, value: Any, expected: str) -> None:
    assert sql(conditions(dialect).is_one_of(COLUMN, sql_type, (value,)), dialect) == expected


def test_text_is_compared_with_the_text_of_a_column_of_another_type() -> None:
    condition = sql(conditions("postgresql").is_one_of(COLUMN, sa.Integer(), ("jam",)), "postgresql")

    assert condition.endswith("= 'jam'")
    assert condition != "c = 'jam'"


def test_any_of_several_values_will_do() -> None:
    assert sql(conditions().is_one_of(COLUMN, sa.Integer(), (1, 2))) == "c = 1 OR c = 2"


@pytest.mark.parametrize(
    ("form", "expected"), [("null", "c IS NULL"), ("not null", "c IS NOT NULL"), ("", "c = 3 OR c = 4")]
)
def test_condition_of_a_map_is_about_null_or_values(form: str, expected: str) -> None:
    wanted = Taken(form=form, equals=(3, 4))

    assert sql(conditions().meets(COLUMN, sa.Integer(), wanted)) == expected


def test_condition_becomes_one_or_zero_and_zero_where_it_is_unknown() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        found = [connection.scalar(sa.select(as_flag(sa.literal(value) == 1))) for value in (1, 2, None)]

    assert found == [1, 0, 0]
