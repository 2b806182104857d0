"""The table of data sets: where each lies, who owns it, how its documents or images are cut."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from mldata.errors import UnknownDatasetError, did_you_mean

Kind = Literal["text", "images", "labelled_text"]
Layout = Literal["separated", "whole", "articles", "class_files", "class_csv"]
EMBEDDED = "storybook"
EMBEDDED_IMAGES = "digits"
EMBEDDED_COLOUR_IMAGES = "shapes"
EMBEDDED_LABELLED = "storybook_plots"


def _frozen(**entries: str) -> Mapping[str, str]:
    return MappingProxyType(entries)


@dataclass(frozen=True)
class DatasetSpec:
    """One data set. `splits` are ours; `hub_splits` says which hub split each is read from.

    A split that is missing from `hub_splits` is held out of the hub's train split by content hash: a document
    belongs to validation if the first 64 bits of its SHA-256, as a fraction of 2^64, lie below `held_out`.
    """

    name: str
    description: str
    licence: str
    loader: Literal["files", "embedded"] = "files"
    kind: Kind = "text"
    splits: tuple[str, ...] = ("train", "validation")
    hub_id: str | None = None
    hub_config: str | None = None
    hub_splits: Mapping[str, str] = field(
        default_factory=lambda: _frozen(train="train", validation="validation")
    )
    # Alternatives: the first whose columns all exist is taken; its columns are joined by an empty line.
    columns: tuple[tuple[str, ...], ...] = (("text",),)
    held_out: float = 0.1
    # How a .txt or .raw file is cut into documents; jsonl and Parquet have one a row. Labelled texts: one file a class
    # in the classes' order, or a CSV of class (from 1) and texts.
    layout: Layout = "separated"
    # File stems beside the split's own name, under which official distributions ship it; of labelled texts the files.
    stems: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    # SHA-256 of files that exist in one version only.
    sha256: Mapping[str, str] = field(default_factory=lambda: _frozen())
    # Web folders that hold the files of `sha256`, in the order in which they are tried.
    mirrors: tuple[str, ...] = ()
    # Other names of the data set's folder, tried in this order after its own name.
    folders: tuple[str, ...] = ()
    # Names of the classes, in the labels' order; of the embedded labelled texts they are plots of the story book.
    classes: tuple[str, ...] = ()
    statistics: Mapping[str, str] = field(default_factory=lambda: _frozen())
    # Of the embedded story book: the plots that its stories have; None for all.
    plots: tuple[str, ...] | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether it ships inside the package."""
        return self.loader == "embedded"


_DIGITS = tuple("0123456789")
_SHAPES = (
    "disc", "ring", "square", "triangle", "pentagon", "star", "cross", "crescent", "half disc", "bar",
)  # fmt: skip
_CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def _image_set(**fields: Any) -> DatasetSpec:
    """An image set: three splits, of which train and validation are parts of the source's train split."""
    splits = ("train", "validation", "test")
    return DatasetSpec(kind="images", splits=splits, columns=(), hub_splits=_frozen(), **fields)


def _labelled_text(**fields: Any) -> DatasetSpec:
    """A set of texts with a class each. Without an official division its texts are divided by their content."""
    splits = ("train", "validation", "test")
    return DatasetSpec(kind="labelled_text", splits=splits, columns=(), hub_splits=_frozen(), **fields)


def _idx_files(train_images: str, train_labels: str, test_images: str, test_labels: str) -> Mapping[str, str]:
    """The SHA-256 of the four files in which MNIST and what was made after it are shipped."""
    return MappingProxyType(
        {
            "train-images-idx3-ubyte.gz": train_images,
            "train-labels-idx1-ubyte.gz": train_labels,
            "t10k-images-idx3-ubyte.gz": test_images,
            "t10k-labels-idx1-ubyte.gz": test_labels,
        }
    )


