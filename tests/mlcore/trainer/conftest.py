"""Lets the tests of this folder, and the programs they start, share ``tiny_trainer_task`` and ``process_pair``."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
