"""Console script: Lightning's fit / validate / test / predict, and the commands that plan and read runs."""

import sys
from typing import Any

USAGE = """usage: fashionvl COMMAND [options]

  fit, validate, test, predict   train, test, compute once a photograph:
                                 fashionvl fit --config A.yaml --config overlay.yaml
  data synthesize                draw a synthetic catalogue in Fashion-Gen's schema
  data inspect                   count, check and picture a catalogue
  score                          scores of pictures with texts by a trained model:
                                 fashionvl score MODEL --images A.jpg B.jpg --texts "..." "..."
  summary                        one table and the pictures of a folder of runs
  plan                           the make rules that run the columns of studies, or recipes alone
  report                         tables, plots and verdicts of studies, as text, Markdown and one HTML page
  compare                        one table and the pictures of different models, run alike
  records                        pack what a report reads of run folders into one JSON file
  wandb-report                   a W&B report that compares the columns of studies

`fashionvl COMMAND --help` lists the options of each."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; a user's mistake is one line on standard error and exit status 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)  # noqa: T201
        return
    from fashionvl.errors import InputError

    try:
        _dispatch(arguments)
    except InputError as error:
        raise SystemExit(_fail(error, 2)) from None
    except RuntimeError as error:
        if type(error).__name__ != "NonFiniteLossError":
            raise
        raise SystemExit(_fail(error, 1)) from None


def _fail(error: Exception, status: int) -> int:
    print(f"fashionvl: {error}", file=sys.stderr)  # noqa: T201
    return status


def _dispatch(arguments: list[str]) -> None:
    # Imported late: a summary must not wait for torch.
    if arguments[0] == "data":
        from fashionvl.commands.data import COMMANDS

        _run_functions(COMMANDS, arguments[1:], "fashionvl data")
    elif arguments[0] == "summary":
        from fashionvl.commands.summary import summary

        _run_functions(summary, arguments[1:], "fashionvl summary")
    elif arguments[0] == "score":
        from fashionvl.commands.score import main as score

        score(arguments[1:])
    elif arguments[0] == "plan":
        from fashionvl.commands.plan import main as plan

        plan(arguments[1:])
    elif arguments[0] == "report":
        from fashionvl.commands.report import main as report

        report(arguments[1:])
    elif arguments[0] == "compare":
        from fashionvl.commands.compare import main as compare

        compare(arguments[1:])
    elif arguments[0] == "records":
        from fashionvl.commands.records import main as records

        records(arguments[1:])
    elif arguments[0] == "wandb-report":
        from fashionvl.commands.wandb_report import main as wandb_report

        wandb_report(arguments[1:])
    else:
        from fashionvl.commands.train import train

        train(None if arguments == sys.argv[1:] else arguments)


def _run_functions(functions: Any, arguments: list[str], program: str) -> None:
    from jsonargparse import auto_cli

    auto_cli(functions, args=arguments, prog=program, as_positional=True)
