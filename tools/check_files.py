#!/usr/bin/env python3
"""House rules that a machine can hold: C++ files and the page's of at most 400 lines (waivers in size_waivers.txt), a
test twin for every C++ source, LibTorch under trainer/ alone, documents that name only files that exist, and traps
that have tests."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 400
# Sources whose test is another room's or whose behaviour only a whole program shows.
TESTED_ELSEWHERE = {line.split("#")[0].strip() for line in (ROOT / "tools/tested_elsewhere.txt").read_text().splitlines()}


CODE = {".h", ".cpp", ".cu", ".cuh"}
PAGE = {".ts", ".tsx", ".mjs", ".js", ".css", ".html"}


def code_files(*folders, suffixes=CODE):
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in suffixes and "node_modules" not in file.parts:
                yield file


def size_faults():
    waivers = {}
    for line in (ROOT / "tools/size_waivers.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            name, limit = line.split()
            waivers[name] = int(limit)
    faults = [f"size_waivers.txt: {len(waivers)} waivers, five are allowed"] if len(waivers) > 5 else []
    for file in [*code_files("src", "tests", "fuzz"), *code_files("web", "tests/web", suffixes=PAGE)]:
        name = str(file.relative_to(ROOT))
        lines = len(file.read_text().splitlines())
        if lines > waivers.get(name, LIMIT):
            faults.append(f"{name}: {lines} lines, the limit is {waivers.get(name, LIMIT)}")
    return faults


def twin_faults():
    faults = []
    for file in code_files("src/fathom"):
        if file.suffix != ".cpp":
            continue
        relative = file.relative_to(ROOT / "src/fathom")
        twin = ROOT / "tests" / relative.parent / f"{file.stem}_test.cpp"
        covered = str(relative) in TESTED_ELSEWHERE or any(
            str(relative).startswith(entry) for entry in TESTED_ELSEWHERE if entry.endswith("/"))
        if not twin.exists() and not covered:
            faults.append(f"src/fathom/{relative}: no tests/{relative.parent}/{file.stem}_test.cpp")
    return faults


def torch_faults():
    return [f"{file.relative_to(ROOT)}: LibTorch belongs under trainer/" for file in code_files("src", "tests")
            if "/trainer/" not in str(file) and re.search(r"#\s*include\s*<torch/", file.read_text())]


def document_faults():
    """Paths in `backticks` that look like files of the repository must be there."""
    faults = []
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for number, line in enumerate(document.read_text().splitlines(), 1):
            for name in re.findall(r"`((?:src|tests|docs|tools|models|fuzz|bench|data)/[\w./-]+)`", line):
                if not (ROOT / name).exists():
                    faults.append(f"{document.relative_to(ROOT)}:{number}: {name} does not exist")
    return faults


def trap_faults():
    """Every test that docs/traps.md names exists and runs, and every row names one."""
    tests = {f"{suite}.{name}" for file in code_files("tests")
             for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", file.read_text(), re.MULTILINE)}
    faults = []
    for number, line in enumerate((ROOT / "docs/traps.md").read_text().splitlines(), 1):
        if not line.startswith("| ") or line == "| mistake | test |":
            continue
        named = [name.strip() for name in line.strip("| ").split("|")[-1].split(",")]
        faults += [f"docs/traps.md:{number}: no test {name}" for name in named if name not in tests]
    return faults


def main():
    faults = size_faults() + twin_faults() + torch_faults() + document_faults() + trap_faults()
    print("\n".join(faults) if faults else "files: sizes, twins, torch, documents and traps are in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
