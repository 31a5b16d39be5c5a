# make demo    set up, generate a project, train it on real data, show the result
# make test    set up and pass every check that CI runs
# make matrix  the whole matrix of specs (make test runs a fixed sample)
# make golden  accept what is rendered now as golden; read the diff afterwards

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# One thread a process: the stand-in models are small.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint unit matrix golden clean

demo: $(VENV)/demo
	rm -rf demo
	$(BIN)/lightgen new demo/digits-run --optimizer custom --groups backbone:1e-4,head:1e-3
	cd demo/digits-run && $(BIN)/python -m pip install --quiet --no-deps -e . \
		&& $(BIN)/python -m digits_run.train --plot

test: lint unit

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/black --check --quiet .
	$(BIN)/mypy

unit: $(VENV)/test
	$(BIN)/python -m pytest -n auto --dist worksteal

matrix: $(VENV)/test
	$(BIN)/python -m pytest tests/matrix --matrix=all -n auto --dist worksteal

golden: $(VENV)/test
	$(BIN)/python -m pytest tests/golden --accept -q
	git diff --stat golden

$(VENV)/demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e ".[torch,plot]"
	touch $@

$(VENV)/test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e ".[test]"
# In a folder of their own: beside a torch without CUDA, torchvision breaks whatever imports it.
	$(PIP) --no-deps --upgrade --target $(VENV)/vision timm torchvision
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) demo build dist golden/.got
