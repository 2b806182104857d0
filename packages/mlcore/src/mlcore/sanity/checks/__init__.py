"""The checks, one a module: ``check(bench) -> Finding``."""
