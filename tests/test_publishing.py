"""How the book is published and kept alive: workflows, other homes, links, citation; and proof that rules can fail."""

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import check_jsonschema
import pytest
import yaml
from bs4 import BeautifulSoup
from click.testing import CliRunner

import alexnet
import alone
import links
import oldest
import pages
import repository
from conftest import CHAPTERS, ROOT, missing

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.M))
FORMS = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "dependabot": [ROOT / ".github" / "dependabot.yml"],
    "github-issue-forms": FORMS,
    "github-issue-config": [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"],
    "citation-file-format": [ROOT / "CITATION.cff"],
}


def validated(schema, files):
    """check-jsonschema's status and words on files; the schemas come with it."""
    done = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", f"vendor.{schema}", *map(str, files)])
    return done.exit_code, done.output


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_for_other_programs_are_of_their_form(schema, tmp_path):
    files = SCHEMAS[schema]
    status, words = validated(schema, files)
    assert files and status == 0, words
    spoilt = tmp_path / files[0].name
    first = re.search(r"^(?!#)(\w[\w-]*):", files[0].read_text(), re.M)[1]
    spoilt.write_text(files[0].read_text().replace(f"{first}:", f"un{first}:", 1))
    assert validated(schema, [spoilt])[0] != 0, f"{first} was misspelt"


