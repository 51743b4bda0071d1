"""Console script: Lightning's fit / validate / test / predict, and the commands that plan and read runs."""

import contextvars
import os
import sys
import traceback
from importlib import import_module
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
  seeds                          retrieval results of single runs, one entry a run, as one JSON file
  wandb-report                   a W&B report that compares the columns of studies
  init                           copy the recipes, studies and sweeps to a folder, to change them

`fashionvl COMMAND --help` lists the options of each; with --debug, errors show their traceback."""

DEBUG = "--debug"

MAINS = {
    name: f"fashionvl.commands.{name.replace('-', '_')}"
    for name in ("score", "plan", "report", "compare", "records", "seeds", "init", "wandb-report")
}
"""Commands whose module has a `main` that takes their arguments."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; whatever goes wrong is one line on standard error.

    The exit status is 2 for a user's mistake and 1 for a crash. `--debug`, or `FASHIONVL_DEBUG=1`, shows the
    traceback, too.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = DEBUG in words or os.environ.get("FASHIONVL_DEBUG", "0") not in ("", "0")
    words = [word for word in words if word != DEBUG]
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)  # noqa: T201
        return
    # Pictures go to files: a notebook's own backend, which its environment names, may not be installed here.
    os.environ["MPLBACKEND"] = "agg"
    # What a command notes down for a crash report ends with it.
    context = contextvars.copy_context()
    try:
        context.run(_dispatch, words)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        raise SystemExit(context.run(_fail, error, words, debug)) from None


def _fail(error: Exception, words: list[str], debug: bool) -> int:
    from fashionvl.commands.crash import write_report
    from fashionvl.commands.translating import CRASH, translate

    if debug:
        traceback.print_exception(error)
    line = translate(error)
    told = line.text
    if line.status == CRASH and not line.own:
        file = write_report(error, words)
        told += f"; details in {file}" if file else "; --debug shows details"
    print(f"fashionvl: {told}", file=sys.stderr)  # noqa: T201
    return line.status


def _dispatch(arguments: list[str]) -> None:
    # Imported late: a summary must not wait for torch.
    if arguments[0] == "data":
        from fashionvl.commands.hub import go_offline_unless_reachable
        from fashionvl.commands.keys import of_command_line

        go_offline_unless_reachable(of_command_line(arguments[1:]))
        from fashionvl.commands.data import COMMANDS, with_switches

        _run_functions(COMMANDS, with_switches(arguments[1:]), "fashionvl data")
    elif arguments[0] == "summary":
        from fashionvl.commands.summary import summary

        _run_functions(summary, arguments[1:], "fashionvl summary")
    elif arguments[0] in MAINS:
        import_module(MAINS[arguments[0]]).main(arguments[1:])
    else:
        words = _readable(arguments)
        from fashionvl.commands.train import train

        train(words)


def _readable(arguments: list[str]) -> list[str]:
    """Refuse what can be seen to be wrong without the libraries, whose import takes many seconds."""
    from fashionvl.commands.configurations import files_read
    from fashionvl.commands.hub import go_offline_unless_reachable
    from fashionvl.commands.keys import COMMANDS, asks_only, check_keys, of_command_line, require_model
    from fashionvl.commands.machine import check_early
    from fashionvl.commands.packages import check_packages
    from fashionvl.errors import InputError

    command = arguments[0]
    if command not in COMMANDS:
        raise InputError(f"no command {command!r}; `fashionvl --help` lists them")
    words, given = files_read(arguments)
    given += of_command_line(words)
    check_keys(command, given)
    require_model(words, given)
    if not asks_only(words):
        check_packages(given)
        check_early(given, words)
        go_offline_unless_reachable(given)
    return words


def _run_functions(functions: Any, arguments: list[str], program: str) -> None:
    from jsonargparse import auto_cli

    auto_cli(functions, args=arguments, prog=program, as_positional=True)
