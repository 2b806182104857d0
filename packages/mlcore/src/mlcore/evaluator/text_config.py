"""The evaluation section of every project whose models write text. Imports neither torch nor anthropic."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from mlcore.config.section import Section
from mlcore.evaluator.coherence_config import CoherenceConfig


class TextEvaluationConfig(Section):
    """What is measured and written after, and what is sampled during, the training."""

    generation_prompts: tuple[str, ...] = Field(
        ("Once upon a time",), min_length=1, description="beginnings that the model continues"
    )
    max_generation_length: PositiveInt = Field(200, description="new tokens of a sample")
    num_samples: PositiveInt = Field(
        3, description="samples that `evaluate --generate` writes for every prompt"
    )
    temperature: float = Field(0.8, ge=0, le=10, description="0 takes the likeliest token")
    top_k: PositiveInt | None = Field(50, description="sample among the k likeliest tokens; all when null")
    top_p: float | None = Field(
        None, gt=0, le=1, description="sample among the likeliest tokens of this total probability"
    )
    repetition_penalty: float = Field(
        1.0, ge=1, le=10, description="divides the odds of tokens that were used"
    )
    max_batches: PositiveInt | None = Field(None, description="validation batches; all when null")
    evaluate_coherence: bool = Field(
        False, description="let Claude score the samples (needs ANTHROPIC_API_KEY)"
    )
    coherence: CoherenceConfig = CoherenceConfig()
