# setup, run, test and bench are all a newcomer needs; run and test set up by themselves.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# PEP 517, for the older editable install of pip 23.0 does not know packages that lie elsewhere (schemas, wsdl).
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517
READY := $(VENV)/.ready

.PHONY: setup run test bench lint docs clean

setup: $(READY)

$(READY): setup.cfg setup.py
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[test]'
	touch $(READY)

run: $(READY)
	$(BIN)/itl --log-level warning story $(if $(ONCE),--once)

test: lint
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(TESTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/itl bench

docs: $(READY)
	$(BIN)/python -m sphinx -W -b html docs docs/_build/html

clean:
	rm -rf $(VENV) build dist *.egg-info docs/_build
