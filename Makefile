# Two commands: `make run` and `make test`. Both first bring .venv up to the lock.

PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
UV_VERSION := 0.13.9

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON := $(CURDIR)/.venv/bin/python
export UV_SYSTEM_CERTS := 1

.PHONY: run test test-cluster check format lock rulegraph clean

run: .venv/installed
	snakemake --cores $(CORES)

test: .venv/installed check
	tests/install_debian.sh
	pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report= --durations 15

test-cluster: .venv/installed
	tests/install_debian.sh
	pytest -m cluster

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
	rm -rf .venv .snakemake results

.venv/installed: requirements.lock pyproject.toml .venv/bin/uv
	uv pip sync --quiet requirements.lock
	uv pip install --quiet --no-deps --editable .
	touch $@

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet uv==$(UV_VERSION)
