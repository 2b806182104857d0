"""A study that was cut off runs the rest, and nothing else."""

import io
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore.logger import MetricsError
from mlcore.study import Job, StudyEvent, StudyResult, run_study

MakeJob = Callable[..., Job]
Journal = Callable[[], list[dict]]
Start = Callable[..., subprocess.Popen[str]]


def run(jobs: list[Job], folder: Path, **settings: object) -> StudyResult:
    chosen = {"num_workers": 1, "threads_per_worker": 1, "stream": io.StringIO(), **settings}
    return run_study(jobs, folder, **chosen)  # type: ignore[arg-type]


def started_keys(journal: Journal) -> list[str]:
    return [event["key"] for event in journal() if event["event"] == "started"]


def test_a_finished_study_runs_nothing_again(tmp_path: Path, job: MakeJob, journal: Journal) -> None:
    jobs = [job("a", f"print('run     {tmp_path}')"), job("b", "")]
    first = run(jobs, tmp_path / "study")
    before = (tmp_path / "study" / "study.jsonl").read_bytes()
    stream = io.StringIO()
    second = run(jobs, tmp_path / "study", stream=stream)
    assert (tmp_path / "study" / "study.jsonl").read_bytes() == before
    assert [one.reused for one in second] == [True, True]
    assert second["a"].outputs == first["a"].outputs == {"run": str(tmp_path)}
    assert second["a"].seconds == pytest.approx(first["a"].seconds, abs=1e-3)
    assert "done before" in stream.getvalue()


def test_failed_jobs_run_again_and_attempts_go_on_counting(
    tmp_path: Path, job: MakeJob, journal: Journal
) -> None:
    marker = tmp_path / "repaired"
    jobs = [job("a", ""), job("b", f"sys.exit(not Path({str(marker)!r}).exists())")]
    assert run(jobs, tmp_path / "study")["b"].status == "failed"
    marker.touch()
    second = run(jobs, tmp_path / "study")
    assert (second["b"].status, second["b"].attempts) == ("done", 2)
    assert started_keys(journal) == ["a", "b", "b"]


def test_a_changed_command_or_variable_runs_again_and_the_old_one_is_remembered(
    tmp_path: Path, job: MakeJob, journal: Journal
) -> None:
    first, changed = job("a", "print(1)"), job("a", "print(2)")
    run([first, job("b", "")], tmp_path / "study")
    events: list[StudyEvent] = []
    again = run([changed, job("b", "")], tmp_path / "study", on_event=events.append)
    assert [one.reused for one in again] == [False, True]
    assert next(event.note for event in events if event.kind == "started") == "its command has changed"
    assert run([changed], tmp_path / "study")["a"].reused
    assert run([first], tmp_path / "study")["a"].reused
    assert not run([Job("a", first.command, env={"X": "1"})], tmp_path / "study")["a"].reused


def test_a_job_whose_run_folder_is_gone_runs_again(tmp_path: Path, job: MakeJob) -> None:
    folder = tmp_path / "run"
    train = job("a", f"p = Path({str(folder)!r}); p.mkdir(); print('run     ' + str(p))")
    run([train], tmp_path / "study")
    folder.rmdir()
    events: list[StudyEvent] = []
    assert not run([train], tmp_path / "study", on_event=events.append)["a"].reused
    assert events[0].note == "its run folder is gone"
    assert folder.is_dir()


def test_a_journal_whose_last_line_is_cut_is_continued(
    tmp_path: Path, job: MakeJob, journal: Journal
) -> None:
    jobs = [job("a", ""), job("b", "")]
    run(jobs, tmp_path / "study")
    path = tmp_path / "study" / "study.jsonl"
    whole = path.read_bytes()
    last_line = whole[:-1].rindex(b"\n") + 1
    for cut in (last_line, last_line + 1, last_line + 20, len(whole) - 1):  # b's end was not wholly written
        path.write_bytes(whole[:cut])
        assert [one.reused for one in run(jobs, tmp_path / "study")] == [True, False]
        assert [event["event"] for event in journal()] == [
            "started",
            "finished",
            "started",
            "started",
            "finished",
        ]


