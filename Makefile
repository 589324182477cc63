# The whole of StyleScope in two commands: `make run` and `make test`. Each does its own setting up.
PYTHON ?= python3
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint screenshots clean dev test-setup python

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: python ## Set up and start StyleScope; ARGS="..." goes to main.py
	@$(PYTHON) scripts/setup.py run -- $(ARGS)

test: export PYTHONDONTWRITEBYTECODE = # tests start the program some hundred times: compile it once
test: test-setup lint ## Set up, lint, and run every test
	OMP_NUM_THREADS=1 $(VENV)/python -m pytest -n 2 --dist worksteal --ignore tests/gui
	$(VENV)/python -m pytest -n 2 --dist worksteal tests/gui # after the rest: a hand wants a window that keeps up

lint: dev ## Check style, types and the direction of imports
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports

screenshots: test-setup ## Take the pictures of the documentation anew
	$(VENV)/python scripts/screenshots.py

clean: ## Remove .venv and all caches; pictures in out/ stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

dev: python
	@$(PYTHON) scripts/setup.py dev

test-setup: python
	@$(PYTHON) scripts/setup.py test

python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here and StyleScope needs Python 3.11 or newer: on Debian type 'sudo apt-get install python3 python3-venv'."; exit 1; }
