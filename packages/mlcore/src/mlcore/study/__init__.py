"""Studies: many jobs as plain processes, some at a time, each finished once.

::

    jobs = [Job(f"baseline-{seed}", ("python", "train.py", "--seed", str(seed))) for seed in (42, 123, 456)]
    result = run_study(jobs, Path("studies/baseline"), num_workers=2, threads_per_worker=1)
    print(result.table())

A job is the command that a user would type. The study's folder holds the journal, ``study.jsonl``, and the output
of every job, ``logs/KEY.log``. The same call again runs only what did not come to its end.
"""

from mlcore.study.job import Job, StudyError
from mlcore.study.result import JobResult, StudyEvent, StudyProgress, StudyResult
from mlcore.study.runner import run_study

__all__ = ["Job", "JobResult", "StudyError", "StudyEvent", "StudyProgress", "StudyResult", "run_study"]
