"""Lets the tests of this folder share ``process_pair``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
