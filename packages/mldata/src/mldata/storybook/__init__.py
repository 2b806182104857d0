"""A story book without end: short children's stories made by a simulation and a grammar of our own.

`documents("train")` and `documents("validation")` give the embedded text data set; `story(seed, index)` is
one of its stories.
"""

from mldata.storybook.assembly import Split, documents, stories, story

__all__ = ["Split", "documents", "stories", "story"]
