"""What a plot is."""

from collections.abc import Callable
from functools import cached_property

from mldata.storybook.forms import Grammar
from mldata.storybook.phrases import shared_grammar
from mldata.storybook.tale import Tale


class Plot:
    """A family of stories.

    `subjects` are what its stories can be about (the lost thing, the fear, the skill); every story names its
    subject or shows it unmistakably, because subject and hero decide whether a story belongs to training or to
    validation. `tell` says the sentences, `forms` are the plot's own sentence forms, `child_share` is the share
    of human heroes, `animal_subjects` are those that suit animals, where not all do.
    """

    def __init__(
        self,
        name: str,
        subjects: tuple[str, ...],
        tell: Callable[[Tale], None],
        forms: str,
        *,
        child_share: float = 0.7,
        animal_subjects: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.subjects = subjects
        self.animal_subjects = animal_subjects or subjects
        self.tell = tell
        self.forms = forms
        self.child_share = child_share

    @cached_property
    def grammar(self) -> Grammar:
        return Grammar(self.forms, parent=shared_grammar())
