"""The commands of `python -m alexnet`: each module has add_arguments(parser) and run(arguments), its exit status.

Modules import Keras inside `run` only, so that --help is instant.
"""
