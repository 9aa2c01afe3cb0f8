"""nbval compares stderr too, but whether TensorFlow's start-up log lands there depends on who started the kernel.

That no chapter writes to stderr is tested where outputs are stored (tools/chapters.py) and in tests/test_notebooks.py.
"""


def pytest_collectstart(collector):
    if type(collector).__name__ == "IPyNbFile":
        collector.skip_compare += ("stderr",)
