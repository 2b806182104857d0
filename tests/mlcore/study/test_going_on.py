"""A job that was cut short goes on with the run that it had begun."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore.errors import InterruptedRun
from mlcore.study import Job, StudyEvent, run_study
from mlcore.study.output import begun_run

MakeJob = Callable[..., Job]
# Begins a run, saves and waits; or goes on with one. HOW may say how it ends the first time.
PROGRAM = """
folder = Path(sys.argv[sys.argv.index("--resume") + 1]) if "--resume" in sys.argv else Path({runs!r}) / str(os.getpid())
(folder / "checkpoints").mkdir(parents=True, exist_ok=True)
print(f"toy → {{folder}}", flush=True)
if "--resume" not in sys.argv and not Path({runs!r}, "over").exists():
    {save}
    Path({runs!r}, "ready").touch()
    {end}
print(f"run     {{folder}}")
"""
SAVE = '(folder / "checkpoints" / "last.pt").touch()'
WAIT = "time.sleep(600)"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def cut_short(job: Job, folder: Path, runs: Path) -> None:
    """Run it until it waits, and stop the study."""
    with pytest.raises(InterruptedRun):
        run_study([job], folder, num_workers=1, stream=io.StringIO(), should_stop=(runs / "ready").exists)


def finish(job: Job, folder: Path) -> tuple[Path, str]:
    """The same study again: the run of the result, and what was said when the job was started."""
    notes: list[str] = []

    def note(event: StudyEvent) -> None:
        notes.extend([event.note] if event.kind == "started" else [])

    (result,) = run_study([job], folder, num_workers=1, stream=io.StringIO(), on_event=note)
    assert result.status == "done"
    assert result.run_path is not None
    return result.run_path, notes[0]


def test_what_was_cut_short_goes_on_from_its_checkpoint(tmp_path: Path, runs: Path, job: MakeJob) -> None:
    made = job("a", PROGRAM.format(runs=str(runs), save=SAVE, end=WAIT), resumes=True)
    cut_short(made, tmp_path / "study", runs)
    (begun,) = (path for path in runs.iterdir() if path.is_dir())
    assert finish(made, tmp_path / "study") == (begun, "goes on from its checkpoint")
    assert [path for path in runs.iterdir() if path.is_dir()] == [begun]


@pytest.mark.parametrize("reason", ["nothing was saved", "another command", "no word of resuming"])
def test_anything_else_begins_again(tmp_path: Path, runs: Path, job: MakeJob, reason: str) -> None:
    save = "pass" if reason == "nothing was saved" else SAVE
    program = PROGRAM.format(runs=str(runs), save=save, end=WAIT)
    made = job("a", program, resumes=reason != "no word of resuming")
    cut_short(made, tmp_path / "study", runs)
    (runs / "over").touch()
    if reason == "another command":
        made = dataclasses.replace(made, env={"EDITED": "1"})
    _, note = finish(made, tmp_path / "study")
    assert note == ""
    assert len([path for path in runs.iterdir() if path.is_dir()]) == 2


def test_what_failed_begins_again(tmp_path: Path, runs: Path, job: MakeJob) -> None:
    made = job("a", PROGRAM.format(runs=str(runs), save=SAVE, end="sys.exit(1)"), resumes=True)
    (failed,) = run_study([made], tmp_path / "study", num_workers=1, stream=io.StringIO())
    assert failed.status == "failed"
    (runs / "over").touch()
    assert finish(made, tmp_path / "study")[1] == ""


def test_what_was_too_slow_goes_on_when_it_is_tried_again(tmp_path: Path, runs: Path, job: MakeJob) -> None:
    made = job("a", PROGRAM.format(runs=str(runs), save=SAVE, end=WAIT), resumes=True)
    settings = {"num_workers": 1, "stream": io.StringIO(), "timeout_s": 2.0, "grace_s": 0.2}
    # On a slow machine some attempts end before they have saved, and the next begins again.
    (result,) = run_study([made], tmp_path / "study", retries=50, **settings)
    assert result.status == "done"
    assert result.attempts > 1
    assert result.run_path is not None
    assert (result.run_path / "checkpoints" / "last.pt").is_file()


def test_the_run_of_an_earlier_attempt_is_not_that_of_the_last(tmp_path: Path) -> None:
    log, begun = tmp_path / "a.log", f"toy → {tmp_path}\n"
    log.write_text(f"=== attempt 1: train\n{begun}", encoding="utf-8")
    assert begun_run(log) == tmp_path
    log.write_text(f"=== attempt 1: train\n{begun}=== attempt 2: train --other\n", encoding="utf-8")
    assert begun_run(log) is None
    log.write_text(
        f"=== attempt 1: train\n{begun}=== attempt 2: train --resume {tmp_path}\n", encoding="utf-8"
    )
    assert begun_run(log) == tmp_path
    assert begun_run(tmp_path / "none.log") is None
