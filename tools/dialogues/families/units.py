"""Units of measurement and their conversion."""
from __future__ import annotations

from dialogues.draw import Draw

# Per quantity: unit and its size in the first unit of the row.
UNITS: dict[str, dict[str, float]] = {
    "length": {
        "metre": 1,
        "kilometre": 1000,
        "centimetre": 0.01,
        "millimetre": 0.001,
        "mile": 1609.344,
        "yard": 0.9144,
        "foot": 0.3048,
        "inch": 0.0254,
    },
    "mass": {
        "gram": 1,
        "kilogram": 1000,
        "milligram": 0.001,
        "tonne": 1000000,
        "pound": 453.59237,
        "ounce": 28.349523125,
    },
    "volume": {"litre": 1, "millilitre": 0.001, "gallon": 3.785411784, "pint": 0.473176473, "cup": 0.2365882365},
    "time": {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800},
    "area": {"square metre": 1, "hectare": 10000, "square kilometre": 1000000, "acre": 4046.8564224},
}
# Pairs whose factor is a whole number, for sums done without a tool.
WHOLE = (
    ("kilometre", "metre", 1000),
    ("metre", "centimetre", 100),
    ("centimetre", "millimetre", 10),
    ("metre", "millimetre", 1000),
    ("kilogram", "gram", 1000),
    ("tonne", "kilogram", 1000),
    ("litre", "millilitre", 1000),
    ("hour", "minute", 60),
    ("minute", "second", 60),
    ("day", "hour", 24),
    ("week", "day", 7),
    ("year", "month", 12),
    ("foot", "inch", 12),
    ("yard", "foot", 3),
    ("dozen", "piece", 12),
    ("euro", "cent", 100),
    ("gram", "milligram", 1000),
    ("decade", "year", 10),
    ("century", "year", 100),
)


def unit_pair(draw: Draw) -> tuple[str, str]:
    """Two units of one quantity; neither is so small against the other that four decimals would lose it."""

    def pair() -> tuple[str, str] | None:
        sizes = UNITS[draw.pick(list(UNITS))]
        source, target = draw.several(list(sizes), 2)
        return (source, target) if 1e-3 <= sizes[source] / sizes[target] <= 1e6 else None

    return draw.until(pair, "two units of like size")


def convert(value: float, source: str, target: str) -> float:
    sizes = next(sizes for sizes in UNITS.values() if source in sizes)
    return value * sizes[source] / sizes[target]
