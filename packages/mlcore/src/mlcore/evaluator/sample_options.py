"""The command-line parameters of `sample`; light, for they are read at each --help."""

import click

SAMPLE_OPTIONS: tuple[click.Parameter, ...] = (
    click.Option(
        ["--prompt", "-p"], multiple=True, help="Beginning to continue; without it the keyboard is read."
    ),
    click.Option(
        ["--num-samples", "-n"], type=click.IntRange(min=1), default=1, help="Continuations of each prompt."
    ),
    click.Option(["--max-new-tokens"], type=click.IntRange(min=1), help="Longest continuation."),
    click.Option(["--temperature"], type=click.FloatRange(min=0), help="0 takes the likeliest token."),
    click.Option(["--top-k"], type=click.IntRange(min=1), help="Sample among the k likeliest tokens."),
    click.Option(
        ["--top-p"], type=click.FloatRange(0, 1, min_open=True), help="… of this total probability."
    ),
    click.Option(
        ["--repetition-penalty"], type=click.FloatRange(min=1), help="Makes used tokens less likely."
    ),
)
