# fashionvl: everything a newcomer or CI runs. `make` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FASHIONVL := $(BIN)/fashionvl
# Test processes share the cores: two processes with two threads each would fight over them.
WORKERS ?= 2
ARGS ?=

MVLT := experiments/mvlt

# Of the studies: make ablation-mask-ratio SCALE=laptop SEEDS="0 1 2" DATA=/path/to/catalogue LAUNCH="srun ..."
# SCALE is laptop for the synthetic catalogue and photographs for DATA, unless it is given: both take minutes on 2 CPU cores.
DATA ?=
SCALE ?= $(if $(DATA),photographs,laptop)
SEEDS ?= 0 1 2
LAUNCH ?=
WANDB ?= off
RUNS ?= runs/$(SCALE)$(if $(DATA),-$(notdir $(abspath $(DATA))))

# Of a catalogue of one's own, into whose folder nothing is written: make demo DATA=/path/to/catalogue
DEMO := runs/demo$(if $(DATA),-$(notdir $(abspath $(DATA))))
# The files of each stage, as experiments/mvlt/recipe.yaml has them at scale laptop, or photographs where DATA is given.
DEMO_PYRAMID := $(if $(DATA),distillation distillation-laptop,pyramid pyramid-laptop)
DEMO_CONTRAST := contrast contrast-laptop $(if $(DATA),photographs-laptop contrast-photographs)
DEMO_PRETRAIN := pretrain laptop pretrain-laptop $(if $(DATA),photographs-laptop pretrain-photographs)
DEMO_RECOGNITION := recognition laptop recognition-laptop $(if $(DATA),photographs-laptop)
# $(1) the names of a stage, $(2) what it takes from earlier ones: its files, and a run with them
FILES = $(1:%=$(MVLT)/%.yaml)
FIT = $(FASHIONVL) fit $(1:%=--config $(MVLT)/%.yaml) --run_dir $(@D) $(2) $(DEMO_DATA) $(ARGS)
DEMO_DATA := $(if $(DATA),--data.init_args.root $(DATA) --data.init_args.index_dir $(DEMO)/index)

# Runs side by side share the cores; the sign of -j stands in MAKEFLAGS once a recipe runs.
JOBS = $(or $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS))),1)
THREADS ?= $(shell echo $$(( $$(nproc) > $(JOBS) ? $$(nproc) / $(JOBS) : 1 )))
# Progress bars side by side would write over each other.
SHOW = $(if $(filter-out 1,$(JOBS)),--trainer.enable_progress_bar false --trainer.enable_model_summary false)

.DEFAULT_GOAL := help
.PHONY: help setup demo compare kaleido table3 table4 ablations test lint typecheck clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-zA-Z_<>-]*[a-z0-9<>]*:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ablation-<study> $(EVERY)'

setup: $(READY) ## create .venv with the exact versions CI uses

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(DEMO)/summary.json ## pre-train, retrieve, recognise and in-paint on 2 CPU cores (about 5 minutes)
	@$(FASHIONVL) summary $(DEMO)

$(DEMO)/summary.json: $(DEMO)/pretrain/.done $(DEMO)/recognition/.done
	@touch -c $@

$(DEMO)/pyramid/.done: $(READY) $(call FILES,$(DEMO_PYRAMID))
	$(call FIT,$(DEMO_PYRAMID))
	@touch $@

$(DEMO)/contrast/.done: $(DEMO)/pyramid/.done $(call FILES,$(DEMO_CONTRAST))
	$(call FIT,$(DEMO_CONTRAST),--model.init_args.network.init_args.pretrained_pvt $(DEMO)/pyramid/model)
	@touch $@

$(DEMO)/pretrain/.done: $(DEMO)/contrast/.done $(call FILES,$(DEMO_PRETRAIN))
	$(call FIT,$(DEMO_PRETRAIN),--model.init_args.network.init_args.pretrained_pvt null \
	  --model.init_args.network.init_args.pretrained_encoder $(DEMO)/contrast)
	@touch $@

$(DEMO)/recognition/.done: $(DEMO)/pretrain/.done $(call FILES,$(DEMO_RECOGNITION))
	$(call FIT,$(DEMO_RECOGNITION),--model.init_args.weights $(DEMO)/pretrain)
	@touch $@