_SPECS = (
    DatasetSpec(
        name=EMBEDDED,
        description="short stories from our own generator; ships inside the package, needs no download",
        licence="MIT",
        loader="embedded",
    ),
    DatasetSpec(
        name="storybook_primer",
        description="the story book's three simplest plots, for models that have minutes; needs no download",
        licence="MIT",
        loader="embedded",
        plots=("animal_help", "sharing", "skill"),
    ),
    DatasetSpec(
        name="tinystories",
        description="short stories in the words of a four-year-old, written by GPT-3.5 and GPT-4",
        licence="CDLA-Sharing-1.0",
        hub_id="roneneldan/TinyStories",
        stems=MappingProxyType(
            {
                "train": ("TinyStoriesV2-GPT4-train", "TinyStories-train"),
                "validation": ("valid", "TinyStoriesV2-GPT4-valid", "TinyStories-valid"),
            }
        ),
        statistics=_frozen(train="about 2.1 million stories", validation="about 22,000 stories"),
    ),
    DatasetSpec(
        name="tiny-textbooks",
        description="textbook-like lessons, one column of synthetic text a row (column 'textbook')",
        licence="Apache-2.0",
        hub_id="nampdn-ai/tiny-textbooks",
        hub_splits=_frozen(train="train", validation="test"),
        columns=(("textbook",), ("text",)),
        stems=MappingProxyType({"validation": ("test",)}),
        statistics=_frozen(all="about 420,000 documents"),
    ),
    DatasetSpec(
        name="tiny-strange-textbooks",
        description="more diverse synthetic textbooks (column 'text'); its page wants a log-in",
        licence="Apache-2.0",
        hub_id="nampdn-ai/tiny-strange-textbooks",
        hub_splits=_frozen(train="train"),
        columns=(("text",), ("textbook",)),
        statistics=_frozen(all="about 2.7 million documents"),
    ),
    DatasetSpec(
        name="tiny-codes",
        description="instructions and code (columns 'prompt', 'response', joined); its page wants a log-in",
        licence="MIT",
        hub_id="nampdn-ai/tiny-codes",
        hub_splits=_frozen(train="train"),
        columns=(("prompt", "response"), ("text",)),
        statistics=_frozen(all="about 1.6 million pairs"),
    ),
    DatasetSpec(
        name="openwebtext",
        description="web pages that Reddit linked to",
        licence="CC0-1.0 (packaging); the pages belong to their authors",
        hub_id="Skylion007/openwebtext",
        hub_splits=_frozen(train="train"),
        statistics=_frozen(all="8,013,769 documents"),
    ),
    DatasetSpec(
        name="wikitext2",
        description="good and featured Wikipedia articles, raw",
        licence="CC-BY-SA-3.0",
        splits=("train", "validation", "test"),
        hub_id="Salesforce/wikitext",
        hub_config="wikitext-2-raw-v1",
        hub_splits=_frozen(train="train", validation="validation", test="test"),
        layout="articles",
        stems=MappingProxyType(
            {"train": ("wiki.train",), "validation": ("wiki.valid",), "test": ("wiki.test",)}
        ),
        statistics=_frozen(validation="217,646 words incl. <eos>", test="245,569 words incl. <eos>"),
    ),
    DatasetSpec(
        name="tinyshakespeare",
        description="40,000 lines of Shakespeare, as in char-rnn; the first 90 % of the characters train",
        licence="public domain",
        layout="whole",
        sha256=_frozen(**{"input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"}),
        statistics=_frozen(train="1,003,854 characters", validation="111,540 characters", all="65 different"),
    ),
    DatasetSpec(
        name="classic_books",
        description="whole books in the public domain, to 1928; no author in two splits",
        licence="public domain",
        statistics=_frozen(train="205 books, 100.1 MB", validation="20 books, 6.4 MB"),
    ),
    _labelled_text(
        name=EMBEDDED_LABELLED,
        description="which of six plots a story of our generator has; easy; needs no download",
        licence="MIT",
        loader="embedded",
        classes=("animal_help", "lost_way", "quarrel", "sharing", "skill", "storm"),
        statistics=_frozen(train="3,000 stories", validation="480 stories", test="960 stories"),
    ),
    _labelled_text(
        name="rt_polarity",
        description="sentences of film reviews, negative or positive (Pang and Lee, 2005)",
        licence="free for research",
        layout="class_files",
        stems=MappingProxyType({"train": ("rt-polarity.neg", "rt-polarity.pos")}),
        classes=("negative", "positive"),
        statistics=_frozen(all="10,662 sentences, divided by content 8 : 1 : 1"),
    ),
    _labelled_text(
        name="ag_news",
        description="news by topic (Zhang, Zhao and LeCun, 2015): class, title, description",
        licence="free for non-commercial use",
        layout="class_csv",
        stems=MappingProxyType({"train": ("train.csv",), "test": ("test.csv",)}),
        classes=("World", "Sports", "Business", "Sci/Tech"),
        statistics=_frozen(train="120,000 with validation", test="7,600"),
    ),
    _image_set(
        name=EMBEDDED_IMAGES,
        description="handwritten digits of scikit-learn in MNIST's form, 28 x 28; needs no download",
        licence="CC-BY-4.0",
        loader="embedded",
        classes=_DIGITS,
        statistics=_frozen(train="1,437 images with validation", test="360 images"),
    ),
    _image_set(
        name=EMBEDDED_COLOUR_IMAGES,
        description="ten drawn shapes in clutter and noise, 32 x 32 in colour; needs no download",
        licence="MIT",
        loader="embedded",
        classes=_SHAPES,
        statistics=_frozen(train="4,000 images with validation", test="1,000 images"),
    ),
    _image_set(
        name="cifar10",
        description="photographs of ten kinds of things, 32 x 32 (Krizhevsky, 2009); its page's batches, or Parquet",
        licence="none stated by its authors",
        folders=("cifar-10-batches-bin", "cifar-10-batches-py", "cifar10_jpeg"),
        classes=_CIFAR10,
        statistics=_frozen(train="50,000 images with validation", test="10,000 images"),
    ),
    _image_set(
        name="mnist",
        folders=("MNIST",),
        description="handwritten digits, 28 x 28 (LeCun, Cortes and Burges, 1998)",
        licence="CC-BY-SA-3.0",
        sha256=_idx_files(
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        classes=_DIGITS,
        statistics=_frozen(train="60,000 images with validation", test="10,000 images"),
    ),
    _image_set(
        name="fashion_mnist",
        folders=("FashionMNIST",),
        description="pictures of clothes in MNIST's form, 28 x 28 (Xiao, Rasul and Vollgraf, 2017)",
        licence="MIT",
        sha256=_idx_files(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        statistics=_frozen(train="60,000 images with validation", test="10,000 images"),
    ),
)
_BY_NAME = MappingProxyType({spec.name: spec for spec in _SPECS})


def names(kind: Kind | None = None) -> list[str]:
    """The data sets' names, all or those of one kind, in alphabetical order."""
    return sorted(name for name, entry in _BY_NAME.items() if kind in (None, entry.kind))


def spec(name: str, *, kind: Kind | None = None) -> DatasetSpec:
    """The data set's entry; raises `UnknownDatasetError` with the nearest name, or if it is of another kind."""
    if name not in _BY_NAME:
        shown = name if len(name) <= 100 else f"{name[:100]}…"
        raise UnknownDatasetError(f"no data set {shown!r}{did_you_mean(name, names(kind))}")
    entry = _BY_NAME[name]
    if kind not in (None, entry.kind):
        raise UnknownDatasetError(
            f"data set {name!r} holds {entry.kind}, not {kind}; of {kind} there are: {', '.join(names(kind))}"
        )
    return entry
