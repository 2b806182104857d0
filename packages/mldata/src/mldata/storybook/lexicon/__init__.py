"""Words by topic. Lists stand with the commoner words first: `Chance.favour` takes those more often."""


def words(text: str) -> tuple[str, ...]:
    """The words or phrases of a comma-separated text."""
    return tuple(" ".join(item.split()) for item in text.split(",") if item.strip())