# Unchanged recipes; their runs are those of every study's column Final.
compare: SUBJECTS = mvlt kaleido_bert ## MVLT and Kaleido-BERT on the same data: one table, with pictures
kaleido: SUBJECTS = kaleido_bert ## all stages of Kaleido-BERT alone
compare kaleido: SEEDS := $(if $(filter file,$(origin SEEDS)),0,$(SEEDS))
COMPARED ?= runs/compare
SUBJECT_RUNS = $(foreach seed,$(SEEDS),$(SUBJECTS:%=$(RUNS)/%/Final/seed$(seed)))
NAME_mvlt := MVLT
NAME_kaleido_bert := Kaleido-BERT
SUBJECT_NAMES = $(foreach seed,$(SEEDS),$(foreach it,$(SUBJECTS),$(NAME_$(it))$(if $(word 2,$(SEEDS)),-seed$(seed))))
PLAN_SUBJECTS = $(FASHIONVL) plan --recipes $(SUBJECTS:%=experiments/%/recipe.yaml) --scale $(SCALE) \
  --seeds $(SEEDS) --runs $(RUNS) $(DATA:%=--data %) --out $(RUNS)/plans/$@.mk
FAILED = $(RUNS)/plans/$@.failed

# The comparison comes in any case, shows what is missing, and then fails, too.
compare: $(READY)
	+@$(PLAN_SUBJECTS)
	@rm -f $(FAILED)
	@$(MAKE) --no-print-directory stages PLAN=$(RUNS)/plans/$@.mk STUDIES='$(SUBJECTS)' || touch $(FAILED)
	@$(FASHIONVL) compare $(SUBJECT_RUNS) --names $(SUBJECT_NAMES) --shared $(SUBJECTS:%=$(RUNS)/%) --out $(COMPARED)
	@test ! -e $(FAILED)

kaleido: $(READY)
	+@$(PLAN_SUBJECTS)
	@$(MAKE) --no-print-directory stages PLAN=$(RUNS)/plans/$@.mk STUDIES='$(SUBJECTS)'

EVERY := $(patsubst ablations/%/study.yaml,%,$(wildcard ablations/*/study.yaml))
TABLE3 := mask_ratio mask_unit mask_style objectives pretrained
GOALS := $(filter ablation-% table3 table4 ablations,$(MAKECMDGOALS))

table3: STUDIES = $(TABLE3) ## MVLT Table 3: five studies, each column with each of SEEDS
table4: STUDIES = pretrained ## MVLT Table 4: with and without a pre-trained pyramid
ablations: STUDIES = $(EVERY) ## every study there is
ablation-%: STUDIES = $(subst -,_,$(@:ablation-%=%))

# The report comes in any case, shows what failed, and then fails, too.
$(sort table3 table4 ablations $(GOALS)): $(READY)
	+@$(FASHIONVL) plan $(STUDIES) --scale $(SCALE) --seeds $(SEEDS) --runs $(RUNS) $(DATA:%=--data %) --out $(RUNS)/plans/$@.mk
	-@$(MAKE) --no-print-directory stages PLAN=$(RUNS)/plans/$@.mk STUDIES='$(STUDIES)'
	@$(FASHIONVL) report $(STUDIES) --scale $(SCALE) --seeds $(SEEDS) --runs $(RUNS) --out $(RUNS)/reports/$@ --complete

ifdef PLAN
include $(PLAN)
stages: $(foreach study,$(STUDIES),stages-$(subst _,-,$(study)))
endif

# What a report reads of run folders, as one file: make records RUNS=runs/laptop TO=docs/results/laptop/runs.json
.PHONY: records
records: $(READY)
	$(FASHIONVL) records $(RUNS) $(TO)

# Retrieval results of single runs: make seeds FROM="docs/results/laptop/runs.json runs/photographs" TO=docs/results/seeds.json
.PHONY: seeds
FROM = $(RUNS)
seeds: $(READY)
	$(FASHIONVL) seeds $(FROM) --out $(TO)

# Speed and memory, as ratios; kept in benchmarks/results and shown in docs/performance.md.
.PHONY: bench bench-gpu bench-more performance
BENCH := $(BIN)/python -m benchmarks

bench: $(READY) ## the released plan against ours on this CPU, side by side (under 10 minutes on 2 cores)
	$(BENCH) $(ARGS)

bench-gpu: $(READY) ## the same on one GPU (under 10 minutes)
	$(BENCH) --device cuda $(ARGS)

bench-more: $(READY) ## each change alone, scaling, loading at scale, cost against size, encoders (about 18 minutes)
	$(BENCH).changes
	$(BENCH).scaling
	$(BENCH).loading
	$(BENCH).table_loading
	$(BENCH).sweeps
	$(BENCH).encoders

performance: $(READY) ## write docs/performance.md anew from benchmarks/results
	$(BENCH).page

test: $(READY) ## run the tests (under 10 minutes on 2 cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(READY) ## ruff and the import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

typecheck: $(READY) ## mypy on src/
	$(BIN)/mypy

clean: ## remove caches and build leftovers; runs/ and data/ stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
