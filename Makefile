# Everything that a person does with this project. `make` alone prints this list.

# Any Python from 3.8 on starts the set-up; the project's own one (3.13) is in .venv afterwards.
PYTHON = $(shell for p in python3 python3.13 python3.12 python3.11 /usr/bin/python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run up down demo test check format bench lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## start the local cloud, take a short tour, stay up until Ctrl-C
	@exec $(VENV)/python -m devstack run $(ARGS)

up: setup ## start the local cloud in the background; returns when it is ready
	@exec $(VENV)/python -m devstack up $(ARGS)

down: ## end everything that `make up` or `make run` started
	@[ ! -x $(VENV)/python ] || exec $(VENV)/python -m devstack down $(ARGS)

demo: setup ## ordinary traffic, then six attacks, live, and the alerts that they raise
	@$(VENV)/python -m devstack up
	@exec $(VENV)/python -m devstack demo $(ARGS)

test: setup ## run all tests (ARGS="tests/ledger -q" for some)
	@exec $(VENV)/python -m pytest $(ARGS)

check: setup ## format, lint, strict types, import contracts
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports

format: setup ## format the code and apply safe lint fixes
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

bench: setup ## measure against stock Presidio; prints a table, writes bench/results.json
	@exec $(VENV)/python -m bench $(ARGS)

setup: ## make .venv and node_modules as the lock files say (the other commands do it by themselves)
	@if [ -z "$(PYTHON)" ]; then echo "set-up stopped: no Python >= 3.8 on PATH; install python3 and run this again" >&2; exit 2; fi
	@"$(PYTHON)" -I devstack/bootstrap.py setup

lock: ## compile requirements*.txt from requirements*.in, with hashes
	@"$(PYTHON)" -I devstack/bootstrap.py lock

clean: down ## remove what set-up and the local cloud wrote
	@rm -rf .venv node_modules .devstack
