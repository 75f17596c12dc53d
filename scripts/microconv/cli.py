"""The `microconv` command; heavy imports wait inside the commands to answer `--help` at once."""

from __future__ import annotations

import importlib
import os
from typing import Any

import typer
from typer.core import TyperGroup

from microconv.audience.command import audience
from microconv.check.command import check
from microconv.cohorts.command import cohorts
from microconv.correlate.command import correlate
from microconv.cost.command import cost
from microconv.discover.command import discover
from microconv.errors import MicroconvError
from microconv.experiments.command import experiments
from microconv.lead_lag.command import lead_lag
from microconv.output import warn
from microconv.power.command import power
from microconv.proxy.command import proxy
from microconv.report.command import report
from microconv.score.command import score
from microconv.starters.command import init
from microconv.summary import summary
from microconv.validate.command import validate
from microconv.value.command import value
from microconv.watch.command import watch

# Matrices here are small: several threads of numpy's BLAS take longer than one, since they wait for
# each other. It must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


class PlainErrorGroup(TyperGroup):
    """Prints a MicroconvError as plain lines and exits with its code; other errors are bugs."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except MicroconvError as error:
            warn(f"microconv: {error.message}")
            if error.remedy:
                warn(error.remedy)
            raise typer.Exit(error.exit_code) from error


app = typer.Typer(
    cls=PlainErrorGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Micro-conversion analytics for the GA4 export: checks, demo export, results.",
)


def demo(context: typer.Context) -> None:
    """Write a synthetic GA4 export of a shop or another business, with planted truth."""
    command = typer.Typer(add_completion=False, rich_markup_mode=None)
    command.command()(importlib.import_module("microconv.demo.command").demo)
    code = typer.main.get_command(command).main(
        context.args, prog_name="microconv demo", standalone_mode=False
    )
    raise typer.Exit(code if isinstance(code, int) else 0)


app.command()(audience)
app.command()(check)
app.command()(cohorts)
app.command()(correlate)
app.command()(cost)
# The generator loads numpy and pyarrow; this stand-in hands it the arguments, `--help` included,
# so that the other commands do not wait for them.
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(demo)
app.command()(discover)
app.command()(experiments)
app.command()(init)
app.command()(lead_lag)
app.command()(power)
app.command()(proxy)
app.command()(report)
app.command()(score)
app.command()(summary)
app.command()(validate)
app.command()(value)
app.command()(watch)
