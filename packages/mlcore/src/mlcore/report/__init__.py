"""The report of a run: `build_report(run)` writes report.html, one self-contained page."""

from mlcore.report.build import build_report
from mlcore.report.run_contents import ReportError

__all__ = ["ReportError", "build_report"]
