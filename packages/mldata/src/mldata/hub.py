"""The Hugging Face hub, the last place that is looked in. It never hangs: first one short question."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mldata.errors import DataError

_ANSWER_WITHIN_S = 5.0


class HubUnreachableError(DataError):
    """No network, no hub, or told to stay offline. The caller adds where else the data could lie."""


def require_hub() -> None:
    """Return if the hub answers within five seconds; raise `HubUnreachableError` otherwise."""
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        if os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}:
            raise HubUnreachableError(f"{variable} is set")
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    if not endpoint.startswith(("https://", "http://")):
        raise HubUnreachableError(f"HF_ENDPOINT {endpoint!r} is no web address")
    request = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310 - the scheme was checked above
    try:
        urllib.request.urlopen(request, timeout=_ANSWER_WITHIN_S).close()  # noqa: S310
    except urllib.error.HTTPError:
        return  # it answered: that is all we asked
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise HubUnreachableError(f"no network ({reason})") from None


def stream_rows(hub_id: str, config: str | None, split: str) -> Iterator[Mapping[str, Any]]:
    """Rows of a hub split, streamed through `datasets` in the hub's order.

    Raises:
        HubUnreachableError: the hub does not answer.
        DataError: it refuses (gated, removed), or the stream breaks.
    """
    require_hub()
    try:
        yield from _load_dataset(hub_id, config, split)
    except DataError:
        raise
    except Exception as error:  # `datasets` lets through what any of its many layers raises
        first_line = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"the hub's {hub_id} could not be read: {type(error).__name__}: {first_line}"
        ) from error


def _load_dataset(hub_id: str, config: str | None, split: str) -> Any:
    import datasets

    return datasets.load_dataset(hub_id, config, split=split, streaming=True)


def fetch_file(hub_id: str, filename: str, target: Path) -> None:
    """Put one file of a hub repository at `target`, whole or not at all."""
    require_hub()
    try:
        from huggingface_hub import hf_hub_download

        fetched = Path(hf_hub_download(hub_id, filename))
    except Exception as error:
        raise DataError(f"{hub_id}/{filename}: {type(error).__name__}: {error}") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    temporary.write_bytes(fetched.read_bytes())
    temporary.replace(target)
