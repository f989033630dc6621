"""Dates, weekdays, clocks, ages."""
from __future__ import annotations

import datetime

from dialogues.draw import Draw
from dialogues.english import counted, ordinal
from dialogues.exchange import Exchange, any_of, contains, exact, number, says

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def weekday(draw: Draw) -> Exchange:
    start, step = draw.integer(0, 6), draw.integer(1, 20)
    forward = draw.chance(0.75)
    target = WEEKDAYS[(start + (step if forward else -step)) % 7]
    rest = step % 7
    why = (f"{step} days are {counted(step // 7, 'week')} and {counted(rest, 'day')}. " if step >= 7 else "") + (
        f"{counted(rest, 'day')} {'after' if forward else 'before'} {WEEKDAYS[start]} is {target}."
        if rest
        else f"So it is {target} again."
    )
    if not draw.allows("weekday", f"{start}/{step}/{forward}"):
        return weekday(draw)
    if step == 1:
        return says(
            draw.say(
                "[Which day comes %s {d}?|What is the day %s {d}?]" % (("after",) * 2 if forward else ("before",) * 2),
                d=WEEKDAYS[start],
            ),
            target + draw.pick(("", ".")),
            why,
            contains(target),
        )
    question = draw.say(
        "[Today is {d}. [What|Which] day is it in {n} days?|It is {d}. What day will it be {n} days from now?|"
        "Which weekday is {n} days after {d}?]"
        if forward
        else "[Today is {d}. [What|Which] day was it {n} days ago?|Which weekday is {n} days before {d}?]",
        d=WEEKDAYS[start],
        n=step,
    )
    return says(
        question,
        draw.say("[{t}.|{t}|It is {t}.]" if forward else "[{t}.|{t}]", t=target),
        why,
        contains(target),
        plain=f"{why}" if step >= 7 else "",
    )


def date_form(draw: Draw) -> Exchange:
    day = datetime.date(1900, 1, 1) + datetime.timedelta(days=draw.integer(0, 50000))
    if not draw.allows("date", day.isoformat()):
        return date_form(draw)
    said = draw.pick(
        (
            f"{day.day} {MONTHS[day.month - 1]} {day.year}",
            f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
            f"the {ordinal(day.day)} of {MONTHS[day.month - 1]} {day.year}",
        )
    )
    why = f"{MONTHS[day.month - 1]} is month {day.month}."
    if draw.chance(0.6):
        return says(
            draw.say(
                "[Write {s} [as an ISO date|as YYYY-MM-DD|in ISO form].|{s} as YYYY-MM-DD[?|, please.]|ISO date "
                "of {s}?]",
                s=said,
            ),
            day.isoformat(),
            why + f" So {day.isoformat()}.",
            exact(day.isoformat()),
        )
    long = f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    return says(
        draw.say(
            "[Write {s} in words with the month's name.|Which date is {s}?|{s}: write it with the name of the month.]",
            s=day.isoformat(),
        ),
        long,
        why,
        contains(str(day.day), MONTHS[day.month - 1], str(day.year)),
    )


def date_after(draw: Draw) -> Exchange:
    month, day, step = draw.integer(0, 11), draw.integer(1, 28), draw.integer(1, 28)
    if not draw.allows("date after", f"{month}/{day}/{step}"):
        return date_after(draw)
    length = _LENGTHS[month]
    total = day + step
    if total <= length:
        target, why = (
            f"{total} {MONTHS[month]}",
            f"{day} + {step} = {total}. {MONTHS[month]} has {length} days, so it is {total} {MONTHS[month]}.",
        )
    else:
        target = f"{total - length} {MONTHS[(month + 1) % 12]}"
        why = f"{day} + {step} = {total}. {MONTHS[month]} has {length} days. {total} - {length} = {total - length}. So {target}."
    return says(
        draw.say(
            "[Which date is {n} days after {d} {m}?|Today is {d} {m}. What is the date in {n} days?|{d} {m} "
            "plus {n} days?][| (no leap year)]",
            n=step,
            d=day,
            m=MONTHS[month],
        ),
        draw.say("[{t}|{t}.|It is {t}.]", t=target),
        why,
        contains(target),
        plain=why,
    )


