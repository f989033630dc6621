#!/usr/bin/env python3
"""Fails when a file of src/fathom includes a room that tools/rooms.txt does not grant to its own."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def rooms_table(path):
    table = {}
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            room, _, allowed = line.partition(":")
            table[room.strip()] = set(allowed.split())
    return table


def room_of(path, table):
    """The longest room that `path` (relative to src/fathom) lies in."""
    matches = [room for room in table if path.startswith(room + "/")]
    return max(matches, key=len) if matches else None


def main():
    table = rooms_table(ROOT / "tools" / "rooms.txt")
    faults = []
    order = list(table)
    for room, allowed in table.items():
        faults += [f"rooms.txt: {room} may not name {other}, which stands below it" for other in allowed
                   if other not in order or order.index(other) > order.index(room)]
    for file in sorted((ROOT / "src" / "fathom").rglob("*")):
        if file.suffix not in {".h", ".cpp", ".cu", ".cuh"}:
            continue
        relative = str(file.relative_to(ROOT / "src" / "fathom"))
        room = room_of(relative, table)
        if room is None:
            faults.append(f"{relative}: lies in no room of rooms.txt")
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            if not target.startswith("fathom/"):
                faults.append(f"{relative}:{number}: include \"{target}\" is not written from fathom/")
                continue
            other = room_of(target[len("fathom/"):], table)
            if other != room and other not in table[room]:
                faults.append(f"{relative}:{number}: {room} may not include {other}")
    print("\n".join(faults) if faults else f"layers: {len(table)} rooms, every arrow points downward")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
