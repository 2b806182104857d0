"""From the words of a command line to named values. Nothing of the configuration is looked at here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mlcore.cli.flags import EVALUATION, FLAGS, TRAINING, Flag, spellings
from mlcore.config.problems import suggestion
from mlcore.errors import ConfigError

_CONFIG_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class CommandLine:
    """A command line, taken apart.

    Attributes:
        values: the parameters of every command (``config``, ``resume``…), by name.
        extra: the command's own parameters, by name.
        flags: the flags of the table that were given, each with its spelling and its value.
        overrides: the ``key=value`` words, in order.
    """

    values: dict[str, Any]
    extra: dict[str, Any]
    flags: list[tuple[Flag, str, object]]
    overrides: tuple[str, ...]


def parse_command_line(
    argv: Sequence[str],
    *,
    name: str,
    help_text: str,
    group: str,
    extra: Sequence[click.Parameter],
    has_config: bool,
) -> CommandLine | None:
    """Take a command line apart.

    Args:
        argv: the words after the command's name.
        name: the command, for ``--help``.
        help_text: what it does, for ``--help``.
        group: ``training``, ``evaluation`` or ``none``: which flags it knows.
        extra: its own parameters. They take the place of ours of the same name.
        has_config: whether it has a configuration.

    Returns:
        None when ``--help`` was asked for and has been printed.

    Raises:
        ConfigError: a wrong command line.
    """
    flags = [flag for flag in FLAGS if group in flag.groups] if has_config else []
    own = {option for parameter in extra for option in parameter.opts}
    common = [option for option in _common_options(group, has_config) if own.isdisjoint(option.opts)]
    rows = [
        (flag, _flag_option(flag, index)) for index, flag in enumerate(flags) if own.isdisjoint(flag.names)
    ]
    words = click.Argument(["words"], nargs=-1, metavar="[KEY=VALUE]...")
    takes_words = has_config and not any(isinstance(parameter, click.Argument) for parameter in extra)
    parameters = [*extra, *common, *(option for _, option in rows), *([words] if takes_words else [])]
    command = click.Command(name, params=parameters, help=help_text, epilog=_epilog(has_config))
    try:
        with command.make_context(name, _with_lone_flags(argv, flags), max_content_width=110) as context:
            values = dict(context.params)
    except click.exceptions.Exit:
        return None
    except click.UsageError as error:
        raise ConfigError(f"command line: {_in_words(error, command)}") from None
    given_words = list(values.pop("words", ()))
    config, overrides = _sort_words(given_words, values.get("config"))
    given = [
        (flag, *values[str(option.name)]) for flag, option in rows if values[str(option.name)] is not None
    ]
    return CommandLine(
        values={str(option.name): values[str(option.name)] for option in common} | {"config": config},
        extra={str(parameter.name): values[str(parameter.name)] for parameter in extra},
        flags=given,
        overrides=(*values.get("overrides", ()), *overrides),
    )


class _Option(click.Option):
    """An option that shows one spelling in ``--help``: with dashes."""

    def get_help_record(self, context: click.Context) -> tuple[str, str] | None:
        every_name, self.opts = self.opts, [name for name in self.opts if "_" not in name]
        try:
            return super().get_help_record(context)
        finally:
            self.opts = every_name


def _common_options(group: str, has_config: bool) -> list[click.Option]:
    options: list[click.Option] = []
    if has_config:
        options.append(_Option(["--config", "-c"], metavar="FILE", help="Configuration file."))
        options.append(
            _Option(["--set", "overrides"], multiple=True, metavar="KEY=VALUE", help="Set any key.")
        )
        options.append(
            _Option(["--print-config"], is_flag=True, help="Print the whole configuration and stop.")
        )
    if group == TRAINING:
        help_text = "Go on from a checkpoint, a run folder, or the newest run of a name."
        options.append(_Option(["--resume"], metavar="RUN", help=help_text))
        options.append(
            _Option(["--weights"], type=click.Path(path_type=Path), help="Begin with these weights.")
        )
        help_text = "Train on all accelerators of this machine."
        options.append(_Option([*spellings("--use-multigpu"), "use_multigpu"], is_flag=True, help=help_text))
    if group == EVALUATION:
        options.append(
            _Option(["--run"], metavar="RUN", help="Run folder, or a name: its newest complete run.")
        )
        names = ["--checkpoint", "--weights", "checkpoint"]
        options.append(_Option(names, type=click.Path(path_type=Path), help="Checkpoint file."))
    if group in (TRAINING, EVALUATION):
        names = [*spellings("--runs-dir"), "runs_dir"]
        options.append(_Option(names, type=click.Path(path_type=Path), help="Folder of the run folders."))
    options.append(_Option(["--debug"], is_flag=True, help="Show where internal errors come from."))
    return options


def _flag_option(flag: Flag, index: int) -> click.Option:
    """The option of a flag. Its value is a pair: the flag's name, and what it sets."""
    names = [spelling for name in flag.names for spelling in spellings(name)]

    def with_name(
        context: click.Context, parameter: click.Parameter, value: object
    ) -> tuple[str, object] | None:
        if value is None:
            return None
        return flag.names[0], flag.value if flag.stands_alone else value

    # Flags that stand alone get a value of their own: whether they were given cannot be seen from True and
    # False.
    kind: dict[str, Any] = (
        {"is_flag": True, "flag_value": "given"} if flag.stands_alone else {"metavar": "VALUE"}
    )
    names.append(f"flag_{index}")
    return _Option(names, type=str, default=None, callback=with_name, help=flag.help, **kind)


def _with_lone_flags(argv: Sequence[str], flags: Sequence[Flag]) -> list[str]:
    """``--mixed-precision`` alone means true: write it out, so that it does not swallow the word after it."""
    may_be_alone = {
        s for flag in flags if flag.word_is_optional for name in flag.names for s in spellings(name)
    }
    words = []
    for index, word in enumerate(argv):
        following = argv[index + 1] if index + 1 < len(argv) else "-"
        is_alone = following.startswith("-") or "=" in following or following.endswith(_CONFIG_ENDINGS)
        words.append(f"{word}=true" if word in may_be_alone and is_alone else word)
    return words


def _sort_words(words: list[str], config: str | None) -> tuple[str | None, list[str]]:
    """Positional words: ``key=value``, and at most one configuration file."""
    overrides = [word for word in words if "=" in word]
    for word in words:
        if "=" in word:
            continue
        if config is not None or not word.endswith(_CONFIG_ENDINGS):
            hint = (
                ""
                if config is not None and word.endswith(_CONFIG_ENDINGS)
                else "; to set a key write KEY=VALUE"
            )
            raise ConfigError(f"command line: unexpected word {word!r}{hint}")
        config = word
    return config, overrides


def _in_words(error: click.UsageError, command: click.Command) -> str:
    if isinstance(error, click.NoSuchOption):
        options = [option for parameter in command.params for option in parameter.opts]
        begins = [option for option in options if option.startswith(error.option_name)]
        near = f"; did you mean {begins[0]!r}?" if begins else suggestion(error.option_name, options)
        return f"no such option {error.option_name!r}{near}"
    message = " ".join(error.format_message().split()).rstrip(".")
    return message[:1].lower() + message[1:]


def _epilog(has_config: bool) -> str:
    if not has_config:
        return ""
    return (
        "Any key of the configuration can be set: --set training.learning_rate=3e-4, or the same without "
        "--set. --print-config shows all keys. Flags may be written with dashes or underscores."
    )
