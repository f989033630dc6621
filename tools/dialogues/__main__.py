"""python3 tools/dialogues: writes training dialogues, or prompts to score answers by. See --help."""
import sys
from pathlib import Path

if not __package__:  # run as a folder: make it importable under its own name
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dialogues.command import main

if __name__ == "__main__":
    sys.exit(main())
