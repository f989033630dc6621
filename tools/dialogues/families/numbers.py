"""Sums, comparisons, sequences, percent, units, and what the steps to the answer are."""
from __future__ import annotations

from dialogues.draw import Draw
from dialogues.english import in_words, number_text, plural
from dialogues.exchange import Exchange, any_of, contains, exact, number, says
from dialogues.families import sums, time_sums, word_problems
from dialogues.families.number_forms import counting, properties
from dialogues.families.units import WHOLE
from dialogues.grammar import Phrase, capital

_ASK = Phrase(
    "[What is|How much is|Calculate|Compute|Work out|Solve] {sum}[?|.|]",
    "{sum} = ?",
    "{sum} =",
    "{sum}",
    "{sum}?",
    "[Please|Can you] [calculate|compute|work out] {sum}[.|?]",
    "[Tell me|Give me] the [result|value] of {sum}.",
    "[I need|I want to know] {sum}.",
    "[Quick|Easy|A sum]: {sum}?",
    "[What|How much] [do you get for|does one get for] {sum}?",
    "[Help me|My homework says]: {sum}.",
    "[Do you know|Can you tell me] [what|how much] {sum} is?",
)
_ANSWER = Phrase(
    "{result}",
    "{result}",
    "{sum} = {result}",
    "[It|That] is {result}.",
    "[The result|The answer] is {result}.",
    "{sum} is {result}.",
)
_SIGNS = {"+": ("+", "plus"), "-": ("-", "minus"), "*": ("*", "x", "times", "×"), "/": ("/", "divided by", ":", "÷")}


def _size(draw: Draw) -> int:
    """One to four digits, the small ones more often."""
    return draw.integer(*draw.pick(((0, 9), (2, 20), (10, 99), (10, 99), (100, 999), (1000, 9999))))


def _pair(draw: Draw, sign: str) -> tuple[int, int]:
    def pair() -> tuple[int, int] | None:
        a, b = _size(draw), _size(draw)
        if sign == "-" and a < b:
            a, b = b, a
        if sign == "*":
            a, b = (a, b % 100 if draw.chance(0.4) else b % 10) if a < 1000 else (a, b % 10)
        if sign == "/":
            b = draw.integer(2, 12)
            a = b * draw.integer(1, 99) + (0 if draw.chance(0.75) else draw.integer(0, b - 1))
        if max(a, b) <= 12 and sign in "+*":  # the tables are learned by heart; what is held out is larger
            return None if draw.test else (a, b)
        return (a, b) if draw.allows("sum", f"{a}{sign}{b}") else None

    return draw.until(pair, "a sum of this split")


def sum_of_two(draw: Draw) -> Exchange:
    sign = draw.pick("++--**/")
    a, b = _pair(draw, sign)
    working = {"+": sums.added, "-": sums.subtracted, "*": sums.multiplied, "/": sums.divided}[sign](a, b)
    rest = a % b if sign == "/" else 0
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[sign]
    result = str(value) + (f", rest {rest}" if rest else "")
    words = draw.chance(0.07) and max(a, b) < 1000
    left, right = (in_words(a), in_words(b)) if words else (str(a), str(b))
    shown = f"{left} {draw.pick(_SIGNS[sign])} {right}"
    if not words and draw.chance(0.12) and sign in "+-*":
        shown = shown.replace(" ", "") if not any(letter.isalpha() for letter in shown) else shown
    question = capital(draw.fill(_ASK, {"sum": shown}))
    if draw.chance(0.12):
        question = {
            "+": draw.say("[Add {a} and {b}.|What is the sum of {a} and {b}?|Sum of {a} and {b}?]", a=a, b=b),
            "-": draw.say(
                "[Subtract {b} from {a}.|What is the difference of {a} and {b}?|Take {b} away from {a}.]", a=a, b=b
            ),
            "*": draw.say(
                "[Multiply {a} by {b}.|What is the product of {a} and {b}?|Product of {a} and {b}?]", a=a, b=b
            ),
            "/": draw.say("[Divide {a} by {b}.|How often does {b} go into {a}?|Share {a} among {b}.]", a=a, b=b),
        }[sign]
    answer = capital(draw.fill(_ANSWER, {"sum": f"{a} {sign} {b}", "result": result}))
    hard = sums.is_hard(a, sign, b)
    check = number(value) if not rest else contains(str(value), str(rest))
    return says(
        question,
        answer,
        working,
        check,
        plain=f"{working[0].upper()}{working[1:]}" if hard else "",
        operation=sign,
        digits=max(len(str(a)), len(str(b))),
    )


