"""A JupyterLab for tests: one server, one notebook, one kernel and one tab, which pytest drives from both ends.

From the reader's end: cells are run and controls pressed in the browser. From Python's: a second client of the same
kernel runs code and reads results without a cell.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import urlopen

import nbformat
from jupyter_client import BlockingKernelClient
from nbformat.sign import NotebookNotary

# No question about news; every cell in the document, also those out of sight.
SETTINGS = {
    "apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
OPTIONS = [
    *("--no-browser", "--allow-root", "--expose-app-in-browser", "--IdentityProvider.token="),
    *("--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", "--ServerApp.root_dir=work"),
    *("--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
    "--LabApp.extension_manager=readonly",
]
DIRECTORIES = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
FIRST = "live.ipynb"
NOTEBOOK = {
    "cells": [],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}

_READY = """path => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.path === path && panel.sessionContext.session?.kernel?.status === "idle";
}"""
# Adds a cell to the notebook in front and runs it, as Shift+Enter does; the number of its first output's area.
_RUN = """async (code) => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.model.sharedModel.insertCell(notebook.widgets.length, {cell_type: "code", source: code});
    notebook.activeCellIndex = notebook.widgets.length - 1;
    await jupyterapp.commands.execute("notebook:run-cell");
    return notebook.widgets.length - 1;
}"""


class Lab:
    """JupyterLab in a tab. `home` is the folder of all its files, `work` that of its notebooks."""

    def __init__(self, home, address, tab):
        self.home, self.address, self.tab = home, address, tab
        self.work = home / "work"
        self.trouble = []
        tab.on("console", self._listen)
        tab.on("pageerror", lambda error: self.trouble.append(f"script error: {error}"))
        ours = (address, address.replace("http", "ws"), "data:", "blob:")
        for event in ("request", "websocket"):
            tab.on(event, lambda asked: None if asked.url.startswith(ours) else self.trouble.append(asked.url))

    def _listen(self, message):
        if message.type in ("error", "warning"):
            self.trouble.append(f"console {message.type}: {message.text}")

    def open(self, name, notebook=None):
        """Opens a notebook of this name, which is written first where one is given; waits until its kernel is ready."""
        if notebook:
            (self.work / name).write_text(json.dumps(notebook))
        if self.tab.url == "about:blank":
            self.tab.goto(f"{self.address}/lab/tree/{name}?reset")
        else:
            self.command("docmanager:open", path=name)
        self.tab.wait_for_function(_READY, arg=name, timeout=120_000)

    def close(self):
        """Closes the notebook in front, whose kernel ends with the server, for the first one."""
        self.tab.evaluate("jupyterapp.shell.currentWidget.dispose()")
        self.open(FIRST)

    def save(self):
        """Saves the notebook in front; what is then in the file."""
        self.command("docmanager:save")
        path = self.tab.evaluate("jupyterapp.shell.currentWidget.context.path")
        return json.loads((self.work / path).read_text())

    def trust(self, notebook):
        """Marks a notebook as one whose outputs may be shown as they are."""
        NotebookNotary(data_dir=str(self.home / "data")).sign(nbformat.from_dict(notebook))

    def connect(self):
        """Connects pytest to the kernel of the notebook in front."""
        kernel = self.tab.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.id")
        self._client = BlockingKernelClient(connection_file=str(self.home / "runtime" / f"kernel-{kernel}.json"))
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def cell(self, code):
        """Runs code in a new cell at the notebook's end; a locator of the cell's output area."""
        number = self.tab.evaluate(_RUN, code)
        return self.panel.locator(".jp-Cell").nth(number).locator(".jp-OutputArea")

    @property
    def panel(self):
        """A locator of the notebook in front."""
        return self.tab.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def do(self, code):
        """Runs code in the kernel without a cell."""
        self._reply(code)

    def ask(self, expression):
        """The value of a Python expression in the kernel, by way of JSON."""
        found = self._reply("", {"found": f"__import__('json').dumps({expression})"})["user_expressions"]["found"]
        _must_be_ok(found)
        return json.loads(eval(found["data"]["text/plain"]))

    def _reply(self, code, expressions=None):
        asked = self._client.execute(code, silent=True, user_expressions=expressions)
        while (reply := self._client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != asked:
            pass
        _must_be_ok(reply["content"])
        return reply["content"]

    def command(self, name, **arguments):
        """One of JupyterLab's own commands."""
        # What comes back may be a widget, which cannot leave the tab.
        run = "async ([name, given]) => { await jupyterapp.commands.execute(name, given); }"
        self.tab.evaluate(run, [name, arguments])

    def theme(self, theme):
        """Puts the Lab into its light or dark theme."""
        self.command("apputils:change-theme", theme=f"JupyterLab {theme.title()}")
        self.tab.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg="true" if theme == "light" else "false"
        )

    def clear(self):
        """Deletes the cells of the notebook in front."""
        self.tab.evaluate(
            "() => { const {sharedModel} = jupyterapp.shell.currentWidget.content.model;"
            " sharedModel.deleteCellRange(0, sharedModel.cells.length); }"
        )

    def logs(self, words):
        """Waits until JupyterLab's log console holds these words for the notebook in front."""
        self.command("logconsole:open")
        self.tab.locator(".jp-LogConsolePanel .jp-OutputArea").last.get_by_text(words).first.wait_for()
        self.command("logconsole:open")

    def comes(self, expression, wanted=True, seconds=10):
        """Waits for an expression in the kernel to have this value; does it?"""
        end = time.monotonic() + seconds
        while self.ask(expression) != wanted:
            if time.monotonic() > end:
                return False
            # Also lets playwright hear what the tab has to say.
            self.tab.wait_for_timeout(20)
        return True

    def until(self, expression, wanted=True):
        """Waits until an expression in the kernel has this value."""
        assert self.comes(expression, wanted), f"{expression} is {self.ask(expression)!r} and not {wanted!r}"

    def leave(self):
        self._client.stop_channels()


def _must_be_ok(reply):
    # Without the colours of a terminal.
    assert reply["status"] == "ok", re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(reply["traceback"]))


@contextmanager
def lab(home, browser):
    """A Lab in a new tab of the browser, with an empty notebook in front and pytest connected to its kernel."""
    for name, value in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(value))
    # The debugger complains of every notebook that is closed soon.
    page = home / "config" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/debugger-extension": True}}))
    (home / "work").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *OPTIONS, f"--ServerApp.port={port}"],
            cwd=home,
            env=os.environ | {name: str(home / folder) for name, folder in DIRECTORIES.items()},
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/api", server, home / "log")
        context = browser.new_context(viewport={"width": 1300, "height": 2400})
        live = Lab(home, address, context.new_page())
        live.open(FIRST, NOTEBOOK)
        live.connect()
        yield live
        live.leave()
        context.close()
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address, server, log, seconds=120):
    end = time.monotonic() + seconds
    while True:
        try:
            return urlopen(address).read()
        except OSError:
            assert server.poll() is None and time.monotonic() < end, f"JupyterLab does not start:\n{log.read_text()}"
            time.sleep(0.2)
