# Inside AlexNet. Everything happens in .venv and _build; nothing else on the machine is touched.

# Windows calls some things otherwise; the rest of this file wants a POSIX shell there, as Git for Windows brings it.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
PROGRAMS := Scripts
else
PYTHON ?= python3
PROGRAMS := bin
endif
VENV := .venv
BIN := $(VENV)/$(PROGRAMS)
SITE := _build/html
# Or student: without the solutions.
EDITION ?= instructor
NEWEST := .venv-latest
OLDEST := .venv-oldest
# What readers' machines and Colab update first.
MOVING := tensorflow keras jupyterlab nbclient ipykernel ipywidgets anywidget
# What runs the book in an environment of the oldest versions, beside what a chapter needs.
RUNNERS := nbclient ipykernel pytest pytest-timeout
CORE := $(patsubst %,tests/test_%.py,architecture layers model optimizers training)
COLAB := us-docker.pkg.dev/colab-images/public/runtime
# Every file of the book is UTF-8, also where the system reads text otherwise.
export PYTHONUTF8 := 1

.PHONY: help book pdf serve test ci latest oldest colab links budget quality bench chapters release questions figures
.PHONY: weights samples receipts lint format repo clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 16

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This book needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Two steps: the site alone needs no TensorFlow.
$(VENV)/book: $(VENV)/python requirements-book.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-book.txt
	@touch $@

$(VENV)/all: $(VENV)/book requirements.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

book: $(VENV)/book  ## build the site from the stored outputs; at a terminal, serve it (EDITION=student: no solutions)
	$(BIN)/python tools/site.py build $(EDITION)
	@if [ -t 1 ]; then $(BIN)/python tools/site.py serve $(EDITION); fi

pdf: $(VENV)/all  ## print the whole book as one PDF, to which the site then links (needs Chromium)
	$(BIN)/python tools/site.py build $(EDITION)
	$(BIN)/python tools/pdf.py $(EDITION)

serve: $(VENV)/book  ## serve the site and build it again whenever a file changes
	$(BIN)/python tools/site.py watch $(EDITION)

test: $(VENV)/all  ## everything that can be checked on this machine
	$(BIN)/python tools/check.py

ci:  ## make test where nothing may be lacking: browser, other backends, CIFAR-10 (Linux; installs what it can)
	bash .ci/run

latest:  ## run the tests with the newest TensorFlow, Keras and Jupyter, in .venv-latest (PRE=--pre: pre-releases too)
	$(MAKE) VENV=$(NEWEST) $(NEWEST)/all
	$(NEWEST)/$(PROGRAMS)/python -m pip install --quiet --disable-pip-version-check --upgrade $(PRE) $(MOVING)
	$(NEWEST)/$(PROGRAMS)/python -m pip list --disable-pip-version-check
	$(NEWEST)/$(PROGRAMS)/python tools/check.py

oldest:  ## run the network's tests, and every chapter alone, with the oldest versions allowed, in .venv-oldest (ONLY=...)
	$(MAKE) VENV=$(OLDEST) $(OLDEST)/python
	$(OLDEST)/$(PROGRAMS)/python tools/oldest.py > $(OLDEST)/oldest.txt
	$(OLDEST)/$(PROGRAMS)/python -m pip install --quiet --disable-pip-version-check -r $(OLDEST)/oldest.txt $(RUNNERS)
	$(OLDEST)/$(PROGRAMS)/python tools/oldest.py check
	$(OLDEST)/$(PROGRAMS)/python -m pytest $(CORE)
	$(OLDEST)/$(PROGRAMS)/python tools/alone.py $(ONLY)

colab:  ## run every chapter alone in Colab's public image (ONLY=chapters/20-... for one; needs Docker)
	docker run --rm --volume "$(CURDIR):/book:ro" --entrypoint python3 $(COLAB) /book/tools/alone.py $(ONLY)

links: $(VENV)/book  ## ask every address that the site links to whether it still answers
	$(BIN)/python tools/site.py build
	$(BIN)/python tools/links.py

budget: $(VENV)/all  ## measure what pages cost, and hold them to it (ONLY=chapters/20-... for one; needs Chromium)
	$(BIN)/python tools/site.py build
	$(BIN)/python tools/pages.py --budget $(ONLY)

quality: $(VENV)/all  ## ask axe-core and Lighthouse about every page (ONLY=chapters/20-... for one; needs Chromium)
	$(BIN)/python tools/site.py build
	$(BIN)/python tools/quality.py $(ONLY)

bench: $(VENV)/all  ## measure training steps, the ladder, start-up, the site and the tests (ONLY="steps site" for some)
	$(BIN)/python benchmarks/bench.py $(ONLY)

chapters: $(VENV)/all  ## run the chapters in the default profile and store their outputs (ONLY=chapters/20-... for one)
	$(BIN)/python tools/chapters.py $(ONLY)

release: $(VENV)/all  ## make the student versions of the assignments in course/release, by nbgrader
	cd course && for name in source/*/; do PATH="$(CURDIR)/$(BIN):$$PATH" python -m nbgrader generate_assignment --force $$(basename $$name) || exit 1; done

questions: $(VENV)/book  ## export the question bank for learning platforms, as Moodle XML and GIFT
	$(BIN)/python tools/questions.py

figures: $(VENV)/all  ## draw the logo, the landing picture and the social card again
	$(BIN)/python tools/figures.py

weights: $(VENV)/all  ## export the network that experiments/cifar10_tower.py trained, and what excites it
	$(BIN)/python tools/weights.py
	$(BIN)/python tools/cuttings.py

samples: $(VENV)/all  ## cut and draw the explorers' sample pictures
	$(BIN)/python tools/samples.py

receipts: $(VENV)/all  ## write the page Receipts again from assets/facts.yml and the pages that use it
	$(BIN)/python tools/receipts.py

lint: $(VENV)/all  ## check style, types and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/spelling.py
	$(BIN)/python tools/front.py lint

format: $(VENV)/all  ## format code and notebooks
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python tools/front.py format

repo: $(VENV)/book  ## move the book to another repository: make repo URL=https://github.com/you/your-fork
	$(BIN)/python tools/repository.py $(URL)

clean:  ## delete what was built and the environments
	rm -rf _build $(VENV) $(NEWEST) $(OLDEST)
