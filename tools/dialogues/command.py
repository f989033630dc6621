"""The command line."""
from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from dialogues import report
from dialogues.fact_groups import fact_line
from dialogues.families.recall import Reach
from dialogues.mixture import FAMILIES, Plan, sample_weights
from dialogues.packages import packages
from dialogues.workers import produce

_EPILOG = """\
Each line is a chat request as `fathom prompt --jsonl` reads it, with the family it is of:
  {"messages": [...], "thinking_mode": "chat"|"thinking", "tools"?, "response_format"?, "family"}
With --split test the last answer is cut off; "check" says how to score what a model answers in its place ("kind" and
"expected"), "reference" holds the answer that was cut, "note" what is varied (distance, operation, digits ...). Names,
cities, tools, keys and sums of the test split never occur in training: a hash of the
value decides what belongs to it.

  python3 tools/dialogues --carrier prose.txt --megabytes 500 --jobs 16 -o train.jsonl
  python3 tools/dialogues --carrier prose.txt --split test --samples 4000 -o test.jsonl
  python3 tools/dialogues --carrier prose.txt --split test --families recall --shortest 1000 --longest 64000 -n 500
  python3 tools/dialogues --format text --megabytes 200 -o stories.txt
  python3 tools/dialogues --format facts --split test -n 200 -o facts.jsonl
  python3 tools/dialogues --report
"""


def _families(text: str) -> dict[str, float]:
    """stories,tools=2: names with their shares of the bytes; the usual share where none is given."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        if name not in FAMILIES:
            raise argparse.ArgumentTypeError(f"found family {name!r}, expected one of {', '.join(FAMILIES)}")
        shares[name] = float(share) if share else FAMILIES[name].share
    return shares


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dialogues",
        description="Write dialogues to train or to score a very small model on.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", default="1", help="any text; the same seed gives the same bytes (default: 1)")
    parser.add_argument(
        "--split", choices=("train", "test"), default="train", help="whole dialogues, or prompts with checks"
    )
    parser.add_argument(
        "--format",
        choices=("dialogues", "text", "facts"),
        default="dialogues",
        help="text: stories, divided by form feeds; facts: groups of facts for fathom eval to plant",
    )
    parser.add_argument(
        "--families",
        type=_families,
        metavar="NAME[=SHARE],...",
        help=f"which, and their shares of the bytes: {', '.join(FAMILIES)}",
    )
    parser.add_argument("-n", "--samples", type=int, help="how many")
    parser.add_argument("--megabytes", type=float, help="stop at this size")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--carrier", default="", metavar="FILE", help="prose to hide facts in; stories where there is none"
    )
    parser.add_argument(
        "--packages",
        default="",
        metavar="FILE",
        help="descriptions of packages, `name: synopsis` and paragraphs: a family",
    )
    parser.add_argument("--shortest", type=int, default=300, metavar="TOKENS", help="of recall's texts (default: 300)")
    parser.add_argument(
        "--longest", type=int, default=16000, metavar="TOKENS", help="of recall's texts (default: 16000)"
    )
    parser.add_argument("--slots", action="store_true", help="say with each sample which held-out values it drew")
    parser.add_argument("--report", action="store_true", help="measure each family instead")
    parser.add_argument("-o", "--output", type=Path, help="standard output if left out")
    read = parser.parse_args(arguments)
    if not read.families:
        read.families = {name: family.share for name, family in FAMILIES.items() if read.packages or name != "packages"}
    elif "packages" in read.families and not read.packages:
        parser.error("--families: found packages, expected --packages FILE with it")
    if read.samples is None and read.megabytes is None:
        read.samples = 2000 if read.report else 1000
    return read


def plan_of(read: argparse.Namespace) -> Plan:
    return Plan(
        read.seed,
        read.split == "test",
        sample_weights(read.families),
        Reach(read.carrier, read.shortest, read.longest, read.packages),
    )


def main(arguments: list[str] | None = None) -> int:
    read = options(arguments)
    for option, file in (("--carrier", read.carrier), ("--packages", read.packages)):
        if file and not Path(file).is_file():
            print(f"[dialogues] {option}: found no file {file}", file=sys.stderr)
            return 2
    if read.packages:
        packages(read.packages)  # read once, before there are processes
    if read.report:
        report.print_report(plan_of(read), list(read.families), read.samples)
        return 0
    limit = None if read.megabytes is None else int(read.megabytes * 1e6)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(read.output.open("w", encoding="utf-8")) if read.output else sys.stdout
        if read.format == "facts":
            file.writelines(fact_line(read.seed, read.split == "test", number) for number in range(read.samples or 0))
            return 0
        for line in produce(plan_of(read), read.format == "text", read.slots, read.samples, limit, read.jobs):
            file.write(line)
    return 0
