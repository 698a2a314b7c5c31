# `make help` lists the targets. Works with GNU make 3.81 and newer, on Linux and macOS.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
UV_READY := $(VENV)/.uv
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
PACKAGES := agents analysis channels cli config domain embedded net notifications sources storage \
  web workers workflows
# Unit and integration tests run side by side; the live ones have the two cores to themselves.
JOBS ?= 2
PYTEST_ARGS ?=

# Our packages have common names: the checkout comes first on the path.
export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-live lint format lock live-deps weights bench-spine \
  bench-due bench-claim proof chaos clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make the environment in .venv from the lock files (hashes checked)

$(UV_READY): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Humas needs Python 3.11 or newer, and $(PYTHON) is older. Name another: make PYTHON=python3.13 setup" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make an environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-uv.lock
	@touch $@

$(STAMP): requirements-dev.lock $(UV_READY)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements-dev.lock
	@touch $@

demo: setup ## Run the whole cycle for a fictitious brand (AUTO=1: nobody is asked, MODEL=name: another model)
	bin/humas demo $(if $(filter 1 yes true,$(AUTO)),--auto) $(if $(MODEL),--model $(MODEL))

test: setup ## Run all tests; live ones skip, with the reason, where their servers are missing
	$(MAKE) test-unit
	$(MAKE) test-live

test-unit: setup ## Run the unit and integration tests (everything but tests/live)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --ignore=tests/live $(PYTEST_ARGS)

test-live: setup ## Run the tests against real servers, a real model and a real browser
	$(BIN)/python -m pytest tests/live $(PYTEST_ARGS)

lint: setup ## Check style, types, floors, and that the migrations make exactly the tables
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES) tests
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.checks.migrations

format: setup ## Format the code and mend what can be mended safely
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: $(UV_READY) ## Resolve pyproject.toml into the lock files (UPGRADE=1: newest versions)
	$(UV_COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock
	$(UV_COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

# What the live tests need beyond Python: Debian's packages (apt is left alone where all are
# there) and the node modules of the Bluesky network (in a cache folder, minutes the first time).
# Files are looked for, not packages: an image may leave /usr/share/doc out of what it installs.
live-deps: setup ## Install what the live tests need beyond Python (Debian packages, node modules)
	@missing=; \
	have() { command -v "$$1" >/dev/null 2>&1 || missing="$$missing $$2"; }; \
	have chromium "chromium chromium-sandbox"; have node nodejs; have npm npm; \
	have g++ g++; have python3 python3; \
	test -f /usr/share/doc/debian-handbook/html/id-ID/index.html || missing="$$missing debian-handbook"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -n "$$missing" ]; then \
	  command -v apt-get >/dev/null 2>&1 || \
	    { echo "No apt-get here: the live tests of$$missing will skip." >&2; exit 0; }; \
	  as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	  $$as apt-get update && \
	  $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --reinstall \
	    -o Dpkg::Options::=--path-include='/usr/share/doc/debian-handbook/*' $$missing; \
	fi
	$(BIN)/python -m tests.live.bluesky_network.install

weights: setup ## Fetch the demonstration model (1.1 GB, once per user)
	@$(BIN)/python -c 'from config.settings import settings as s; from embedded.models import resolve; print(resolve(s().demo_model, s().model_cache))'

bench-spine: setup ## Measure what queue, locks and checkpoints cost per stage
	$(BIN)/python -m tests.bench.spine

bench-due: setup ## Measure how late 1,000 posts leave that are due at once (ARGS="-n 200")
	$(BIN)/python -m tests.bench.due $(ARGS)

bench-claim: setup ## Measure finding and claiming with up to 100,000 waiting posts
	$(BIN)/python -m tests.bench.claim

proof: setup ## Prove delivery over at least 1,000 histories with crashes and broken answers (minutes)
	$(BIN)/python -m tests.proof $(ARGS)

chaos: setup live-deps ## Publish 500 posts through a storm of failures, beside a naive baseline
	$(BIN)/python -m tests.chaos.run $(ARGS)

clean: ## Remove the environment and caches; data in .humas stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build
	find . -name __pycache__ -type d -not -path './.humas/*' -prune -exec rm -rf {} +
