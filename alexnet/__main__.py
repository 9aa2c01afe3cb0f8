"""The command line: python -m alexnet COMMAND ..., one module of `alexnet.commands` for each command."""

import argparse
import importlib
import pkgutil
import sys

from alexnet import commands


def main(words=None):
    """Run a command; returns its exit status. words: those after `python -m alexnet` (sys.argv's where None)."""
    parser = argparse.ArgumentParser(prog="python -m alexnet", description=__doc__.partition(":")[2].strip())
    chosen = parser.add_subparsers(required=True, metavar="COMMAND")
    for found in pkgutil.iter_modules(commands.__path__):
        command = importlib.import_module(f"alexnet.commands.{found.name}")
        one = chosen.add_parser(
            found.name, help=command.__doc__.splitlines()[0], description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    arguments = parser.parse_args(words)
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
