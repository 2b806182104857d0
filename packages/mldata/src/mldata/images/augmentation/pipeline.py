"""`Augmentation`: batches of bytes in, batches of changed images out, reproducible by (seed, epoch, index)."""

import torch
from torch import Tensor

from mldata.images.augmentation.auto_augment import auto_augment
from mldata.images.augmentation.colour import jitter_colours
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.cutout import hide_squares
from mldata.images.augmentation.elastic import displacement_deviation, lattice_noise
from mldata.images.augmentation.erasing import erase_rectangles
from mldata.images.augmentation.geometry import (
    basis,
    inverse_maps,
    resample,
    sampling_grid,
    source_coordinates,
)
from mldata.images.augmentation.mixing import Mixing
from mldata.images.augmentation.parameters import Parameters, draw_parameters
from mldata.images.augmentation.rand_augment import rand_augment
from mldata.images.augmentation.shifting import flip_images, shift_images

# Pixels resampled at a time: their coordinates (16 bytes in float64) then stay in a core's cache.
_PIXELS_A_CHUNK = 1 << 16


def unit_floats(images: Tensor) -> Tensor:
    """(B, C, H, W) float32 in [0, 1], contiguous, from (B, H, W, C) uint8: the byte divided by 255."""
    return images.permute(0, 3, 1, 2).float().contiguous().div_(255.0)


def build_augmentation(
    config: AugmentationConfig, *, seed: int, as_bytes: bool = False
) -> "Augmentation | None":
    """The augmentation that a config describes; None where nothing would happen. Pairs are `build_mixing`'s matter.

    Raises:
        ValueError: the seed is not 0 to 2⁶⁴ - 1.
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}; it must be 0 to 2**64 - 1")
    return None if config.is_off else Augmentation(config, seed=seed, as_bytes=as_bytes)


def build_mixing(config: AugmentationConfig, *, seed: int, num_classes: int) -> Mixing | None:
    """MixUp and CutMix as a config describes them; None without."""
    return Mixing(config, seed=seed, num_classes=num_classes) if config.mixes else None


class Augmentation:
    """Changes images at random; what happens to an image depends on (seed, epoch, index) alone.

    Batch size, order, threads and processes change no bit of the result. (Another device or version of torch
    may round an interpolated pixel otherwise; the drawn parameters are the same there, too.)

    Order: RandAugment or AutoAugment; flip, shear, scale, rotation, shift and elastic bending in one resampling;
    colours, cutout, erasing. Where only flips and whole shifts are on, pixels are copied, not resampled.

    Args:
        config: what happens, and how strongly.
        seed: 0 to 2⁶⁴ - 1.
        as_bytes: give bytes, in the order of memory in which they came, wherever nothing needs floats: that is
            several times as fast, and the normalisation that follows makes floats anyway.
    """

    def __init__(self, config: AugmentationConfig, *, seed: int, as_bytes: bool = False) -> None:
        self.config = config
        self.as_bytes = as_bytes and not config.needs_floats
        self.seed = seed
        self._deviation = displacement_deviation(config.elastic_alpha, config.elastic_sigma)
        self._sigma = config.elastic_sigma if config.elastic_alpha > 0.0 else None

    def __repr__(self) -> str:
        changed = self.config.model_dump(exclude_defaults=True)
        return (
            f"Augmentation({', '.join(f'{key}={value}' for key, value in changed.items())}, seed={self.seed})"
        )

    def __call__(self, images: Tensor, indices: Tensor, epoch: int) -> Tensor:
        """(B, C, H, W) float32 in [0, 1], or bytes where `as_bytes` holds, on the images' device.

        Args:
            images: (B, H, W, C) uint8.
            indices: (B,) int64: what identifies an image from epoch to epoch, its position in the data set.
            epoch: 0 or more.

        Raises:
            ValueError: images are no batch of bytes, or indices are not one each.
        """
        if images.dtype != torch.uint8 or images.ndim != 4:
            raise ValueError(f"images are {images.dtype} {tuple(images.shape)}; expected uint8 (B, H, W, C)")
        if indices.shape != (len(images),):
            raise ValueError(f"indices are {tuple(indices.shape)}; expected ({len(images)},), one an image")
        indices, config = indices.to(images.device), self.config
        if not len(images):
            return unit_floats(images)
        place = (self.seed, epoch, indices)
        if config.rand_augment_ops:
            images = rand_augment(images, config.rand_augment_ops, config.rand_augment_magnitude, *place)
        if config.auto_augment:
            images = auto_augment(images, *place)
        if not config.needs_floats:
            images = self._copied(images, draw_parameters(config, *place)) if config.moves else images.clone()
            if config.cutout:
                hide_squares(images, *place, config.cutout, channels_last=True)
            return images.permute(0, 3, 1, 2) if self.as_bytes else unit_floats(images)
        return self._changed_floats(images, epoch, indices)

    def _changed_floats(self, images: Tensor, epoch: int, indices: Tensor) -> Tensor:
        """Moves, colours, cutout and erasing."""
        config, place = self.config, (self.seed, epoch, indices)
        if config.resamples:
            changed = self._resampled(images, draw_parameters(config, *place), indices, epoch)
        elif config.moves:
            changed = unit_floats(self._copied(images, draw_parameters(config, *place)))
        else:
            changed = unit_floats(images)
        if config.recolours:
            changed = jitter_colours(changed, config, *place)
        if config.cutout:
            hide_squares(changed, *place, config.cutout, channels_last=False)
        if config.erasing > 0.0:
            changed = erase_rectangles(changed, config, *place)
        return changed

    def _copied(self, images: Tensor, parameters: Parameters) -> Tensor:
        """(B, H, W, C) bytes: flips and shifts by whole pixels."""
        if self.config.flips:
            images = flip_images(images, parameters.flipped)
        reach = int(self.config.translation)
        if reach:
            shifts = parameters.shifts_x.long(), parameters.shifts_y.long()
            images = shift_images(images, *shifts, reach, self.config.padding)
        return images

    def _resampled(self, images: Tensor, parameters: Parameters, indices: Tensor, epoch: int) -> Tensor:
        """Everything that needs interpolation, in chunks that fit the cache."""
        result = unit_floats(images)
        height, width = images.shape[1:3]
        rows = basis(height, self._sigma).to(images.device)
        columns = basis(width, self._sigma).to(images.device)
        maps = inverse_maps(parameters)
        for places in self._chunks(parameters.enabled, height * width):
            noise = None
            if self._sigma is not None:
                nodes = (rows.shape[1] - 2, columns.shape[1] - 2)
                noise = lattice_noise(self._deviation, self.seed, epoch, indices[places], *nodes)
            grid = sampling_grid(source_coordinates(maps[places], rows, columns, noise))
            result[places] = resample(result[places], grid, self.config.padding)
        return result

    def _chunks(self, enabled: Tensor, num_pixels: int) -> list[slice] | list[Tensor]:
        """Which images are resampled together; those that are not enabled are left as they are."""
        size = max(1, _PIXELS_A_CHUNK // num_pixels)
        if self.config.probability == 1.0:
            return [slice(start, start + size) for start in range(0, len(enabled), size)]
        return list(enabled.nonzero().flatten().split(size))
