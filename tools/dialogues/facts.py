"""The tables of facts/, typed."""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "facts"


@dataclass(frozen=True, slots=True)
class Word:
    word: str
    part: str
    definition: str
    synonyms: tuple[str, ...]
    antonyms: tuple[str, ...]
    example: str
    broader: str
    form: str  # plural or past tense, empty where not regular


@dataclass(frozen=True, slots=True)
class Country:
    name: str
    capital: str
    region: str
    subregion: str
    languages: tuple[str, ...]
    currency: str
    currency_code: str
    area: int
    landlocked: bool
    neighbours: tuple[str, ...]
    demonym: str
    code: str

    @property
    def title(self) -> str:
        """The name as it stands in a sentence: the Netherlands."""
        the = self.name in _WITH_THE or self.name.endswith(("Islands", "Republic")) or self.name.startswith("United ")
        return f"the {self.name}" if the else self.name


_WITH_THE = frozenset(
    {
        "Netherlands",
        "Philippines",
        "Maldives",
        "Bahamas",
        "Gambia",
        "Seychelles",
        "Comoros",
        "DR Congo",
        "Republic of the Congo",
    }
)


def rows(name: str) -> list[list[str]]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def _many(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


@lru_cache(maxsize=None)
def words() -> tuple[Word, ...]:
    return tuple(
        Word(row[0], row[1], row[2], _many(row[3]), _many(row[4]), row[5], row[6], row[7]) for row in rows("words.tsv")
    )


@lru_cache(maxsize=None)
def first_senses() -> dict[str, Word]:
    table: dict[str, Word] = {}
    for word in words():
        table.setdefault(word.word, word)
    return table


@lru_cache(maxsize=None)
def countries() -> tuple[Country, ...]:
    return tuple(
        Country(
            row[0],
            row[1],
            row[2],
            row[3],
            _many(row[4]),
            row[5],
            row[6],
            int(row[7]),
            row[8] == "yes",
            _many(row[9]),
            row[10],
            row[11],
        )
        for row in rows("countries.tsv")
    )
