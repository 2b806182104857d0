"""The plots. A plot is one file with `PLOT`, and one line here."""

from mldata.storybook.plot import Plot


def all_plots() -> dict[str, Plot]:
    """Every plot of the story book by name, in an order that must not change: stories depend on it."""
    from mldata.storybook.plots import (
        animal_help,
        birthday,
        building,
        contest,
        fear,
        garden,
        lost_thing,
        lost_way,
        mistake,
        newcomer,
        noise,
        out_of_reach,
        promise,
        quarrel,
        secret,
        sharing,
        skill,
        storm,
    )

    modules = (
        lost_thing, out_of_reach, quarrel, fear, promise, sharing, animal_help, mistake, building, contest,
        storm, birthday, skill, secret, newcomer, garden, lost_way, noise,
    )  # fmt: skip
    return {module.__name__.rsplit(".", 1)[-1]: module.PLOT for module in modules}
