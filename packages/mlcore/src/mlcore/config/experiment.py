"""What the root section of every experiment has."""

from pydantic import Field

from mlcore.config.run_name import RunName
from mlcore.config.section import Section


class ExperimentSection(Section):
    """One experiment; a kind of experiment adds its sections, a project its data and models."""

    name: RunName = Field("experiment", description="first part of the run folder's name")
    seed: int = Field(42, ge=0, lt=2**32)
    deterministic: bool = Field(False, description="refuse operations that are not reproducible")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
