"""Kernels in C++ beside the models that use them, compiled on this machine at first use.

Nothing here is needed: every kernel has a twin in plain torch, and where no compiler is found the twin runs, after
one line of notice.
"""

from mlmodels.native.library import NativeUnavailableError, load_library

__all__ = ["NativeUnavailableError", "load_library"]
