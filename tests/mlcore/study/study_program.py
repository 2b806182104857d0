"""Runs the study that its arguments describe. Run as a child by the tests; exits as a command would."""

import json
import sys
from pathlib import Path

from mlcore.errors import UserError
from mlcore.study import Job, run_study


def main(folder: str, plan: str) -> int:
    content = json.loads(plan)
    jobs = [Job(key, tuple(command)) for key, command in content["jobs"]]
    try:
        result = run_study(
            jobs, Path(folder), **{"num_workers": 2, "threads_per_worker": 1, **content["settings"]}
        )
    except UserError as error:
        print(error)
        return error.exit_code
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
