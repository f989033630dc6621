"""Numbers by themselves: odd or even, in words, digits, rounding, counting."""

from __future__ import annotations

from dialogues.draw import Draw
from dialogues.english import in_words
from dialogues.exchange import Exchange, any_of, exact, number, says


def properties(draw: Draw) -> Exchange:
    n = draw.integer(0, 999)
    kind = draw.integer(0, 6)
    if not draw.allows("property", f"{n}/{kind}"):
        return properties(draw)
    if kind == 0:
        even = n % 2 == 0
        asked_even = draw.chance(0.5)
        return says(
            draw.say("[Is {n} {w}?|Is the number {n} {w}?|{n}: is it {w}?]", n=n, w="even" if asked_even else "odd"),
            "Yes." if even == asked_even else "No.",
            f"The last digit is {n % 10}, so {n} is {'even' if even else 'odd'}.",
            any_of("yes") if even == asked_even else any_of("no"),
        )
    if kind == 1:
        return says(
            draw.say("[Write {n} in words.|{n} in words?|How do you [write|say] {n}?|Spell the number {n}.]", n=n),
            in_words(n),
            f"{n} is {in_words(n)}.",
            exact(in_words(n)),
        )
    if kind == 2:
        return says(
            draw.say('[Write {w} as a number.|{w} in digits?|Which number is "{w}"?]', w=in_words(n)).capitalize(),
            str(n),
            f"{in_words(n)} is {n}.",
            number(n),
        )
    if kind == 3:
        return says(
            draw.say("[What comes after {n}?|Which number follows {n}?|The number after {n}?]", n=n),
            str(n + 1),
            f"{n} + 1 = {n + 1}.",
            number(n + 1),
        )
    if kind == 4:
        return says(
            draw.say("[What comes before {n}?|Which number is just before {n}?|The number before {n}?]", n=n + 1),
            str(n),
            f"{n + 1} - 1 = {n}.",
            number(n),
        )
    if kind == 5:
        total = sum(map(int, str(n)))
        return says(
            draw.say("[What is the sum of the digits of {n}?|Add the digits of {n}.|Digit sum of {n}?]", n=n),
            str(total),
            f"{' + '.join(str(n))} = {total}.",
            number(total),
        )
    ten = (n + 5) // 10 * 10
    return says(
        draw.say("[Round {n} to the nearest ten.|{n} rounded to tens?|What is {n} rounded to the nearest ten?]", n=n),
        str(ten),
        f"The last digit is {n % 10}, so {'up' if n % 10 >= 5 else 'down'} to {ten}.",
        number(ten),
    )


def counting(draw: Draw) -> Exchange:
    start, step = draw.integer(0, 90), draw.pick((1, 1, 2, 3, 5, 10))
    count = draw.integer(4, 9)
    if not draw.allows("counting", f"{start}/{step}/{count}"):
        return counting(draw)
    values = [start + at * step for at in range(count)]
    result = ", ".join(map(str, values))
    if draw.chance(0.2):
        values = values[::-1]
        result = ", ".join(map(str, values))
        return says(
            f"Count down from {values[0]} to {values[-1]}" + ("." if step == 1 else f" in steps of {step}."),
            result,
            f"I begin with {values[0]} and take away {step} each time.",
            exact(result),
        )
    return says(
        f"Count from {start} to {values[-1]}" + ("." if step == 1 else f" in steps of {step}."),
        result,
        f"I begin with {start} and add {step} each time.",
        exact(result),
    )