def three_terms(draw: Draw) -> Exchange:
    a, b, c = (draw.integer(1, 99) for _ in range(3))
    kind = draw.integer(0, 4)
    d, e, f = b % 12, c % 12, c % 10
    shown, value, steps = (
        (f"{a} + {b} + {c}", a + b + c, (sums.step(a, "+", b), sums.step(a + b, "+", c))),
        (f"{a + b} - {a} + {c}", b + c, (sums.step(a + b, "-", a), sums.step(b, "+", c))),
        (f"{a} + {d} * {e}", a + d * e, (f"First the product: {d} * {e} = {d * e}", sums.step(a, "+", d * e))),
        (f"({a} + {b}) * {f}", (a + b) * f, (f"First the bracket: {sums.step(a, '+', b)}", sums.step(a + b, "*", f))),
        (
            f"{a} - {a + b}",
            -b,
            (f"{a + b} is larger, so the result is below zero", sums.step(a + b, "-", a), f"So -{b}"),
        ),
    )[kind]
    working = ". ".join(steps) + "."
    if not draw.allows("sum", shown):
        return three_terms(draw)
    return says(
        capital(draw.fill(_ASK, {"sum": shown})),
        draw.fill(_ANSWER, {"sum": shown, "result": value}),
        working,
        number(value),
        plain=working,
        operation="three terms",
    )


def compared(draw: Draw) -> Exchange:
    a = draw.integer(0, 9999) if draw.chance(0.5) else draw.integer(0, 9999) / 100
    b = draw.integer(0, 9999) if draw.chance(0.5) else draw.integer(0, 9999) / 100
    if a == b or not draw.allows("compared", f"{a}/{b}"):
        return compared(draw)
    one, two, high, low = (number_text(value) for value in (a, b, max(a, b), min(a, b)))
    larger = draw.chance(0.6)
    if draw.chance(0.3):
        yes = (a > b) == larger
        question = draw.say(
            "Is {a} [%s] than {b}?" % ("larger|bigger|more" if larger else "smaller|less"), a=one, b=two
        )
        return says(
            question,
            "Yes." if yes else "No.",
            f"{high} is larger than {low}.",
            any_of("yes") if yes else any_of("no"),
            operation="compared",
        )
    question = draw.say(
        "[Which [number |]is %s: {a} or {b}?|{a} or {b}: which is %s?|What is [more|%s], {a} or {b}?]"
        % (("larger", "bigger", "larger") if larger else ("smaller", "less", "smaller")),
        a=one,
        b=two,
    )
    if not larger:
        question = question.replace("What is more,", "What is smaller,")
    result = high if larger else low
    return says(
        question,
        draw.say("[{r}|{r} is {w}.]", r=result, w="larger" if larger else "smaller"),
        f"{high} is larger than {low}.",
        contains(result),
        operation="compared",
    )


def ordered(draw: Draw) -> Exchange:
    values = [draw.integer(0, 999) for _ in range(draw.integer(3, 6))]
    if not draw.allows("ordered", str(values)):
        return ordered(draw)
    kind = draw.integer(0, 3)
    listed = ", ".join(map(str, values))
    if kind == 0:
        return says(
            draw.say(
                "[What is the [largest|biggest|highest] [of|number in] {n}?|Largest of {n}?|Find the maximum: {n}]",
                n=listed,
            ),
            str(max(values)),
            f"I compare: {listed}. The largest is {max(values)}.",
            number(max(values)),
        )
    if kind == 1:
        return says(
            draw.say(
                "[What is the [smallest|lowest] [of|number in] {n}?|Smallest of {n}?|Find the minimum: {n}]", n=listed
            ),
            str(min(values)),
            f"I compare: {listed}. The smallest is {min(values)}.",
            number(min(values)),
        )
    down = kind == 3
    result = ", ".join(map(str, sorted(values, reverse=down)))
    question = draw.say(
        "[[Sort|Order] these numbers{how}: {n}|[Put|Bring] {n} [into|in] order{how}.|{n}: sort{how}[, please|].]",
        n=listed,
        how=draw.pick((" from large to small", " downwards", ", largest first"))
        if down
        else draw.pick(("", " from small to large", " upwards", ", smallest first")),
    )
    return says(
        question,
        result,
        draw.say(
            "[The {w} is {x}.|I begin with {x}.] Then the next, and so on.",
            w="largest" if down else "smallest",
            x=sorted(values, reverse=down)[0],
        ),
        exact(result),
    )