def test_a_damaged_line_before_the_last_is_named_and_nothing_is_changed(tmp_path: Path, job: MakeJob) -> None:
    jobs = [job("a", "")]
    run(jobs, tmp_path / "study")
    path = tmp_path / "study" / "study.jsonl"
    path.write_bytes(b"oops\n" + path.read_bytes())
    before = path.read_bytes()
    with pytest.raises(MetricsError, match=r"study\.jsonl:1: not a JSON record"):
        run(jobs, tmp_path / "study")
    assert path.read_bytes() == before


def test_no_secret_of_the_environment_gets_into_the_journal_or_a_log(
    tmp_path: Path, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary-000111222333"
    monkeypatch.setenv("SOME_API_KEY", canary)
    made = job("a", "sys.exit('wrong key ' + sys.argv[1])")
    stream = io.StringIO()
    result = run([Job("a", (*made.command, canary))], tmp_path / "study", stream=stream)
    assert canary not in (tmp_path / "study" / "study.jsonl").read_text()
    assert canary not in result["a"].log_path.read_text().splitlines()[0]
    assert canary not in stream.getvalue()


def long_job(tmp_path: Path, job: MakeJob, key: str, *, on_sigint: str = "") -> Job:
    """Writes the process ids of itself and of a worker of its own, then sleeps until `KEY.go` is there."""
    code = f"""
import subprocess
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker inherits it
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
signal.signal(signal.SIGINT, signal.default_int_handler)
here = Path({str(tmp_path)!r})
{on_sigint}
(here / "{key}.worker.tmp").write_text(str(worker.pid))
(here / "{key}.worker.tmp").rename(here / "{key}.worker")
(here / "{key}.tmp").write_text(str(os.getpid()))
(here / "{key}.tmp").rename(here / "{key}.pid")
while not (here / "{key}.go").exists():
    time.sleep(0.01)
worker.kill()
"""
    return job(key, code)


def test_killing_the_runner_kills_its_jobs_and_a_second_call_runs_only_the_rest(
    tmp_path: Path,
    job: MakeJob,
    journal: Journal,
    start_study: Start,
    pid_in: Callable[[Path], int],
    ends: Callable[[int], None],
    alive: Callable[[int], bool],
) -> None:
    jobs = [
        job("quick", ""),
        long_job(tmp_path, job, "one"),
        long_job(tmp_path, job, "two"),
        job("later", ""),
    ]
    runner = start_study(jobs)
    pids = [pid_in(tmp_path / f"{key}.{kind}") for key in ("one", "two") for kind in ("worker", "pid")]
    assert all(alive(pid) for pid in pids)
    runner.kill()
    runner.wait()
    for pid in pids:
        ends(pid)
    assert [event["key"] for event in journal() if event["event"] == "finished"] == ["quick"]

    for key in ("one", "two"):
        (tmp_path / f"{key}.go").touch()
    second = run(jobs, tmp_path / "study", num_workers=2)
    assert [(one.key, one.status, one.reused, one.attempts) for one in second] == [
        ("quick", "done", True, 1),
        ("one", "done", False, 2),
        ("two", "done", False, 2),
        ("later", "done", False, 1),
    ]


def test_killing_a_guard_kills_its_job_too(
    tmp_path: Path, job: MakeJob, pid_in: Callable[[Path], int], ends: Callable[[int], None]
) -> None:
    import psutil

    pids: list[int] = []

    def kill_guard() -> bool:
        if not pids and (tmp_path / "one.pid").exists():
            pids.append(pid_in(tmp_path / "one.pid"))
            psutil.Process(pids[0]).parent().kill()
        return False

    code = f"Path({str(tmp_path / 'one.pid')!r}).write_text(str(os.getpid())); time.sleep(600)"
    result = run([job("one", code)], tmp_path / "study", should_stop=kill_guard)
    assert (result["one"].status, result["one"].rc) == ("failed", 137)
    ends(pids[0])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_passed_on_once_and_waits_for_what_is_being_saved(
    number: signal.Signals,
    code: int,
    tmp_path: Path,
    job: MakeJob,
    journal: Journal,
    start_study: Start,
    pid_in: Callable[[Path], int],
) -> None:
    saving = f"""
def save(number, frame):
    print("saving after", number)
    time.sleep(0.3)
    print("saved")
    sys.exit(128 + number)
signal.signal({int(number)}, save)
"""
    jobs = [
        long_job(tmp_path, job, "one", on_sigint=saving),
        long_job(tmp_path, job, "two", on_sigint=saving),
        job("never", ""),
    ]
    runner = start_study(jobs)
    for key in ("one", "two"):
        pid_in(tmp_path / f"{key}.pid")
    runner.send_signal(number)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == code, output
    assert "waiting for 2 running jobs to save; once more to leave at once" in output
    assert "study interrupted: 0 of 3 jobs done; the same command runs the rest" in output
    for key in ("one", "two"):
        log = (tmp_path / "study" / "logs" / f"{key}.log").read_text().splitlines()
        assert log[-2:] == [f"saving after {int(number)}", "saved"]
        assert log.count("saved") == 1
    ended = {
        event["key"]: (event["status"], event["rc"]) for event in journal() if event["event"] == "finished"
    }
    assert ended == {"one": ("interrupted", code), "two": ("interrupted", code)}
    assert "never" not in started_keys(journal)


def test_ctrl_c_in_a_terminal_reaches_a_training_once(
    tmp_path: Path, job: MakeJob, start_study: Start, pid_in: Callable[[Path], int]
) -> None:
    """A terminal signals the whole process group; a training that hears it twice leaves without saving."""
    import os

    counting = """
heard = []
signal.signal(signal.SIGINT, lambda *_: (heard.append(1), (here / "one.go").touch()))
import atexit
atexit.register(lambda: (time.sleep(0.3), print("heard", len(heard)), os._exit(130)))
"""
    runner = start_study([long_job(tmp_path, job, "one", on_sigint=counting)])
    pid_in(tmp_path / "one.pid")
    os.killpg(runner.pid, signal.SIGINT)
    runner.communicate(timeout=60)
    assert runner.returncode == 130
    assert (tmp_path / "study" / "logs" / "one.log").read_text().splitlines()[-1] == "heard 1"


def test_the_second_ctrl_c_leaves_at_once_and_takes_the_jobs_along(
    tmp_path: Path,
    job: MakeJob,
    start_study: Start,
    pid_in: Callable[[Path], int],
    ends: Callable[[int], None],
) -> None:
    deaf = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    runner = start_study([long_job(tmp_path, job, "one", on_sigint=deaf)])
    pid = pid_in(tmp_path / "one.pid")
    runner.send_signal(signal.SIGINT)
    assert runner.stdout is not None
    while "once more to leave at once" not in runner.stdout.readline():
        assert runner.poll() is None
    runner.send_signal(signal.SIGINT)
    runner.communicate(timeout=60)
    assert runner.returncode == 130
    ends(pid)


def test_the_journal_is_one_json_object_a_line_with_what_a_reader_needs(
    tmp_path: Path, job: MakeJob, journal: Journal
) -> None:
    made = job("a", "sys.exit(4)")
    run([made], tmp_path / "study")
    started, ended = journal()
    assert {name: started[name] for name in ("event", "key", "attempt", "fingerprint")} == {
        "event": "started",
        "key": "a",
        "attempt": 1,
        "fingerprint": made.fingerprint,
    }
    assert started["command"] == json.loads(json.dumps(made.command))
    assert {name: ended[name] for name in ("event", "key", "attempt", "status", "rc", "outputs")} == {
        "event": "finished",
        "key": "a",
        "attempt": 1,
        "status": "failed",
        "rc": 4,
        "outputs": {},
    }
    assert ended["seconds"] > 0