def clock(draw: Draw) -> Exchange:
    hour, minute, step = draw.integer(0, 23), draw.integer(0, 59), draw.integer(5, 300)
    if not draw.allows("clock", f"{hour}/{minute}/{step}"):
        return clock(draw)
    total = (hour * 60 + minute + step) % 1440
    start, end = f"{hour:02d}:{minute:02d}", f"{total // 60:02d}:{total % 60:02d}"
    hours, minutes = divmod(step, 60)
    after_hours = f"{(hour + hours) % 24:02d}:{minute:02d}"
    why = (
        f"{step} minutes are {counted(hours, 'hour')} and {counted(minutes, 'minute')}. {start} plus "
        f"{counted(hours, 'hour')} is {after_hours}. {after_hours} plus {counted(minutes, 'minute')} is {end}."
        if hours
        else f"{minute} + {step} = {minute + step}"
        + (f", that is one hour and {minute + step - 60} minutes. So {end}." if minute + step >= 60 else f". So {end}.")
    )
    if draw.chance(0.3) and hour * 60 + minute + step < 1440:
        question = draw.say(
            "[How many minutes are there from {a} to {b}?|How long is it from {a} to {b} in minutes?|From {a} "
            "to {b}: how many minutes?]",
            a=start,
            b=end,
        )
        back = total // 60 - hour - (1 if total % 60 < minute else 0)
        why = f"From {start} to {hour + back:02d}:{minute:02d} it is {counted(back, 'hour')}, {back * 60} minutes. Then {step - back * 60} more. {back * 60} + {step - back * 60} = {step}."
        return says(
            question, draw.say("[{n} minutes.|{n}|It is {n} minutes.]", n=step), why, contains(str(step)), plain=why
        )
    question = draw.say(
        "[It is {a}. What time is it in {n} minutes?|What time is {n} minutes after {a}?|{a} plus {n} minutes?|"
        "A {thing} begins at {a} and takes {n} minutes. When does it end?]",
        a=start,
        n=step,
        thing=draw.pick(("film", "lesson", "concert", "meeting", "game", "journey")),
    )
    return says(question, draw.say("[{b}|At {b}.|{b}.]", b=end), why, contains(end), plain=why)


def age(draw: Draw) -> Exchange:
    born, now, name = draw.integer(1930, 2015), draw.integer(2016, 2040), draw.slot("name")
    years = now - born
    if draw.chance(0.5):
        return says(
            draw.say(
                "[{n} was born in {b}. How old is {n} at the end of {y}?|How old does {n}, born in {b}, become "
                "in {y}?|Born {b}, now {y}: how old is {n} this year?]",
                n=name,
                b=born,
                y=now,
            ),
            draw.say("[{a}|{a} years.|{n} is {a} years old.]", a=years, n=name),
            f"{now} - {born} = {years}.",
            contains(str(years)),
            plain=f"{now} - {born} = {years}. So {years} years.",
        )
    return says(
        draw.say(
            "[{n} turned {a} in {y}. In which year was {n} born?|In {y} {n} became {a} years old. When was {n} born?]",
            n=name,
            a=years,
            y=now,
        ),
        draw.say("[{b}|In {b}.|{n} was born in {b}.]", b=born, n=name),
        f"{now} - {years} = {born}.",
        number(born),
        plain=f"{now} - {years} = {born}.",
    )


def month_facts(draw: Draw) -> Exchange:
    month = draw.integer(0, 11)
    kind = draw.integer(0, 3)
    name = MONTHS[month]
    if kind == 0:
        return says(
            draw.say(
                "[How many days has {m}?|How many days are in {m}?|{m} has how many days?][| In a normal year.]", m=name
            ),
            draw.say("[{n}|{n} days.|{m} has {n} days.]", n=_LENGTHS[month], m=name),
            f"{name} has {_LENGTHS[month]} days.",
            contains(str(_LENGTHS[month])),
        )
    if kind == 1:
        return says(
            draw.say("[Which month comes after {m}?|What month follows {m}?|The month after {m}?]", m=name),
            MONTHS[(month + 1) % 12] + draw.pick(("", ".")),
            f"{name} is month {month + 1}.",
            contains(MONTHS[(month + 1) % 12]),
        )
    if kind == 2:
        return says(
            draw.say(
                "[Which number has the month {m}?|{m} is which month of the year?|What is the number of {m}?]", m=name
            ),
            draw.say("[{n}|The {o}.|{m} is the {o} month.]", n=month + 1, o=ordinal(month + 1), m=name),
            f"I count from January: {name} is {month + 1}.",
            contains(str(month + 1)),
        )
    return says(
        draw.say(
            "[What is the {o} month[ of the year|]?|Which month is number {n}?|Month {n}?]",
            o=ordinal(month + 1),
            n=month + 1,
        ),
        name + draw.pick(("", ".")),
        f"The {ordinal(month + 1)} month is {name}.",
        any_of(name),
    )


KINDS = (weekday, weekday, date_form, date_form, date_after, clock, clock, age, month_facts)
