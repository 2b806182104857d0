"""Lets the tests of this folder, and the programs they start, share ``tiny_trainer_task``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