def zizmor(folder):
    """zizmor's status and words on a folder, without the network; where it finds something, the status is above 10."""
    command = [Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", "--persona", "pedantic", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_workflows_are_safe(tmp_path):
    status, words = zizmor(ROOT / ".github")
    assert status == 0, words
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for path in WORKFLOWS:
        text = path.read_text()
        (folder / path.name).write_text(text.replace("  pull_request:", "  pull_request_target:"))
    status, words = zizmor(tmp_path / ".github")
    assert status > 10 and "pull_request_target" in words


# What a step may run: one target of make, the installing of system packages, or making room on the runner.
STEP = re.compile(
    r"make (?P<target>[a-z]+)(?: [A-Z]+=(?:\"[^\"]*\"|\S*))*|sudo apt-get install [\w. -]+|sudo rm -rf( /\S+)+"
)
USES = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$")


def workflow_problems(text):
    """A sentence for everything in a workflow that breaks a rule of the house."""
    workflow = yaml.safe_load(text)
    found = [f"not pinned: {line.strip()}" for line in text.splitlines() if "uses:" in line and not USES.search(line)]
    if workflow.get("permissions") != {}:
        found.append("the workflow itself has permissions")
    for name, job in workflow["jobs"].items():
        uses = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
        needed = {"contents": "read"}
        if "actions/deploy-pages" in uses:
            needed = {"pages": "write", "id-token": "write"}
        if job.get("permissions") != needed:
            found.append(f"{name} has permissions {job.get('permissions')}, and needs {needed}")
        for step in job["steps"]:
            if (
                "actions/checkout@" in step.get("uses", "")
                and step.get("with", {}).get("persist-credentials") is not False
            ):
                found.append(f"{name} leaves the token lying about")
        if "timeout-minutes" not in job:
            found.append(f"{name} has no end")
        for command in (line for step in job["steps"] for line in step.get("run", "").splitlines()):
            step = STEP.fullmatch(command.strip())
            if not step:
                found.append(f"{name} runs what nobody can run at home: {command}")
            elif step["target"] and step["target"] not in TARGETS:
                found.append(f"{name} runs make {step['target']}, which does not exist")
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_obey_the_rules(path):
    assert workflow_problems(path.read_text()) == []


SPOILS = {
    "a tag": ((r"@[0-9a-f]{40} # v(\d+)\.\d+\.\d+", r"@v\1"), "not pinned"),
    "half a hash": ((r"(@[0-9a-f]{20})[0-9a-f]{20}", r"\1"), "not pinned"),
    "a hash without its name": ((r" # v\d+\.\d+\.\d+", ""), "not pinned"),
    "everything allowed": (("permissions: {}", "permissions: write-all"), "the workflow itself"),
    "default permissions": (("permissions: {}\n", ""), "the workflow itself"),
    "a job that may write": (("contents: read", "contents: write"), "has permissions"),
    "one more permission": (("contents: read", "contents: read\n      issues: write"), "has permissions"),
    "a script of its own": (("run: make", "run: python -m pytest && make"), "nobody can run at home"),
    "a second line": ((r"run: (make .*)", r"run: |\n          \1\n          curl -s example.org | sh"), "nobody can"),
    "a target that is not there": (("run: make ", "run: make re"), "which does not exist"),
    "credentials kept": (("persist-credentials: false", "persist-credentials: true"), "the token"),
    "no end": ((r"    timeout-minutes: \d+\n", ""), "has no end"),
}


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_spoilt_workflow_is_found(path, spoil):
    (old, new), message = SPOILS[spoil]
    spoilt = re.sub(old, new, path.read_text(), count=1)
    assert spoilt != path.read_text()
    assert any(message in problem for problem in workflow_problems(spoilt))


def workflow(name):
    found = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return found | {"on": found[True]}  # for YAML 1.1, which PyYAML reads, `on` is a truth


def runs(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_every_change_is_tested_on_three_systems():
    book = workflow("book")
    assert set(book["on"]) == {"push", "pull_request"} and book["on"]["push"] == {"branches": ["main"], "tags": ["v*"]}
    test, complete = book["jobs"]["test"], book["jobs"]["complete"]
    matrix = test["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"] and test["runs-on"] == "${{ matrix.system }}"
    (python,) = [step["with"] for step in test["steps"] if "setup-python" in step.get("uses", "")]
    assert python["python-version"] == "${{ matrix.python }}"
    assert runs(test) == ["make test CI="] and runs(complete) == ["make ci"]
    least = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert least == f">={matrix['python'][0]}"


def test_what_is_published_has_passed():
    jobs = workflow("book")["jobs"]
    assert runs(jobs["site"]) == ["make pdf"]
    assert [line.split()[1:3] for line in dry("pdf", "OS=").splitlines()[-2:]] == [
        ["tools/site.py", "build"],
        ["tools/pdf.py", "instructor"],
    ]
    uploads = {
        step["uses"].partition("@")[0]: step for step in jobs["site"]["steps"] if "upload" in step.get("uses", "")
    }
    assert {step["with"]["path"] for step in uploads.values()} == {links.SITE.relative_to(ROOT).as_posix()}
    assert "if" not in uploads["actions/upload-artifact"], "the preview of a pull request"
    push = "github.event_name == 'push'"
    assert uploads["actions/upload-pages-artifact"]["if"] == jobs["publish"]["if"] == push
    assert set(jobs["publish"]["needs"]) == {"complete", "site"}


def test_every_week_what_changes_by_itself_is_tried():
    weekly = workflow("weekly")
    assert len(weekly["on"]["schedule"]) == 1 and "workflow_dispatch" in weekly["on"]
    # Minute and hour at numbers, one weekday: once a week.
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", weekly["on"]["schedule"][0]["cron"])
    commands = {name: runs(job)[-1] for name, job in weekly["jobs"].items()}
    latest = {"latest": 'make latest CI= PRE="$PRE"'}
    others = {"oldest": "make oldest", "colab": "make colab", "links": "make links", "quality": "make quality"}
    assert commands == latest | others
    assert weekly["jobs"]["latest"]["strategy"]["matrix"] == {"pre": ["", "--pre"]}


def dry(*arguments):
    """The commands that make would run, in an empty folder: nothing is built yet."""
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", *arguments]
    # `make test` must not hand this make its own options, nor that it is the inner of two.
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=alone).stdout


def test_make_finds_its_programs_on_windows_too():
    assert ".venv/bin/python tools/site.py build" in dry("book", "OS=")
    there = dry("book", "OS=Windows_NT")
    assert ".venv/Scripts/python tools/site.py build" in there and "/bin/" not in there
    assert re.search(r"^python -m venv", there, re.M), "the name python3 opens a shop there"


def test_the_newest_releases_have_an_environment_of_their_own():
    commands = dry("latest", "PRE=--pre", "OS=")
    assert "-m venv .venv-latest" in commands and ".venv-latest/bin/python tools/check.py" in commands
    upgrade = next(line for line in commands.splitlines() if "--upgrade" in line)
    assert "--pre " in upgrade and {"tensorflow", "keras", "jupyterlab"} <= set(upgrade.split())
    assert not re.search(r"\.venv/", commands), "the usual environment stays as it is"


def test_the_oldest_versions_have_an_environment_of_their_own():
    commands = dry("oldest", "OS=").splitlines()
    python = ".venv-oldest/bin/python"
    assert any("-m venv .venv-oldest" in line for line in commands)
    first, install, check, tests, chapters = (line for line in commands if line.startswith(python))
    # The one list of them is pip's too, and it is looked at after pip has run.
    assert first == f"{python} tools/oldest.py > .venv-oldest/oldest.txt" and check == f"{python} tools/oldest.py check"
    assert " -r .venv-oldest/oldest.txt " in install and "--upgrade" not in install
    named = [ROOT / word for word in tests.split() if word.startswith("tests/")]
    assert len(named) >= 4 and all(path.is_file() for path in named)
    assert chapters.strip() == f"{python} tools/alone.py", "no chapter is left out"


def test_what_is_supported_is_said_and_tried():
    bounds = oldest.bounds(oldest.PROJECT.read_text(encoding="utf-8"))
    tensorflow = ".".join(bounds["tensorflow"].split(".")[:2])
    said = f"Python {bounds['python']}, TensorFlow {tensorflow} and Keras {bounds['keras']}"
    for name in ("README.md", "CONTRIBUTING.md"):
        assert (ROOT / name).read_text().count(said) == 1, name
    # Of the Pythons, the oldest is the one that the oldest TensorFlow is tried with.
    jobs = workflow("weekly")["jobs"]["oldest"], workflow("book")["jobs"]["complete"]
    for job in jobs:
        (python,) = [step["with"]["python-version"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
        assert python == bounds["python"]


def requirements(name):
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def test_the_toolchain_is_pinned_and_what_the_package_needs_is_not():
    tools = requirements("requirements.txt") + requirements("requirements-book.txt")
    assert [line for line in tools if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == ["numpy"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    assert [line for line in needs if re.search(r"==|<|~=|!=", line)] == []


def test_the_book_says_one_version_and_one_address():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)[1]
    assert citation["version"] == newest == alexnet.__version__
    assert citation["repository-code"] == repository.address()
    assert citation["url"] == f"https://{repository.forms(repository.address())['site']}"
    assert citation["title"] == yaml.safe_load((ROOT / "_config.yml").read_text())["title"]


def test_containers_build_the_book():
    docker = (ROOT / "Dockerfile").read_text()
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert "RUN make book\n" in docker and container["postCreateCommand"] == "make book"
    stages = re.findall(r"^FROM (\S+) AS (\w+)$", docker, re.M)
    build = container["build"]
    assert build["target"] in dict(map(reversed, stages)) and stages[-1][0] == build["target"]
    assert (ROOT / ".devcontainer" / build["dockerfile"]).resolve() == ROOT / "Dockerfile"
    served = docker.rsplit("CMD ", 1)[1]
    assert json.loads(served)[-1] == links.SITE.relative_to(ROOT).as_posix()
    ports = {int(port) for port in re.findall(r"EXPOSE (\d+)", docker)}
    assert ports == set(container["forwardPorts"]) == {int(json.loads(served)[3])}
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "_build", "node_modules"} <= set(ignored), "what was built here would be taken along"


def test_a_binder_has_what_the_chapters_need():
    folder = ROOT / ".binder"
    assert (folder / "requirements.txt").read_text().splitlines()[1:] == [
        "-e .[chapters]",
        *(line for line in requirements("requirements.txt") if line.startswith("jupyterlab=")),
    ]
    python = workflow("book")["jobs"]["complete"]["steps"][1]["with"]["python-version"]
    assert (folder / "runtime.txt").read_text() == f"python-{python}\n"
    script = folder / "postBuild"
    assert script.stat().st_mode & 0o111 or sys.platform == "win32"
    subprocess.run(["bash", "-n", script], check=True)


def test_every_chapter_opens_in_colab_and_in_kaggle():
    readme = (ROOT / "README.md").read_text()
    path = repository.address().removeprefix("https://github.com/")
    for chapter in CHAPTERS:
        (row,) = [line for line in readme.splitlines() if f"(chapters/{chapter.name})" in line and line[0] == "|"]
        notebook = f"{path}/blob/main/chapters/{chapter.name}"
        assert f"(https://colab.research.google.com/github/{notebook})" in row
        assert f"(https://kaggle.com/kernels/welcome?src=https://github.com/{notebook})" in row
    assert f"(https://mybinder.org/v2/gh/{path}/main?urlpath=lab/tree/chapters)" in readme


GUIDES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", ".github/PULL_REQUEST_TEMPLATE.md"]


@pytest.mark.parametrize("name", GUIDES)
def test_guides_name_what_is_there(name):
    text = (ROOT / name).read_text()
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^(?:```\w*\n)(.*?)^```", text, re.M | re.S)
    targets = {target for part in code for target in re.findall(r"\bmake ([a-z]+)\b", part)}
    assert targets <= TARGETS, targets - TARGETS
    named = [part for part in code if re.fullmatch(r"(?:[\w.-]+/)*[\w-]+\.\w{1,5}|(?:[\w.-]+/)+", part)]
    plain = re.sub(r"`[^`\n]+`", "", text)
    led = [target.partition("#")[0] for target in re.findall(r"\]\(([^)#:][^):]*)\)", plain)]
    gone = [part for part in named + led if part and not (ROOT / name).parent.joinpath(part).exists()]
    # What a reader is told to make anew is called NAME, NN-... or stands in a folder that is built.
    gone = [part for part in gone if not (ROOT / part).exists() and not re.search(r"NAME|NN-|^_build/", part)]
    assert gone == []


def test_each_way_to_contribute_is_under_a_page():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    parts = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    for way in ("Add a chapter", "Add a claim", "Add an explorer"):
        assert 60 < len(parts[way].split()) < 450, way
    assert {"CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", "CITATION.cff"} <= set(
        re.findall(r"\]\(([\w.]+)\)", (ROOT / "README.md").read_text())
    )


# Addresses on other hosts.


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://example.org/paper.pdf", "neither http nor https"),
        ("//example.org/x", "neither http nor https"),
        ("https://example.org/a b", "a character"),
        ("https://example.org/<a>", "a character"),
        ("https://layer/", "no host"),
        ("https:///paper.pdf", "no host"),
        ("https://example.org/paper.pdf.", "punctuation"),
        ("https://example.org/paper.pdf,", "punctuation"),
    ],
)
def test_a_malformed_address_is_found(address, message):
    assert message in links.problem(address)


def test_a_wellformed_address_is_not_faulted():
    for address in (
        "http://host.robots.ox.ac.uk:8080/a/",
        "https://doi.org/10.1023/B:VISI.00.94",
        "https://a.org/~k/?x=1,2",
    ):
        assert links.problem(address) == ""


def test_every_external_link_of_the_site_is_listed_and_well_formed(site):
    listed = links.external(site)
    assert {address: why for address in listed if (why := links.problem(address))} == {}
    assert set(links.GONE) <= set(listed), "one that is gone is no longer linked"
    ours, seen = repository.address(), set()
    for page in site.rglob("*.html"):
        if "_static" in page.parts:
            continue
        article = BeautifulSoup(page.read_text(), "html.parser").find("article")
        for link in article.find_all("a", href=re.compile("^https?:")) if article else []:
            seen.add(link["href"].partition("#")[0])
            assert page.relative_to(site).as_posix() in listed[link["href"].partition("#")[0]]
    assert len(seen) > 100 and {ours} <= set(listed)
    files = [address.removeprefix(f"{ours}/blob/main/") for address in seen if address.startswith(f"{ours}/blob/")]
    assert files and [file for file in files if not (ROOT / file).is_file()] == [], "a file of ours is not there"
    assert not [address for address in listed if "/edit/main/" in address or "/issues/new" in address]


def test_links_in_html_are_listed_with_their_pages(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_static").mkdir()
    (tmp_path / "index.html").write_text(
        '<a href="https://a.org/x#place">1</a><a href="HTTP://B.org">2</a><a href="chapters/a.html">3</a><a>4</a>'
        '<a href="https://github.com/me/book/edit/main/index.md">5</a><a href="https://github.com/me/book">6</a>'
        '<a href="https://github.com/me/book/blob/main/a.py">9</a>'
        '<a href="https://colab.research.google.com/github/me/book/blob/main/a.ipynb">7</a><a href="mailto:x@y.z">8</a>'
    )
    (tmp_path / "chapters" / "a.html").write_text('<details><a class="x" href="https://a.org/x">1</a></details>')
    (tmp_path / "_static" / "a.html").write_text('<a href="https://c.org">1</a>')
    assert links.external(tmp_path, "https://github.com/me/book") == {
        "HTTP://B.org": ["index.html"],
        "https://a.org/x": ["chapters/a.html", "index.html"],
        "https://github.com/me/book": ["index.html"],
        "https://github.com/me/book/blob/main/a.py": ["index.html"],
    }


class _Host(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = int(self.path.strip("/"))
        self.send_response(code)
        if code == 301:
            self.send_header("Location", "/200")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def test_a_page_that_is_gone_is_told_from_one_that_refuses_a_program(tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_address[1]}/"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/"
    broken, refused = links.ask([f"{host}{code}" for code in (200, 301, 403, 404, 410)] + [nobody], tmp_path / "links")
    server.shutdown()
    assert set(broken) == {f"{host}404", f"{host}410", nobody} and set(refused) == {f"{host}403"}


# A chapter alone, as `make colab` runs it.


@pytest.mark.parametrize(
    ("after", "error", "says"),
    [
        ({"keras==3", "tqdm==1", "anywidget==1"}, None, ""),
        ({"keras==3", "tqdm==1"}, RuntimeError("cell 3 wrote to stderr"), "RuntimeError: cell 3"),
        ({"keras==4", "tqdm==1", "anywidget==1"}, None, "changed what was installed: keras==3"),
        ({"tqdm==1", "anywidget==1"}, None, "changed what was installed: keras==3"),
    ],
)
def test_what_a_chapter_alone_does_is_told(after, error, says, tmp_path):
    (tmp_path / "a.ipynb").write_text("a notebook")
    states, folders = iter([{"keras==3", "tqdm==1"}, after]), []

    def run(path):
        folders.append(path.parent)
        assert [file.name for file in path.parent.iterdir()] == ["a.ipynb"], "nothing lies beside it"
        if error:
            raise error

    wrong, added = alone.trouble(tmp_path / "a.ipynb", environment=lambda: next(states), run=run)
    assert (says in wrong if says else wrong == "") and folders[0] != tmp_path
    assert added == {"anywidget"} & alone.names(after)


def test_colab_runs_the_chapters_of_this_repository():
    (command,) = dry("colab", "ONLY=chapters/20-architecture.ipynb").splitlines()
    assert re.search(rf'--volume "{re.escape(str(ROOT))}:/book:ro"', command)
    assert command.endswith("/book/tools/alone.py chapters/20-architecture.ipynb") and "colab-images/public" in command


# A downloaded copy of the site, and Python's own server.


def test_a_downloaded_copy_works_without_a_network(site, tmp_path):
    if not pages.chromium():
        missing("Chromium, so no page is opened (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    copied = shutil.copytree(site, tmp_path / "downloads" / "site")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, cwd=copied.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert "Serving HTTP" in server.stdout.readline()
        home = f"http://127.0.0.1:{port}/site/"
        with sync_playwright() as playwright:
            # A host that is not this machine is not found at all.
            rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
            browser = playwright.chromium.launch(executable_path=pages.chromium(), args=[*pages.FLAGS, rules])
            tab, trouble = browser.new_page(), []
            tab.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
            tab.on("pageerror", lambda error: trouble.append(str(error)))
            tab.on("requestfailed", lambda request: trouble.append(request.url))
            tab.goto(f"{home}index.html", wait_until="networkidle")
            tab.click(".prev-next-footer a.right-next")
            tab.wait_for_url(f"{home}chapters/*.html")
            tab.wait_for_load_state("networkidle")
            tab.goto(f"{home}chapters/34-softmax-and-cross-entropy.html", wait_until="networkidle")
            for place in tab.locator(".alexnet-explorer").all():
                place.scroll_into_view_if_needed()
            tab.locator(".alexnet-explorer:not([data-mounted])").first.wait_for(state="detached")
            tab.wait_for_selector("mjx-container")
            assert tab.locator("table.softmax").count()
            assert trouble == []
            browser.close()
    finally:
        server.terminate()
        server.wait()
