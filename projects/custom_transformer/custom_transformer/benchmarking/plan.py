"""What the command measures: which variants there are, and one benchmark for every vocabulary, dtype and batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from mlcore.benchmarking import BenchmarkResult, BenchmarkSettings, ModelBenchmark, Variant
from mlcore.benchmarking.choosing import chosen_names
from mlcore.errors import ConfigError

from custom_transformer.benchmarking.hugging_face import LIBRARY
from custom_transformer.config import ExperimentConfig

Kind = Literal["ours", "eager", "compiled"]
TUNED = "_tuned"
LARGE_VOCABULARY = 16_384
# The values with which nanoGPT's step took 435 ms instead of 587: freed blocks stay in the process.
TUNED_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)}
# Each run compiles for itself, or the first step would be a matter of who came before.
FRESH_COMPILER = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
QUIET_LIBRARY = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
# An optimizer's first step imports the compiler's front end (150 MiB), GPT-2's import does it before: neither is a
# model's memory. What compiling itself takes is left with those that compile.
LOADED_BY_ALL = ("torch", "torch._dynamo")
GPT2_MODULE = "transformers.models.gpt2.modeling_gpt2"
WORKLOADS = "custom_transformer.benchmarking.workloads"
GENERATION = "custom_transformer.benchmarking.generation"


@dataclass(frozen=True)
class Entry:
    """One variant, whatever it is measured on.

    Attributes:
        function: the target.
        kind: whose it is, and so with whom it is compared.
        arguments: of its own, beside those of the case.
        model: keys of the model's config that it sets.
        only_dtype: it exists in this dtype alone.
        autocasts: in bfloat16 it runs under autocast.
    """

    name: str
    function: str
    kind: Kind
    arguments: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    only_dtype: str | None = None
    autocasts: bool = False

    @property
    def needs_library(self) -> bool:
        """Whether it is Hugging Face's."""
        return self.name.startswith("gpt2")


def _peers(name: str, **options: Any) -> tuple[Entry, Entry]:
    """A peer of autograd, eager and compiled."""
    function = f"{WORKLOADS}:{name.partition('_')[0]}"
    own = options.pop("arguments", {})
    return (
        Entry(f"{name}_eager", function, "eager", {"is_compiled": False, **own}, **options),
        Entry(f"{name}_compiled", function, "compiled", {"is_compiled": True, **own}, **options),
    )


TRAINING = (
    Entry("reference", f"{WORKLOADS}:ours", "ours", model={"kernels": "reference"}),
    Entry("fast", f"{WORKLOADS}:ours", "ours", model={"kernels": "fast"}),
    *_peers("twin"),
    *_peers("twin_autocast", arguments={"is_autocast": True}, only_dtype="bfloat16"),
    *_peers("gpt2", autocasts=True),
)
GENERATING = (
    Entry("ours", f"{GENERATION}:ours", "ours", {"use_cache": True}),
    Entry("ours_no_cache", f"{GENERATION}:ours", "ours", {"use_cache": False}),
    Entry("twin_no_cache", f"{GENERATION}:twin", "eager"),
    Entry("gpt2", f"{GENERATION}:gpt2", "eager"),
)


@dataclass(frozen=True)
class Case:
    """One benchmark, and who is who in it.

    Attributes:
        key: names it in JSON and in the folder of logs.
        kinds: of the variants, by name; those with a tuned allocator are not in it.
        compares_all: with every peer, not only with the fastest of each kind.
    """

    key: str
    benchmark: ModelBenchmark
    kinds: Mapping[str, Kind]
    compares_all: bool = False

    def named(self, kind: Kind) -> list[str]:
        """The variants of a kind."""
        return [name for name, own in self.kinds.items() if own == kind]

    @property
    def tuned(self) -> list[str]:
        """The variants with a tuned allocator."""
        return [one.name for one in self.benchmark.variants if one.name.endswith(TUNED)]

    def compared(self, result: BenchmarkResult) -> BenchmarkResult:
        """With its peers: of training with the fastest eager, compiled and tuned one."""
        if self.compares_all:
            return result.against(*(name for name in self.named("eager") if result[name].turns))
        best = [result.fastest(names) for names in (self.named("eager"), self.named("compiled"), self.tuned)]
        return result.against(*best)


def choose_entries(names: str | None, *, generates: bool) -> tuple[list[Entry], list[str]]:
    """The variants asked for, all without a list, and what must be said about those left out.

    Raises:
        ConfigError: an unknown name.
    """
    known = {entry.name: entry for entry in (GENERATING if generates else TRAINING)}
    wanted = chosen_names(names, list(known), suffix=TUNED)
    notes = []
    if find_spec(LIBRARY) is None and any(name.startswith("gpt2") for name in wanted):
        wanted = [name for name in wanted if not name.startswith("gpt2")]
        notes = [f"{LIBRARY} is not installed: without Hugging Face's GPT-2"]
    if not wanted:
        raise ConfigError("command line: --variants: nothing is left to measure")
    return [_entry(name, known) for name in wanted], notes


