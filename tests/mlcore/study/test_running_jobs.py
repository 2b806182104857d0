"""Jobs run as real processes: in order, side by side, apart from one another."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore.cores import num_usable_cores
from mlcore.errors import InterruptedRun, RunLockedError
from mlcore.run_lock import lock_run
from mlcore.study import Job, StudyError, StudyEvent, StudyResult, run_study

MakeJob = Callable[..., Job]
Journal = Callable[[], list[dict]]


def run(jobs: list[Job], folder: Path, **settings: object) -> StudyResult:
    chosen = {"num_workers": 1, "threads_per_worker": 1, "stream": io.StringIO(), **settings}
    return run_study(jobs, folder, **chosen)  # type: ignore[arg-type]


def test_jobs_start_in_the_order_given_and_results_come_in_it(
    tmp_path: Path, job: MakeJob, journal: Journal
) -> None:
    jobs = [job(key, f"print('I am {key}')") for key in ("c", "a", "b")]
    result = run(jobs, tmp_path / "study")
    assert [event["key"] for event in journal() if event["event"] == "started"] == ["c", "a", "b"]
    assert [(one.key, one.status, one.rc, one.attempts) for one in result] == [
        ("c", "done", 0, 1),
        ("a", "done", 0, 1),
        ("b", "done", 0, 1),
    ]
    assert result["a"].log_path.read_text().splitlines()[1:] == ["I am a"]
    assert result["a"].last_lines == ("I am a",)
    assert result.exit_code == 0


def test_two_workers_run_two_jobs_at_once_and_never_three(tmp_path: Path, job: MakeJob) -> None:
    """Each child notes its begin, waits until it has seen another one under way, and notes its end."""
    code = """
me, here = sys.argv[1], Path(sys.argv[2])
(here / (me + ".running")).touch()
met = 1
deadline = time.monotonic() + 60
while met < 2 and time.monotonic() < deadline:
    met = max(met, len(list(here.glob("*.running"))))
    time.sleep(0.005)
