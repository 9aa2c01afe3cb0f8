"""grade a submitted notebook with the tests of its assignment

Runs the submission in a process of its own with limits on time, memory and files, and prints the points of every test
with the reason where they are lost. The instructor's tests count, whatever the submission has made of them. Free texts
are left to a person. See course/README.md for what this protects against and what not.
"""

import json
import sys

from alexnet import grading


def add_arguments(parser):
    usual = grading.Limits()
    parser.add_argument("file", help="the submitted notebook")
    parser.add_argument("--assignment", metavar="NAME", help="its assignment (found by its cells where not named)")
    parser.add_argument("--sources", metavar="FOLDER", help="the instructor's assignments (a clone's course/source)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--cell-seconds", type=float, default=usual.cell_seconds, metavar="S",
        help="for one cell, by the clock and in processor time (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, default=usual.seconds, metavar="S", help="for all cells, likewise (%(default)g)"
    )
    gib = usual.memory / 2**30
    parser.add_argument("--memory", type=float, default=gib, metavar="GIB", help="for each process (%(default)g)")


def run(arguments):
    """0: it was graded, whatever it got; 2: it could not be graded, and stderr says why."""
    limits = grading.Limits(
        cell_seconds=arguments.cell_seconds, seconds=arguments.seconds, memory=int(arguments.memory * 2**30)
    )
    try:
        report = grading.grade(arguments.file, arguments.assignment, sources=arguments.sources, limits=limits)
    except grading.GradingError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.to_dict(), indent=1) if arguments.json else report)
    return 0
