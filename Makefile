# make run      the workflow
# make quick    while editing: lint the changed files, and run the tests that start no process
# make test     before a commit: all checks, and the tests that a change can break (test-only: these alone)
# make test-slow, coverage, test-exhaustive, mutants, storm: CONTRIBUTING.md
# Each of these first syncs .venv with the lock; only test-slow and coverage install anything outside it.

PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
MINUTES ?= 60
UV_VERSION := 0.13.9

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON := $(CURDIR)/.venv/bin/python
export UV_SYSTEM_CERTS := 1
export UV_COMPILE_BYTECODE := 1

PYTEST := pytest -n 2 --dist worksteal
# Many slow tests wait more than they compute.
PYTEST_SLOW := pytest -n 3 --dist worksteal -m "slow and not exhaustive" --durations 20

# Python files that differ from main, or are new; if there are none, ruff checks everything.
CHANGED = $(shell { git diff --name-only --diff-filter=d $$(git merge-base main HEAD || echo HEAD); \
  git ls-files --others --exclude-standard; } 2>/dev/null | grep '\.py$$' | sort -u)

.PHONY: run quick test test-only test-slow test-exhaustive coverage check mutants storm rooms format lock rulegraph clean

run: .venv/installed
	snakemake --cores $(CORES)

quick: .venv/installed
	ruff check $(CHANGED)
	ruff format --check $(CHANGED)
	$(PYTEST) -m pure

test: check test-only

test-only: .venv/installed
	$(PYTEST) -m "not slow and not exhaustive"

test-slow: .venv/installed
	tests/install_debian.sh
	$(PYTEST_SLOW)

test-exhaustive: .venv/installed
	$(PYTEST) -m "exhaustive or hypothesis" --hypothesis-profile exhaustive --durations 20

coverage: .venv/installed
	tests/install_debian.sh
	$(PYTEST) -m "not slow and not exhaustive" --cov --durations 20
	$(PYTEST_SLOW)

mutants: .venv/installed
	mutmut run
	mutmut results

storm: run
	python benchmarks/storm.py --models_dir results/models --minutes $(MINUTES) \
	  --library results/simulated/dataset_single.csv --report results/storm.jsonl

rooms: .venv/installed
	python tests/rooms.py

check: .venv/installed
	ruff check
	ruff format --check
	mypy
	snakefmt --check workflow
	snakemake --lint

format: .venv/installed
	ruff check --fix
	ruff format
	snakefmt workflow

lock: .venv/bin/uv
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --upgrade \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock

rulegraph: .venv/installed
	{ printf '# The rules of the workflow\n\nMade by `make rulegraph`.\n\n```mermaid\n'; \
	  snakemake --directory .test --cores 1 --quiet --rulegraph mermaid-js; echo '```'; } > docs/rulegraph.md

clean:
	rm -rf .venv .snakemake results mutants

.venv/installed: requirements.lock pyproject.toml .venv/bin/uv
	uv pip sync --quiet requirements.lock
	uv pip install --quiet --no-deps --editable .
	python -m compileall -q servier
	touch $@

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet uv==$(UV_VERSION)
