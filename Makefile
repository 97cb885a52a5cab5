# Everything a newcomer needs: `make quickstart` and `make test` set themselves up in .venv.

MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: quickstart test check format javascript clean

quickstart: $(VENV)/installed-quickstart
	$(BIN)/limbeck run recipes/quickstart.yaml

test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --dist loadfile

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What the tests of JavaScript clients need, beside Node itself; without it they are skipped.
javascript: tests/javascript/node_modules

tests/javascript/node_modules: tests/javascript/package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/javascript
	touch $@

clean:
	rm -rf $(VENV) build dist src/*.egg-info

# A stamp per set of extras; made again when what it was made from changes.
$(VENV)/installed-%: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$*,quickstart]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
