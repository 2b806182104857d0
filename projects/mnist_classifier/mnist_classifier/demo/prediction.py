"""From the pixels of a drawing to the answer that the page shows."""

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mnist_classifier.demo.preprocessing import to_network_image


class PredictionError(Exception):
    """The classifier's answer cannot be shown."""


class Predictor:
    """Asks a classifier about drawings, one at a time.

    Args:
        predict: probabilities for an image, float32 (1, 1, 28, 28) from 0 to 1.
        classes: names, in the order of the probabilities.
    """

    def __init__(self, predict: Callable[[Tensor], Sequence[float]], classes: tuple[str, ...]) -> None:
        self.classes = classes
        self._predict = predict
        self._lock = threading.Lock()

    def answer(self, pixels: bytes, width: int, height: int) -> dict[str, Any]:
        """The answer for a drawing.

        Args:
            pixels: width · height bytes, row by row; 0 is paper, 255 ink.

        Returns:
            ``image``, 784 numbers from 0 to 255, the picture that the network saw; ``probabilities``; ``prediction``,
            the index of the largest. The last two are None for an empty drawing.

        Raises:
            PredictionError: not one finite probability for each class.
        """
        drawing = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(height, width)
        image = to_network_image(drawing)
        shown = (image * 255).round().to(torch.uint8).flatten().tolist()
        if not image.any():
            return {"image": shown, "probabilities": None, "prediction": None}
        with self._lock:
            probabilities = [float(value) for value in self._predict(image)]
        if len(probabilities) != len(self.classes) or not all(map(math.isfinite, probabilities)):
            raise PredictionError(
                f"expected {len(self.classes)} finite probabilities, the model gave {probabilities}"
            )
        best = max(range(len(probabilities)), key=probabilities.__getitem__)
        return {"image": shown, "probabilities": probabilities, "prediction": best}