def sequence(draw: Draw) -> Exchange:
    start, step = draw.integer(0, 60), draw.integer(1, 15)
    kind = draw.integer(0, 3)
    if kind == 0:
        values = [start + step * at for at in range(6)]
        why = f"Each time {step} more. {values[4]} + {step} = {values[5]}."
    elif kind == 1:
        values = [start + step * (6 - at) for at in range(6)]
        why = f"Each time {step} less. {values[4]} - {step} = {values[5]}."
    elif kind == 2:
        factor = draw.integer(2, 3)
        values = [draw.integer(1, 5) * factor**at for at in range(1)]
        values = [values[0] * factor**at for at in range(6)]
        why = f"Each time {factor} times as much. {values[4]} * {factor} = {values[5]}."
    else:
        offset = draw.integer(1, 12)
        values = [(offset + at) ** 2 for at in range(6)]
        why = f"These are squares: {offset} * {offset}, {offset + 1} * {offset + 1} ... {offset + 5} * {offset + 5} = {values[5]}."
    shown = ", ".join(map(str, values[:5]))
    if not draw.allows("sequence", shown):
        return sequence(draw)
    return says(
        draw.say(
            "[What comes next[ in|:] {n}?|Continue: {n}|Which number follows: {n}, ...?|{n}, ?|Find the next "
            "number: {n}]",
            n=shown,
        ),
        draw.say("[{r}|{r}.|The next number is {r}.]", r=values[5]),
        why,
        number(values[5]),
        operation="sequence",
    )


def percent(draw: Draw) -> Exchange:
    share = draw.pick((1, 5, 10, 20, 25, 30, 40, 50, 60, 75, 80, 90, 100))
    whole = draw.integer(1, 60) * 20
    if not draw.allows("percent", f"{share}/{whole}"):
        return percent(draw)
    value = number_text(share * whole / 100)
    why = f"1 percent of {whole} is {number_text(whole / 100)}. Times {share} is {value}."
    if draw.chance(0.3):
        left = number_text(whole - share * whole / 100)
        return says(
            draw.say(
                "[A {thing} costs {w} euros. It is {s} percent cheaper now. What does it cost?|The price of {w} "
                "euros falls by {s} percent. What is the new price?]",
                thing=draw.slot("product"),
                w=whole,
                s=share,
            ),
            f"{left} euros.",
            f"{why} {whole} - {value} = {left}.",
            contains(left),
            plain=f"{why} {whole} - {value} = {left}. So {left} euros.",
        )
    return says(
        draw.say("[What is|How much is|Calculate] {s} [percent|%] of {w}[?|.]", s=share, w=whole),
        draw.say("[{v}|{s} percent of {w} is {v}.|It is {v}.]", v=value, s=share, w=whole),
        why,
        number(value),
        plain=why,
    )


def units(draw: Draw) -> Exchange:
    large, small, factor = draw.pick(WHOLE)
    count = draw.integer(1, 60)
    if not draw.allows("units", f"{count} {large} {small}"):
        return units(draw)
    to_small = draw.chance(0.6)
    source, target, given, result = (
        (large, small, count, count * factor) if to_small else (small, large, count * factor, count)
    )
    many = plural(target) if not target.endswith("foot") else "feet"
    given_said = f"{given} {source if given == 1 else plural(source)}"
    why = f"1 {large} is {factor} {plural(small)}. " + (
        f"{count} * {factor} = {result}." if to_small else f"{given} / {factor} = {result}."
    )
    return says(
        draw.say(
            "[How many {many} are {given}?|Convert {given} to {many}.|{given} in {many}?|What is {given} in "
            "{many}?|How many {many} [make|has one in] {given}?]",
            many=many,
            given=given_said,
        ),
        draw.say(
            "[{r} {many}.|{given} are {r} {many}.|{r}]",
            r=result,
            many=many if result != 1 else target,
            given=given_said,
        ),
        why,
        contains(str(result)),
        plain=f"{why} So {result}." if result > 999 else "",
        operation="units",
    )


_KINDS = (
    (sum_of_two,) * 8
    + (
        three_terms,
        three_terms,
        compared,
        compared,
        ordered,
        ordered,
        sequence,
        percent,
        units,
        units,
        properties,
        properties,
        counting,
    )
    + (word_problems.problem,) * 6
    + time_sums.KINDS
)


def exchange(draw: Draw) -> Exchange:
    return draw.pick(_KINDS)(draw)
