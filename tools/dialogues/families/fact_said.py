"""One fact as a question and its answer."""

from __future__ import annotations

from dialogues.draw import Draw
from dialogues.exchange import Check, Exchange, says
from dialogues.grammar import Phrase, capital

LEAD = Phrase(
    "",
    "",
    "",
    "",
    "",
    "[Do you know|Can you tell me|Tell me|Please tell me|I want to know|Quick question|One question|A question|"
    "For my homework|My son asks]: ",
    "[Geography|Quiz|Question]: ",
    "[I forgot|I wonder]: ",
)


_KNOW = Phrase(
    "{Fact}",
    "[I know that|I recall that|As I know,|I know:] {fact}",
    "[A simple question.|This is a fact.|A fact I know.|Fact:] {Fact}",
)


def fact_said(draw: Draw, question: str, answer: str, fact: str, check: Check) -> Exchange | None:
    """None where the wording belongs to the other split."""
    question = capital(question)
    if not draw.allows("fact question", question):
        return None
    lead = draw.fill(LEAD, {})
    asked = lead + (question[0].lower() + question[1:] if lead and question.split()[0] in _LOWERED else question)
    return says(asked, capital(answer), draw.fill(_KNOW, {"fact": fact}), check)


_LOWERED = frozenset("What Which How Where Who When Is Does In On Of Name Give At With Does The".split())
