"""The fixtures of tests/conftest.py, for the tests of the projects."""

import importlib.util
from pathlib import Path

_SHARED = Path(__file__).resolve().parents[1] / "tests" / "conftest.py"
_spec = importlib.util.spec_from_file_location("shared_fixtures", _SHARED)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

repository, data_dir, load_script = _module.repository, _module.data_dir, _module.load_script
