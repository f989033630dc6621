"""Arithmetic as one does it on paper, digit by digit, in words that a small model can follow."""
from __future__ import annotations


def added(a: int, b: int) -> str:
    """12 + 39: 2 + 9 = 11, write 1, carry 1. 1 + 3 + 1 = 5. So 51."""
    steps, carry, digits = [], 0, []
    left, right = str(a)[::-1], str(b)[::-1]
    for at in range(max(len(left), len(right))):
        x = int(left[at]) if at < len(left) else 0
        y = int(right[at]) if at < len(right) else 0
        total = x + y + carry
        said = f"{x} + {y}" + (f" + {carry}" if carry else "")
        carry = total // 10
        digits.append(total % 10)
        steps.append(f"{said} = {total}" + (f", write {total % 10}, carry {carry}" if carry else ""))
    if carry:
        steps.append(f"write {carry}")
    return ". ".join(steps) + f". So {a + b}."


def subtracted(a: int, b: int) -> str:
    """a is not the smaller one."""
    steps, borrow = [], 0
    left, right = str(a)[::-1], str(b)[::-1]
    for at in range(len(left)):
        x = int(left[at])
        y = int(right[at]) if at < len(right) else 0
        said = f"{x} - {y}" + (" - 1" if borrow else "")
        value = x - y - borrow
        if value < 0:
            steps.append(f"{said} is too small, borrow: {value + 10}")
            borrow = 1
        else:
            steps.append(f"{said} = {value}")
            borrow = 0
    return ". ".join(steps) + f". So {a - b}."


def multiplied(a: int, b: int) -> str:
    """Splits the second number by its digits, and adds the parts one after the other."""
    parts = [(int(digit), 10**place) for place, digit in enumerate(reversed(str(b))) if digit != "0"]
    if not parts:
        return f"Anything times 0 is 0. So {a * b}."
    if len(parts) == 1 and parts[0][1] == 1:
        if a < 10:
            return f"{a} * {b} = {a * b}."
        tens = [(int(digit), 10**place) for place, digit in enumerate(reversed(str(a))) if digit != "0"]
        said = [f"{digit * place} * {b} = {digit * place * b}" for digit, place in reversed(tens)]
        values = [digit * place * b for digit, place in reversed(tens)]
    else:
        said = [f"{a} * {digit * place} = {a * digit * place}" for digit, place in reversed(parts)]
        values = [a * digit * place for digit, place in reversed(parts)]
    running, sums = values[0], []
    for value in values[1:]:
        sums.append(f"{running} + {value} = {running + value}")
        running += value
    return ". ".join(said + sums) + f". So {a * b}."


def is_hard(a: int, sign: str, b: int) -> bool:
    """Whether one writes steps: what is not in the tables up to 12 that one knows by heart."""
    if sign in "*/":
        return max(a, b) > 12 and min(a, b) > 1 and not (sign == "/" and b <= 12 and a <= 12 * b and a % b == 0)
    return max(a, b) > 20


def step(a: int, sign: str, b: int) -> str:
    """One step of a longer sum, itself in steps where it is hard: 2 + 9 = 11, write 1, carry 1. 1 + 3 + 1 = 5. 12 + 39 = 51"""
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[sign]
    said = f"{a} {sign} {b} = {value}"
    if not is_hard(a, sign, b) or a < b and sign == "-":
        return said
    steps = {"+": added, "-": subtracted, "*": multiplied, "/": divided}[sign](a, b)
    return f"{steps[: steps.rindex('. So ')]}. {said}"


def divided(a: int, b: int) -> str:
    """Long division; says the rest where there is one."""
    steps, rest, digits = [], 0, ""
    for digit in str(a):
        current = rest * 10 + int(digit)
        count = current // b
        if digits or count:
            steps.append(f"{b} into {current} goes {count} times, rest {current - count * b}")
            digits += str(count)
        rest = current - count * b
    ending = f", rest {rest}" if rest else ""
    return ". ".join(steps or [f"{b} is larger than {a}"]) + f". So {a // b}{ending}."
