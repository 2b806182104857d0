"""2,000 random and hostile configurations: one line a problem, never another exception, never a run folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlcore.config import Section, dump_config, load_config
from mlcore.errors import ConfigError
from mlcore.runs import create_run

KNOWN_KEYS = (
    *(
        "name",
        "seed",
        "batch_size",
        "model",
        "data",
        "training",
        "evaluation",
        "logging",
        "type",
        "dataset",
        "lr",
    ),
    *(
        "epochs",
        "num_epochs",
        "learning_rate",
        "optimizer",
        "betas",
        "schedule",
        "early_stopping",
        "patience",
        "compile",
    ),
    *(
        "hidden_sizes",
        "d_model",
        "n_heads",
        "weights",
        "log_interval",
        "warmup_steps",
        "step",
        "data_dir",
        "<<",
        "grad_clip",
    ),
)
KNOWN_VALUES = (
    "cosine",
    "step",
    "fc",
    "transformer",
    "adam",
    "mnist",
    "1e-3",
    ".nan",
    ".inf",
    "-.inf",
    "yes",
    "~",
    "0x1F",
    "1e999",
)
laughs = "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
HOSTILE = (
    "a: &a [x, x, x]\n" + laughs,
    "training: &t {schedule: *t}",
    "a: &a {b: *a}",
    "a: *nowhere",
    "data: &d {dataset: x}\ntraining: {<<: *d}",
    "!!python/object/apply:os.system ['touch hacked']",
    "name: !!python/name:os.system x",
    "data: {dataset: !!python/object/new:os.system ['touch hacked']}",
    "name: !!binary aGVsbG8=",
    "data: {dataset: x, dataset: y}",
    "[" * 5000,
    "{" * 5000,
    "- " * 5000,
    "".join("  " * depth + f"k{depth}:\n" for depth in range(100)),
    "? " * 200,
    "training: " + "[" * 30 + "1" + "]" * 30,
    "seed: " + "9" * 10_000,
    "seed: 0x" + "f" * 10_000,
    "training: {learning_rate: " + "9" * 400 + ".0}",
    "training: {learning_rate: 1e-400, epochs: 1e308}",
    'name: "\\ud800"',
    'name: "\\UFFFFFFFF"',
    'name: "\\0"',
    'name: "\\x07\\e[31m"',
    "name: ../../etc",
    "name: " + "n" * 100_000,
    "n" * 5000 + ": 1",
    "data: {dataset: x}\n" + "".join(f"key{number}: 1\n" for number in range(900)),
    "a: 1\n" * 40_000,
    "%YAML 1." + "9" * 5000 + "\n---\nseed: 1",
    "%TAG ! tag:evil,2000:\n---\n!x {a: 1}",
    "---\nseed: 1\n---\nseed: 2",
    "seed: 1\n...\nmore",
    "training:\n\tepochs: 3",
    "1: 2\n~: 3\n",
    "? [a, b]\n: 1",
    ": 1",
    "key without colon",
    "- a\n- b",
    "null",
    "name: 'never closed",
    "name: {never: closed",
    "data: {dataset: x}\nmodel: {type: []}",
    "data: {dataset: x}\nmodel: {type: {a: 1}, d_model: 3}",
    "data: []\ntraining: x\nmodel: 3\nevaluation: null\nlogging: true",
    "\ufeffseed: 1",
    b"\xff\xfes\x00e\x00e\x00d\x00",
    b"\xef\xbb\xbfdata: {dataset: x}",
    "# caf\u00e9\nname: caf\u00e9".encode("latin-1"),
    bytes(range(256)),
    b"\x7fELF\x02\x01\x01\x00",
    b"PK\x03\x04",
    b"",
    b"\x00",
)
OVERRIDES = (
    "a.b=1",
    "training.lr=[",
    "=",
    "..=",
    "seed={a: *b}",
    "name=!!python/object:os.system",
    "model={type: fc}",
    "data=\x00",
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(KNOWN_VALUES)
    | st.integers(10**18, 10**40)
)
keys = st.sampled_from(KNOWN_KEYS) | st.text(max_size=8)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)


def as_json(tree: Any) -> bytes:
    """JSON is YAML, and shares no code with the dumper under test."""
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """A good file with bytes cut out, put in or doubled."""
    data = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        piece = draw(
            st.sampled_from(
                (
                    b"",
                    b"\t",
                    b": ",
                    b"- ",
                    b"*x",
                    b"&x ",
                    b"!!x ",
                    b"\n",
                    b"{",
                    b"]",
                    b"'",
                    b"\x00",
                    b"\xe9",
                    b"yes",
                )
            )
        )
        data[place : place + draw(st.integers(0, 6))] = piece
    return bytes(data)


GOOD = b"""name: a
seed: 3
model: {type: transformer, d_model: 8}
data:
  dataset: mnist
  batch_size: 3
