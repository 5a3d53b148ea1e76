# Every target sets up the virtual environment it needs beside this file; needs only Python >= 3.11 and make.
PYTHON ?= python3
VENV   ?= .venv
SCALE  ?= quick
SITE   ?= site
BUDGET ?= 600
FIGURES ?= figures
BIN    := $(VENV)/bin
RUN    := $(BIN)/rl-theorems
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
JOBS   ?= auto
FAULTS ?= --sample 300

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help report verify falsify figures test lint types docs bench faults clean wheel

help:
	@echo "make report          the report site, from nothing ($(SITE)/index.html)"
	@echo "make test            the test suite, from nothing"
	@echo "make verify          judge every claim; exit 1 on an unexplained refutation"
	@echo "make falsify         search every claim for a counterexample, BUDGET seconds in all ($(BUDGET))"
	@echo "make figures         every figure;  make figure-SLUG  those of one paper"
	@echo "make paper-SLUG      one paper at the paper's own sizes: evidence, verdicts, figures"
	@echo "make faults          plants faults in kernels and judges, one at a time; the tests must catch 9 of 10 ($(FAULTS))"
	@echo "make bench           speed, side by side with the peers that install (RLBERRY=python that has rlberry)"
	@echo "make lint types docs wheel clean"

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "rl-theorems needs Python >= 3.11; this is %s (set PYTHON=...)" % sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: pyproject.toml $(VENV)/.created
	@echo "installing rl-theorems into $(VENV)"
	@$(PIP) -e '.[interop,exact]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.run
	@echo "installing the test and development tools into $(VENV)"
	@$(PIP) -e '.[dev]'
	@touch $@

report: $(VENV)/.run
	@$(RUN) report --scale $(SCALE) --out $(SITE)

verify: $(VENV)/.run
	@$(RUN) verify --scale $(SCALE)

falsify: $(VENV)/.run
	@$(RUN) falsify --budget $(BUDGET)

figures: $(VENV)/.run
	@$(RUN) figures --scale $(SCALE) --out $(FIGURES)

figure-%: $(VENV)/.run
	@$(RUN) figures $* --scale $(SCALE) --out $(FIGURES)

paper-%: $(VENV)/.run
	@$(RUN) verify $* --scale paper
	@$(RUN) figures $* --scale paper --out $(FIGURES)

test: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n $(JOBS)

faults: $(VENV)/.dev
	@$(PIP) -e '.[faults]'
	@$(BIN)/python tests/mutation/run.py $(FAULTS)

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

docs: $(VENV)/.run
	@$(PIP) -e '.[docs]'
	@$(BIN)/sphinx-build -q -W docs $(SITE)/docs

wheel: $(VENV)/.dev
	@$(BIN)/python -m build --outdir dist .

bench: $(VENV)/.run
	@$(PIP) quantecon threadpoolctl
	-@$(PIP) pymdptoolbox mdpsolver
	@$(BIN)/python benchmarks/bench_planning.py
	@$(BIN)/python benchmarks/bench_online.py $(if $(RLBERRY),--rlberry $(RLBERRY))
	@$(BIN)/python benchmarks/bench_bandits.py $(if $(SMPYBANDITS),--smpybandits $(SMPYBANDITS))
	@$(BIN)/python benchmarks/bench_adversarial.py
	@$(BIN)/python benchmarks/bench_robust_operators.py
	@$(BIN)/python benchmarks/bench_r2pvi.py
	@$(BIN)/python benchmarks/bench_complexity.py
	@$(BIN)/python benchmarks/bench_eluder.py
	@$(BIN)/python benchmarks/bench_import.py
	@$(BIN)/python benchmarks/bench_stepmix.py
	@$(BIN)/python benchmarks/bench_conservative_lp.py
	@$(BIN)/python benchmarks/bench_lsvi.py $(if $(RLBERRY),--rlberry $(RLBERRY))

clean:
	@rm -rf $(SITE) $(FIGURES) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
