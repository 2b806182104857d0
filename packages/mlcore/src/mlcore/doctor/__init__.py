"""``python -m mlcore.doctor``: is this machine fit to train on, and does it calculate correctly?"""

from mlcore.doctor.check_result import CheckResult

__all__ = ["CheckResult"]
