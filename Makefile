# Needs make and Python 3.11 or later; everything else goes into .venv.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
READY  := $(VENV)/.ready
BENCHMARKS := $(filter-out $(addprefix %/,results.py report.py peer.py runtime.py pocketsphinx.py mmsa.py explain.py fusion.py streaming.py sounds.py wake_words.py),$(wildcard benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  %-12s %s\n' "$$name" "$$text"; done

setup: $(READY)  ## install Trichord and all it is built and tested with into .venv

demo: $(READY)  ## learn, export, run and explain a small system, from nothing
	@$(VENV)/bin/trichord demo

test: $(READY)  ## run the tests
	@OMP_NUM_THREADS=1 $(RUN) -m pytest -n auto --dist loadscope

check: $(READY)  ## lint, formatting and types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

bench: $(READY)  ## run every benchmark; writes docs/results.json and docs/results.md
	@for script in $(BENCHMARKS); do echo "$$script"; $(RUN) $$script || exit 1; done
	@if [ -n "$(MODEL)" ]; then $(RUN) benchmarks/runtime.py $(MODEL) $(CLIP); \
		else echo "For benchmarks/runtime.py as well: make bench MODEL=grid.onnx CLIP=clip.mp4"; fi

clean:  ## remove the environment, the caches and the builds; runs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Trichord needs Python 3.11 or later, and $(PYTHON) is not. Install one, then name it:"; \
		echo "  make setup PYTHON=python3.12"; exit 1; } >&2
	@echo "Setting up $(VENV): about 1 GB to download, 2 to 10 minutes, once."
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) \
		|| { $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(RUN) install pip; } \
		|| { rm -rf $(VENV); echo "$(PYTHON) cannot make an environment with pip in it."; \
		     echo "On Debian or Ubuntu: sudo apt install python3-venv. Then again: make setup"; exit 1; } >&2
	@echo "  1 of 2: PyTorch"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	@echo "  2 of 2: Trichord and the rest"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
	@echo "Ready. Try: make demo"
