"""What every model shares, and that reading a config loads no torch."""

import subprocess
import sys

import mlmodels
import pytest
import torch
from mlmodels import custom_transformer
from mlmodels.base_model import BaseModel
from torch import nn


class Line(BaseModel):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 1)
        self.num_calls = 0

    @property
    def dim(self) -> int:
        return self.layer.in_features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        self.num_calls += 1
        nn.init.constant_(self.layer.weight, 3.0)


class SteepLine(Line):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.steepness = 2.0


@pytest.mark.parametrize("kind", [Line, SteepLine])
def test_weights_are_initialised_once_after_all_constructors(kind: type[Line]) -> None:
    model = kind.from_config(4)
    assert model.num_calls == 1
    assert model.dim == 4
    assert model(torch.ones(1, 4)).item() == pytest.approx(12.0 + model.layer.bias.item())


def test_a_model_without_its_four_parts_cannot_be_made() -> None:
    class Nothing(BaseModel):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


@pytest.mark.parametrize(
    "statement",
    [
        "import mlmodels",
        "from mlmodels import CustomTransformerConfig",
        "from mlmodels.custom_transformer.config import CustomTransformerConfig; CustomTransformerConfig()",
        "from mlmodels.custom_transformer.size import count_parameters",
    ],
)
def test_names_that_need_no_torch_load_none(statement: str) -> None:
    code = f"{statement}\nimport sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("package", [mlmodels, custom_transformer])
def test_every_announced_name_can_be_imported_and_no_other(package) -> None:
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
        assert name in dir(package)
    with pytest.raises(AttributeError, match="no attribute 'Perceiver'"):
        _ = package.Perceiver
