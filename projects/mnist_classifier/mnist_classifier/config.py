"""What a YAML of this project may hold. The key names are those of the original document."""

from typing import Annotated

from mlcore.config.run_name import RunName
from mlcore.image_classification.config import ImageExperimentConfig
from mldata.images.config import ImageDataConfig
from mlmodels.image_classifiers.config import CnnConfig, FcConfig, FcScratchConfig
from mlmodels.image_classifiers.photograph_configs import SimpleCnnConfig
from mlmodels.image_classifiers.vit_config import VitConfig
from pydantic import Field

ModelConfig = Annotated[
    FcConfig | FcScratchConfig | CnnConfig | SimpleCnnConfig | VitConfig, Field(discriminator="type")
]


class ExperimentConfig(ImageExperimentConfig):
    """One experiment: images, model, training."""

    name: RunName = Field("mnist_classifier", description="first part of the run folder's name")
    data: ImageDataConfig = ImageDataConfig()
    model: ModelConfig = FcConfig()
