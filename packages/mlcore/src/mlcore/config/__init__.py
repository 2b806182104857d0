"""Configurations: strict sections, a YAML reader that knows its lines, and errors that name the right key."""

from mlcore.config.section import Section

__all__ = ["Section"]
