"""The commands `spikes FILE` and `spikes learn FILE`."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from services.cli.errors import CliError


class _FileOrCommand(TyperGroup):
    """`spikes FILE` is short for `spikes find FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `find` before what is no command of the group."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["find", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FileOrCommand,
    no_args_is_help=True,
    subcommand_metavar="FILE|- | COMMAND ...",
    help="Find spikes in a history of counts (`spikes FILE` is short for `spikes find FILE`), or learn from one.",
)

_File = Annotated[
    str,
    typer.Argument(
        metavar="FILE|-",
        help="CSV, first line `timestamp,value`: counts at a regular step. A row that is missing or has no value is no"
        " data, not zero. Times in ISO 8601 (UTC unless they say so) or seconds since the epoch.",
    ),
]


@app.command()
def find(
    file: _File,
    as_json: Annotated[bool, typer.Option("--json", help="One object for each row of the file.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw counts, what is expected, and the episodes.")
    ] = None,
) -> None:
    """Show the episodes in which far more came than is normal, found by the router's own detector.

    Each row is judged by what came before it, as it would have been at that moment.
    """
    from services.cli.spikes.detecting import detect
    from services.cli.spikes.series import read_series
    from services.cli.spikes.showing import print_json, print_table

    if plot is not None:
        from services.cli.spikes.drawing import check_path, draw

        check_path(plot)
    series = read_series(file)
    found = detect(series)
    if as_json:
        print_json(series, found)
    else:
        print_table(series, found)
    if plot is not None:
        draw(series, found, plot)
        typer.echo(f"drawn: {plot}", err=True)


@app.command()
def learn(
    file: _File,
    tenant: Annotated[str, typer.Option(metavar="T", help="Whose brand it is.")],
    brand: Annotated[str, typer.Option(metavar="B", help="The brand, as mentions name it.")],
    into: Annotated[
        Path,
        typer.Option(
            envvar="SPIKES_BASELINE_FILE", metavar="FILE.json", help="Where baselines are kept. Made if not there."
        ),
    ],
    platform: Annotated[
        str, typer.Option(metavar="P", help="The platform, as mentions name it. Default: all platforms together.")
    ] = "",
) -> None:
    """Learn what is normal for a brand from its history, so that the router's first day is not blind.

    The baseline is added to the file, in place of an earlier one of the same series. The router reads it when it
    starts (SPIKES_BASELINE_FILE), for series that it has not counted itself yet.
    """
    if not tenant or not brand:
        raise CliError("--tenant and --brand are empty: name the series that the history belongs to")
    from services.cli.spikes.learning import learn_file
    from services.router.spikes.series import SeriesKey

    learn_file(file, SeriesKey(tenant, brand, platform), into)