time.sleep(0.05)
met = max(met, len(list(here.glob("*.running"))))
(here / (me + ".running")).unlink()
print("met", met)
"""
    jobs = []
    for key in ("a", "b", "c", "d"):
        made = job(key, code)
        jobs.append(Job(key, (*made.command, key, str(tmp_path))))
    result = run(jobs, tmp_path / "study", num_workers=2)
    assert [one.last_lines for one in result] == [("met 2",)] * 4


def test_one_worker_runs_one_job_at_a_time(tmp_path: Path, job: MakeJob) -> None:
    code = f"p = Path({str(tmp_path / 'busy')!r}); p.touch(exist_ok=False); time.sleep(0.05); p.unlink()"
    result = run([job(str(number), code) for number in range(3)], tmp_path / "study")
    assert not result.failed


def test_a_job_that_fails_stops_no_other_and_the_table_shows_its_last_lines(
    tmp_path: Path, job: MakeJob
) -> None:
    failing = job("bad", "[print('line', i) for i in range(9)]; sys.exit('no such digit')")
    result = run([job("first", ""), failing, job("last", "")], tmp_path / "study")
    assert [one.status for one in result] == ["done", "failed", "done"]
    assert [one.key for one in result.failed] == ["bad"]
    assert result["bad"].rc == 1
    assert result.exit_code == 1
    table = result.table()
    assert "2 of 3 jobs done" in table
    assert table.splitlines()[-6:] == [
        f"bad: FAILED, exit code 1; {result['bad'].log_path}",
        "  | line 5",
        "  | line 6",
        "  | line 7",
        "  | line 8",
        "  | no such digit",
    ]


def test_a_program_that_is_not_there_is_a_failed_job_with_a_reason(tmp_path: Path) -> None:
    result = run([Job("typo", ("pyhton-of-nowhere", "train.py"))], tmp_path / "study")
    assert (result["typo"].status, result["typo"].rc) == ("failed", 127)
    assert "pyhton-of-nowhere: cannot be started: No such file" in result["typo"].last_lines[-1]


def test_a_job_that_a_signal_ends_has_the_code_that_a_shell_shows(tmp_path: Path, job: MakeJob) -> None:
    result = run([job("killed", "os.kill(os.getpid(), signal.SIGKILL)")], tmp_path / "study")
    assert (result["killed"].status, result["killed"].rc) == ("failed", 137)


def test_what_a_job_leaves_running_ends_with_it(
    tmp_path: Path, job: MakeJob, ends: Callable[[int], None]
) -> None:
    code = "import subprocess; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    result = run([job("parent", code)], tmp_path / "study")
    ends(int(result["parent"].last_lines[-1]))


def test_retries_come_after_all_others_and_stop_when_it_works(
    tmp_path: Path, job: MakeJob, journal: Journal
) -> None:
    marker = str(tmp_path / "tried")
    jobs = [
        job("flaky", f"p = Path({marker!r}); known = p.exists(); p.touch(); sys.exit(not known)"),
        job("never", "print('sorry'); sys.exit(3)"),
        job("good", ""),
    ]
    events: list[StudyEvent] = []
    result = run(jobs, tmp_path / "study", retries=2, on_event=events.append)
    started = [event["key"] for event in journal() if event["event"] == "started"]
    assert started == ["flaky", "never", "good", "flaky", "never", "never"]
    assert [(one.status, one.rc, one.attempts) for one in result] == [
        ("done", 0, 2),
        ("failed", 3, 3),
        ("done", 0, 1),
    ]
    assert [event.key for event in events if event.kind == "retrying"] == ["flaky", "never", "never"]
    assert result["never"].log_path.read_text().count("=== attempt") == 3
    assert result["never"].last_lines == ("sorry",), "only the last attempt's output"


def test_a_job_gets_the_threads_of_its_worker_and_its_own_variables(tmp_path: Path, job: MakeJob) -> None:
    code = "print(*(os.environ[n] for n in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'MINE')))"
    jobs = [
        job("plain", code, env={"MINE": "1"}),
        job("own", code, env={"MINE": "2", "OMP_NUM_THREADS": "7"}),
    ]
    result = run(jobs, tmp_path / "study", threads_per_worker=3)
    assert result["plain"].last_lines == ("3 3 1",)
    assert result["own"].last_lines == ("7 3 2",)


def test_a_job_reads_nothing_from_the_callers_input(tmp_path: Path, job: MakeJob) -> None:
    assert run([job("reader", "print(repr(sys.stdin.read()))")], tmp_path / "study")["reader"].last_lines == (
        "''",
    )


def test_results_named_in_the_last_lines_are_found(tmp_path: Path, job: MakeJob) -> None:
    run_folder = tmp_path / "runs" / "a_20261121-004500"
    run_folder.mkdir(parents=True)
    (run_folder / "report.html").touch()
    lines = [
        "run     elsewhere",
        "accuracy  0.98",
        f"run     {run_folder}",
        f"report  {run_folder}/report.html",
    ]
    result = run([job("train", f"print({chr(10).join(lines)!r})")], tmp_path / "study")
    assert result["train"].outputs == {"run": str(run_folder), "report": str(run_folder / "report.html")}
    assert result["train"].run_path == run_folder


def test_a_relative_result_is_seen_from_the_folder_in_which_the_job_ran(
    tmp_path: Path, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run([job("train", "Path('runs/x').mkdir(parents=True); print('run     runs/x')")], Path("study"))
    assert result["train"].run_path == tmp_path / "runs" / "x"


def test_time_that_is_up_ends_a_job_and_the_next_one_runs(
    tmp_path: Path, job: MakeJob, journal: Journal
) -> None:
    code = "signal.signal(signal.SIGTERM, lambda *_: sys.exit('saved')); print('ready'); time.sleep(600)"
    result = run([job("slow", code), job("fast", "")], tmp_path / "study", timeout_s=3)
    assert (result["slow"].status, result["slow"].last_lines) == ("timed_out", ("ready", "saved"))
    assert result["fast"].status == "done"
    (ended,) = [event for event in journal() if event["event"] == "finished" and event["key"] == "slow"]
    assert ended["status"] == "timed_out"


def test_a_job_that_is_deaf_to_sigterm_is_killed_after_its_grace(
    tmp_path: Path, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.study.child.TERMINATION_GRACE_S", 0.2)
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    result = run([job("deaf", code)], tmp_path / "study", timeout_s=3, grace_s=0.2)
    assert (result["deaf"].status, result["deaf"].rc) == ("timed_out", 137)
    assert result["deaf"].last_lines == ("deaf",)


def test_a_job_that_is_deaf_to_sigint_gets_sigterm_after_its_grace(tmp_path: Path, job: MakeJob) -> None:
    ready = tmp_path / "ready"
    code = f"""
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: sys.exit("saved at last"))
Path({str(ready)!r}).touch()
time.sleep(600)
"""
    with pytest.raises(InterruptedRun):
        run([job("deaf", code)], tmp_path / "study", grace_s=0.2, should_stop=ready.exists)
    assert (tmp_path / "study" / "logs" / "deaf.log").read_text().endswith("saved at last\n")


def test_should_stop_ends_the_study_and_keeps_what_is_done(tmp_path: Path, job: MakeJob) -> None:
    done: list[str] = []
    jobs = [job(key, "") for key in ("a", "b", "c")]

    def note(event: StudyEvent) -> None:
        done.extend([event.key] if event.kind == "finished" else [])

    with pytest.raises(InterruptedRun, match="1 of 3 jobs done") as caught:
        run(jobs, tmp_path / "study", on_event=note, should_stop=lambda: bool(done))
    assert caught.value.exit_code == 130
    assert done == ["a"]
    assert [one.reused for one in run(jobs, tmp_path / "study")] == [True, False, False]


def test_an_error_of_the_caller_leaves_no_job_running(
    tmp_path: Path, job: MakeJob, ends: Callable[[int], None], until: Callable
) -> None:
    marker = tmp_path / "pid"
    jobs = [
        job("long", f"Path({str(marker)!r}).write_text(str(os.getpid())); time.sleep(600)"),
        job("next", ""),
    ]

    def fail(event: StudyEvent) -> None:
        if event.key == "next":
            until(lambda: marker.exists() and marker.read_text(), "the first job")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(jobs, tmp_path / "study", num_workers=2, on_event=fail)
    ends(int(marker.read_text()))


def test_two_studies_in_one_folder_are_refused(tmp_path: Path, job: MakeJob) -> None:
    with lock_run(tmp_path), pytest.raises(RunLockedError, match=f"process {os.getpid()}"):
        run([job("a", "")], tmp_path)


GOOD = (sys.executable, "-c", "")


@pytest.mark.parametrize(
    ("jobs", "settings", "expected"),
    [
        ([], {}, "at least one job"),
        ([Job("a", GOOD), Job("b", GOOD), Job("a", GOOD)], {}, "two jobs have the key 'a'"),
        ([Job("A", GOOD), Job("a", GOOD)], {}, "one file name on Windows"),
        ([Job("a/b", GOOD)], {}, "job key 'a/b' cannot name a folder; .* for example 'a-b'"),
        ([Job("..", GOOD)], {}, "cannot name a folder"),
        ([Job("", GOOD)], {}, "cannot name a folder"),
        ([Job("a", ())], {}, "job 'a': its command must be a program"),
        ([Job("a", "train")], {}, "job 'a': its command must be a program"),  # type: ignore[arg-type]
        ([Job("a", ("train", "\0"))], {}, "NUL"),
        ([Job("a", GOOD, weight=0)], {}, "weight must be above 0, got 0"),
        ([Job("a", GOOD, weight=float("nan"))], {}, "weight must be above 0, got nan"),
        ([Job("a", GOOD, env={"SEED": 3})], {}, r"must be text by name, got \['SEED'\]"),  # type: ignore[dict-item]
        ([Job("a", GOOD)], {"num_workers": 0}, "num_workers must be at least 1, got 0"),
        ([Job("a", GOOD)], {"threads_per_worker": 0}, "threads_per_worker must be at least 1"),
        ([Job("a", GOOD)], {"retries": -1}, "retries must be at least 0"),
        ([Job("a", GOOD)], {"timeout_s": 0}, "timeout_s must be above 0"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused_in_one_line_and_makes_no_folder(
    jobs: list[Job], settings: dict, expected: str, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=expected) as caught:
        run(jobs, tmp_path / "study", **settings)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "study").exists()


def test_without_numbers_every_core_has_a_job_and_one_thread(tmp_path: Path) -> None:
    words = "import os; print(os.environ['OMP_NUM_THREADS'])"
    jobs = [Job(f"job_{i}", (sys.executable, "-c", words)) for i in range(2 * num_usable_cores())]
    result = run_study(jobs, tmp_path / "study")
    assert result.exit_code == 0
    assert {one.log_path.read_text().split()[-1] for one in result} == {"1"}


@pytest.mark.parametrize(
    ("setting", "threads"), [(None, num_usable_cores()), ("1", 1), ("4096", num_usable_cores())]
)
def test_a_lone_job_has_all_cores_or_as_few_as_the_user_says(
    setting: str | None, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if setting is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
    words = "import os; print(os.environ['OMP_NUM_THREADS'])"
    result = run_study([Job("one", (sys.executable, "-c", words))], tmp_path / "study")
    (one,) = result
    assert one.log_path.read_text().split()[-1] == str(threads)