def _entry(name: str, known: Mapping[str, Entry]) -> Entry:
    base = known[name.removesuffix(TUNED)]
    return Entry(**{**vars(base), "name": name})


def with_tuned_peers(entries: Sequence[Entry]) -> list[Entry]:
    """The same, and every peer once more with the tuned allocator."""
    names = {entry.name for entry in entries}
    peers = [entry for entry in entries if entry.kind != "ours" and not entry.name.endswith(TUNED)]
    tuned = [Entry(**{**vars(entry), "name": entry.name + TUNED}) for entry in peers]
    return [*entries, *(entry for entry in tuned if entry.name not in names)]


@dataclass(frozen=True)
class Request:
    """What was asked for, once everything is known."""

    config: ExperimentConfig
    entries: Sequence[Entry]
    settings: BenchmarkSettings
    device: str
    dtypes: Sequence[str]
    vocab_sizes: Sequence[int]
    context: int
    seed: int
    batch_size: int | None = None


def training_cases(request: Request) -> list[Case]:
    """One case for every vocabulary and dtype."""
    cases = []
    for vocab_size in request.vocab_sizes:
        batch_size = request.batch_size or (16 if vocab_size <= LARGE_VOCABULARY else 8)
        for dtype in request.dtypes:
            training = request.config.training.model_dump(mode="json", exclude_unset=True)
            shared = {"training": training, "batch_size": batch_size, "context": request.context}
            where = f"vocabulary {vocab_size:,}, {dtype}, {batch_size} × {request.context} tokens"
            title, key = f"training: {where}, {request.device}", f"v{vocab_size}_{dtype}"
            cases.append(Case(key, *_benchmark(request, title, vocab_size, dtype, shared)))
    return cases


def generation_cases(
    request: Request, prompts: Sequence[int], prompt_length: int, num_new: int
) -> list[Case]:
    """One case for every vocabulary, dtype and number of prompts.

    Raises:
        ConfigError: prompt and continuation do not fit the context.
    """
    if prompt_length + num_new > request.context:
        raise ConfigError(
            f"command line: {prompt_length} tokens of a prompt and {num_new} new ones are more than the context of "
            f"{request.context}: make --prompt-length or --new-tokens smaller, or --context larger"
        )
    cases = []
    for vocab_size in request.vocab_sizes:
        for dtype in request.dtypes:
            for count in prompts:
                shared = {"batch_size": count, "prompt_length": prompt_length, "num_new": num_new}
                where = f"vocabulary {vocab_size:,}, {dtype}, {count} × ({prompt_length} + {num_new}) tokens"
                title, key = f"generation: {where}, {request.device}", f"v{vocab_size}_{dtype}_p{count}"
                made = _benchmark(request, title, vocab_size, dtype, shared)
                cases.append(Case(key, *made, compares_all=True))
    return cases


def _benchmark(
    request: Request, title: str, vocab_size: int, dtype: str, shared: Mapping[str, Any]
) -> tuple[ModelBenchmark, dict[str, Kind]]:
    """The benchmark of one case, and the kinds of its variants."""
    entries = [entry for entry in request.entries if entry.only_dtype in (None, dtype)]
    if not entries:
        raise ConfigError(f"command line: --variants: none of them exists in {dtype}")
    model = model_keys(request.config, vocab_size, dtype, request.context)
    common = {**shared, "device": request.device, "seed": request.seed}
    variants = [_variant(entry, model, common) for entry in entries]
    kinds = {entry.name: entry.kind for entry in entries if not entry.name.endswith(TUNED)}
    return ModelBenchmark(variants, request.settings, title=title, unit="tokens"), kinds


def model_keys(config: ExperimentConfig, vocab_size: int, dtype: str, context: int) -> dict[str, Any]:
    """The model's config, changed so that all architectures agree: a tied head without bias, no dropout."""
    agreed = {"tie_weights": True, "head_bias": False, "elementwise_affine": True, "dropout": 0.0}
    longest = max(context, config.model.max_seq_len)
    return {
        **config.model.model_dump(mode="json", exclude_unset=True),
        **agreed,
        "vocab_size": vocab_size,
        "dtype": dtype,
        "max_seq_len": longest,
    }


def _variant(entry: Entry, model: Mapping[str, Any], common: Mapping[str, Any]) -> Variant:
    arguments = {**common, **entry.arguments, "model": {**model, **entry.model}}
    if entry.autocasts and model["dtype"] == "bfloat16":
        arguments["is_autocast"] = True
    environment = {
        **(FRESH_COMPILER if entry.kind == "compiled" else {}),
        **(QUIET_LIBRARY if entry.needs_library else {}),
        **(TUNED_ALLOCATOR if entry.name.endswith(TUNED) else {}),
    }
    imports = (*LOADED_BY_ALL, *([GPT2_MODULE] if entry.needs_library else []))
    return Variant(entry.name, entry.function, arguments, imports=imports, environment=environment)