training:
  num_epochs: 3
  lr: 1e-3
  schedule: {type: cosine, min_factor: 0.1}
  early_stopping: {patience: 3}
logging: {log_interval: 3}
"""
known_sections = st.fixed_dictionaries(
    {},
    optional={
        "name": scalars,
        "seed": scalars,
        "data": st.fixed_dictionaries({"dataset": scalars}) | trees,
        "training": st.dictionaries(keys, scalars | trees, max_size=6),
        "model": st.dictionaries(keys, scalars | trees, max_size=4),
        "logging": trees,
    },
)
files = (
    st.sampled_from(HOSTILE).map(
        lambda text: text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    )
    | trees.map(as_json)
    | known_sections.map(as_json)
    | known_sections.map(as_json)
    | mutated_files()
    | st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
overrides = st.lists(
    st.sampled_from(OVERRIDES)
    | st.tuples(keys, st.text(max_size=10)).map(lambda pair: f"training.{pair[0]}={pair[1]}"),
    max_size=2,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def load_and_run(schema: type[Section], file: Path, runs_dir: Path, changes: list[str]) -> str:
    """What a command does with its configuration: load it, and only then make the run folder."""
    try:
        config = load_config(schema, file, overrides=changes)
    except ConfigError as error:
        assert not runs_dir.exists()
        assert_one_line_a_problem(str(error))
        return "refused"
    run = create_run(runs_dir, config.name, files={"config.yaml": dump_config(config)})  # type: ignore[attr-defined]
    assert run.path.parent == runs_dir
    assert load_config(schema, run.config_path) == config
    for path in sorted(run.path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run.path.rmdir()
    runs_dir.rmdir()
    return "ran"


def assert_one_line_a_problem(text: str) -> None:
    lines = text.split("\n")
    assert 1 <= len(lines) <= 21
    for line in lines:
        assert line.isprintable()
        assert line.startswith(("hostile.yaml", "command line: ", "and "))
        assert len(line) < 600
        assert "Traceback" not in line


@settings(
    max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
@given(data=files, changes=overrides)
def test_no_configuration_does_more_than_say_what_is_wrong(
    schema: type[Section], folder: Path, data: bytes, changes: list[str]
) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        Path("hostile.yaml").write_bytes(data)
        load_and_run(schema, Path("hostile.yaml"), folder / "runs", changes)
        assert sorted(os.listdir()) == ["hostile.yaml"]
    finally:
        os.chdir(here)


@pytest.mark.parametrize("index", range(len(HOSTILE)))
def test_each_hostile_file_is_refused_or_harmless(
    schema: type[Section], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    """The random test may draw some of them never; this one has them all, and most must be refused."""
    monkeypatch.chdir(tmp_path)
    text = HOSTILE[index]
    Path("hostile.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    outcome = load_and_run(schema, Path("hostile.yaml"), tmp_path / "runs", [])
    harmless = (b"\xef\xbb\xbfdata: {dataset: x}",)
    assert outcome == ("ran" if text in harmless else "refused")


def test_the_file_that_the_mutations_start_from_is_good(
    schema: type[Section], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hostile.yaml").write_bytes(GOOD)
    assert load_and_run(schema, Path("hostile.yaml"), tmp_path / "runs", []) == "ran"


@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling", "nul", "long", "device", "unreadable"])
def test_what_is_no_file_is_refused_at_once(
    schema: type[Section], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("hostile.yaml")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "unreadable":
        path.write_text("seed: 1")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    path = {
        "nul": Path("hostile.yaml\0"),
        "long": Path("hostile.yaml" * 1000),
        "device": Path("/dev/zero"),
    }.get(kind, path)
    with pytest.raises(ConfigError) as caught:
        load_config(schema, path)
    assert str(caught.value).isprintable()
    assert caught.value.exit_code == 2
