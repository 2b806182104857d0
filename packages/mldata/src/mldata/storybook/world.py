"""The world of one story: its characters, the day, and things as the sentence forms need them."""

from functools import cache

from mldata.storybook.chance import Chance
from mldata.storybook.forms import Entity
from mldata.storybook.grammar import PRONOUNS, possessive, with_article
from mldata.storybook.lexicon import creatures, names, nature, people, places, things

CHILD, ANIMAL = "child", "animal"


class Character(dict[str, str]):
    """Forms of a character: name, possessive, pronouns, what it is, and `intro`.

    `intro` is `her friend Nina` or `her mother` the first time, and the name from then on.
    """

    def __init__(self, name: str, gender: str, kind: str, trait: str = "little", first: str = "") -> None:
        super().__init__(PRONOUNS[gender], kind=kind, trait=trait, s=possessive(name), first=first or name)
        self[""] = name

    def __missing__(self, form: str) -> str:
        assert form == "intro", f"a character has no form {form!r}"
        self["intro"] = self[""]
        return self["first"]


@cache
def thing(noun: str, adjective: str = "") -> Entity:
    """Forms of a single thing: `kite`, `a red kite`, `the red kite`."""
    full = f"{adjective} {noun}".strip()
    return {"": noun, "a": with_article(full), "the": f"the {full}", "full": full}


class World:
    """Drawn before the plot begins: hero, friend, grown-up, day. A plot draws the rest as it needs it."""

    def __init__(self, chance: Chance, kind: str) -> None:
        self.chance = chance
        self.kind = kind
        self.is_child = kind == CHILD
        self.hero = self._young()

    def entities(self) -> dict[str, Entity]:
        """The characters and the day under the names that sentence forms use: h, f, g, d."""
        self.friend = self._young(self.hero[""])
        self.friend["first"] = f"{self.hero['his']} friend {self.friend['']}"
        self.grown_up = self._relative() if self.chance.happens(0.75) else self._neighbor()
        homes = people.CHILD_HOMES if self.is_child else people.ANIMAL_HOMES
        hobbies = people.HOBBIES + people.CHILD_HOBBIES if self.is_child else people.HOBBIES
        weekday = int(self.chance.random() * 7)
        return {
            "h": self.hero,
            "f": self.friend,
            "g": self.grown_up,
            "d": self.day(nature.FAIR),
            "home": {"": self.chance.favour(homes)},
            "hobby": {"": self.chance.favour(hobbies)},
            "trait2": {"": self.chance.pick(people.TRAITS_AFTER_SO)},
            "weekday": {"": nature.WEEKDAYS[weekday]},
            "later_day": {"": nature.WEEKDAYS[(weekday + 2 + int(self.chance.random() * 4)) % 7]},
            "season": {"": self.chance.pick(nature.SEASONS)},
            "hand": {"": "hand" if self.is_child else "paw", "s": "hands" if self.is_child else "paws"},
        }

    def day(self, weathers: tuple[tuple[str, str], ...]) -> Entity:
        adjective, sky = self.chance.favour(weathers)
        return {"": self.chance.pick(("morning", "afternoon")), "adj": adjective, "sky": sky}

    def place(self, *groups: tuple[places.Place, ...]) -> Entity:
        """A place with three different spots in it; animals stay out of town."""
        if not groups:
            groups = (places.OUTDOORS, places.TOWN) if self.is_child else (places.OUTDOORS,)
        group = self.chance.pick(groups)
        where, goal, the, spots = self.chance.pick(group)
        start = int(self.chance.random() * len(spots))
        first, second, third = (spots[(start + step) % len(spots)] for step in range(3))
        return {"": where, "to": goal, "the": the, "spot": first, "spot2": second, "spot3": third}

    def place_outdoors(self) -> Entity:
        return self.place(places.OUTDOORS)

    def seashore(self) -> Entity:
        return self.place((places.SEASHORE,))

    def place_in_town(self) -> Entity:
        return self.place(places.TOWN)

    def plain(self, noun: str) -> Entity:
        """The thing without an adjective."""
        return thing(noun)

    def thing(self, noun: str) -> Entity:
        """The thing with a color, a pattern or another adjective, or with none."""
        kinds = (things.COLORS, things.COLORS, things.PATTERNS, things.SIZES, ("",))
        return thing(noun, self.chance.favour(self.chance.pick(kinds)))

    def neighbor(self) -> Character:
        """A grown-up who is no relative."""
        return self._neighbor()

    def relative(self) -> Character:
        return self._relative()

    def _young(self, *taken: str) -> Character:
        """A child or young animal whose name begins with a letter of its own."""
        chance = self.chance
        gender = "f" if chance.happens(0.5) else "m"
        if self.is_child:
            pool, kind = (names.GIRLS, "girl") if gender == "f" else (names.BOYS, "boy")
        else:
            pool = names.ANIMAL_GIRLS if gender == "f" else names.ANIMAL_BOYS
            kind = chance.favour(creatures.HEROES)
        name = chance.favour(pool)
        while any(name[0] == other[0] for other in taken if other):
            name = chance.favour(pool)
        return Character(name, gender, kind, chance.favour(people.TRAITS))

    def _relative(self) -> Character:
        relatives = people.RELATIVES if self.is_child else people.ANIMAL_RELATIVES
        relation, name, gender = self.chance.favour(relatives)
        if "{" in name:
            girls = names.GIRLS if self.is_child else names.ANIMAL_GIRLS
            boys = names.BOYS if self.is_child else names.ANIMAL_BOYS
            pool, slot = (girls, "{girl}") if gender == "f" else (boys, "{boy}")
            own = self.chance.favour(pool)
            while own[0] in (self.hero[""][0], self.friend[""][0]):
                own = self.chance.favour(pool)
            name = name.replace(slot, own)
        intro = f"{self.hero['his']} {relation}"
        if name[0] not in "MDGP" or relation.startswith("big"):
            intro = f"{intro} {name.split()[-1]}"
        return Character(name, gender, "grown-up", first=intro)

    def _neighbor(self) -> Character:
        if not self.is_child:
            species = self.chance.favour(people.ELDERS)
            gender = "f" if self.chance.happens(0.5) else "m"
            name = f"Old {species}"
            return Character(name, gender, species.lower())
        gender = "f" if self.chance.happens(0.5) else "m"
        trade = self.chance.favour(people.TRADES)
        if gender == "f":
            trade = trade.replace("postman", "letter carrier").replace("fisherman", "sailor")
            trade = trade.replace("milkman", "dairy farmer").replace("ferryman", "captain")
        name = f"{'Mrs.' if gender == 'f' else 'Mr.'} {self.chance.favour(names.SURNAMES)}"
        return Character(name, gender, trade, first=f"the {trade} {name}")
