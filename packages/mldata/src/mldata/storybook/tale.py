"""A story while it is being told: who and what is in it, and its text so far."""

from collections.abc import Sequence

from mldata.storybook.chance import Chance
from mldata.storybook.forms import Entity, Grammar, render
from mldata.storybook.grammar import capitalize_sentences, resolve_articles
from mldata.storybook.world import World


class Tale:
    """What a plot function works with: draws, bindings of names to entities, and sentences said so far."""

    def __init__(self, world: World, chance: Chance, grammar: Grammar, subject: str) -> None:
        self.world = world
        self.chance = chance
        self.grammar = grammar
        self.subject = subject
        self.entities: dict[str, Entity] = world.entities()
        self.paragraphs: list[list[str]] = [[]]

    def bind(self, **entities: Entity) -> None:
        """Make entities known to the sentence forms under these names."""
        self.entities.update(entities)

    def put(self, **sources: str) -> None:
        """Choose a form now and keep its text: `put(tree="<tree>")` makes `[tree]` one tree everywhere."""
        for name, source in sources.items():
            self.entities[name] = {"": self._render(self.grammar.inline(source))}

    def say(self, *sections: str) -> None:
        """Say one option of each section."""
        for section in sections:
            options = self.grammar.section(section)
            text = self._render(options[int(self.chance.random() * len(options))])
            if text:
                self.paragraphs[-1].append(text[0].upper() + text[1:])

    def maybe(self, section: str, probability: float = 0.5) -> None:
        if self.chance.random() < probability:
            self.say(section)

    def paragraph(self) -> None:
        if self.paragraphs[-1]:
            self.paragraphs.append([])

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def pick(self, *options: str) -> str:
        return self.chance.pick(options)

    def order(self, options: Sequence[str], count: int) -> list[str]:
        """`count` different ones of the options, in random order."""
        left = list(options)
        return [left.pop(int(self.chance.random() * len(left))) for _ in range(count)]

    def text(self) -> str:
        text = "\n".join(" ".join(sentences) for sentences in self.paragraphs if sentences)
        return capitalize_sentences(resolve_articles(text))

    def _render(self, parts: Sequence[object]) -> str:
        out: list[str] = []
        render(parts, self.entities, self.chance.random, out)
        return "".join(out)
