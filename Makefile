# fashionvl: everything a newcomer or CI runs. `make` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FASHIONVL := $(BIN)/fashionvl
# Test processes share the cores: two processes with two threads each would fight over them.
WORKERS ?= 2
ARGS ?=

DEMO := runs/demo
MVLT := experiments/mvlt

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint typecheck clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-zA-Z_-]*:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv with the exact versions CI uses

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(DEMO)/summary.json ## pre-train, retrieve, recognise and in-paint on 2 CPU cores (about 9 minutes)
	@$(FASHIONVL) summary $(DEMO)

$(DEMO)/summary.json: $(DEMO)/pretrain/.done $(DEMO)/recognition/.done
	@touch -c $@

$(DEMO)/pyramid/.done: $(READY) $(MVLT)/pyramid.yaml $(MVLT)/pyramid-laptop.yaml
	$(FASHIONVL) fit --config $(MVLT)/pyramid.yaml --config $(MVLT)/pyramid-laptop.yaml --run_dir $(@D) $(ARGS)
	@touch $@

$(DEMO)/pretrain/.done: $(DEMO)/pyramid/.done $(MVLT)/pretrain.yaml $(MVLT)/laptop.yaml $(MVLT)/pretrain-laptop.yaml
	$(FASHIONVL) fit --config $(MVLT)/pretrain.yaml --config $(MVLT)/laptop.yaml \
	  --config $(MVLT)/pretrain-laptop.yaml --run_dir $(@D) \
	  --model.init_args.network.init_args.pretrained_pvt $(DEMO)/pyramid/model $(ARGS)
	@touch $@

$(DEMO)/recognition/.done: $(DEMO)/pretrain/.done $(MVLT)/recognition.yaml $(MVLT)/laptop.yaml $(MVLT)/recognition-laptop.yaml
	$(FASHIONVL) fit --config $(MVLT)/recognition.yaml --config $(MVLT)/laptop.yaml \
	  --config $(MVLT)/recognition-laptop.yaml --run_dir $(@D) --model.init_args.weights $(DEMO)/pretrain $(ARGS)
	@touch $@

test: $(READY) ## run the tests (under 10 minutes on 2 cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(READY) ## ruff and the import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

typecheck: $(READY) ## mypy on src/
	$(BIN)/mypy

clean: ## remove caches and build leftovers; runs/ and data/ stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
