"""What the fields of records are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dialogues.draw import Draw

Value = Callable[[Draw], Any]


def slot(kind: str) -> Value:
    return lambda draw: draw.slot(kind)


def whole(low: int, high: int) -> Value:
    return lambda draw: draw.integer(low, high)


def decimal(low: int, high: int, places: int = 1) -> Value:
    return lambda draw: draw.integer(low * 10**places, high * 10**places) / 10**places


def truth() -> Value:
    return lambda draw: draw.chance(0.5)


def several(kind: str, low: int = 1, high: int = 3) -> Value:
    return lambda draw: draw.slot_set(kind, draw.integer(low, high))


def one(*values: str) -> Value:
    return lambda draw: draw.pick(values)


def full_name(draw: Draw) -> str:
    return f"{draw.slot('name')} {draw.slot('surname')}"


def title(draw: Draw) -> str:
    return f"{draw.pick(('The ', ''))}{draw.slot('adjective').capitalize()} {draw.slot('noun').capitalize()}"


def clock(draw: Draw) -> str:
    return f"{draw.integer(6, 22):02d}:{draw.integer(0, 11) * 5:02d}"


def date(draw: Draw) -> str:
    return f"{draw.integer(1995, 2027)}-{draw.integer(1, 12):02d}-{draw.integer(1, 28):02d}"


def email(draw: Draw) -> str:
    return f"{draw.slot('name').lower()}.{draw.slot('surname').lower().replace('ö', 'o')}@{draw.slot('company').lower()}.org"


def phone(draw: Draw) -> str:
    return f"0{draw.integer(20, 99)}-{draw.integer(10000, 999999)}"


def code(draw: Draw) -> str:
    return f"{draw.pick('ABCDEFGHKLMPRSTX')}{draw.pick('ABCDEFGHKLMPRSTX')}{draw.integer(10, 9999)}"
