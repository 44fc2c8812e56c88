# Postroad. `make help` lists what there is to do; nothing but Python 3.11+, make and git is needed.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?= 8080
STACK ?= postroad
ARGS ?=
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PY := .venv/bin/python
SAM := .postroad/sam/bin/sam
ASSETS := functions/console/assets/vendor/.made
# What every local cloud needs, installed before several of them ask for it at once.
PREPARE := from pathlib import Path; from localcloud import packaging; store = Path('.postroad'); \
  python = packaging.emulator_python(store, print); \
  [packaging.install(path, store, python, print) for path in Path('layers').glob('*/requirements.txt')]
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --annotation-style line

.PHONY: help run test check format soak bench build deploy deploy-local keys webhook-secret link-keys redrive recount restore reset lock clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- environments: the stamp is written last, so what was cut short is made again

.venv/.installed: requirements-dev.txt pyproject.toml infra/venv.sh
	@infra/venv.sh .venv -r requirements-dev.txt -e .

# The tests in a browser: 160 MB that `make run` does without.
.venv/.browser: requirements-browser.txt infra/venv.sh | .venv/.installed
	@infra/venv.sh .venv -r requirements-browser.txt && touch $@

.postroad/sam/.installed: requirements-sam.txt infra/venv.sh
	@infra/venv.sh .postroad/sam -r requirements-sam.txt

$(ASSETS): package.json package-lock.json functions/console/assets/icons.txt infra/assets.py | .venv/.installed
	@$(PY) infra/assets.py

# ---- every day

run: .venv/.installed $(ASSETS)  ## start Postroad with the demo brand on http://localhost:8080 (PORT=… changes it)
	@exec $(PY) -m localcloud run --port $(PORT) --site infra/demo/site --seed "$(PY) -m demo --history --site /_local/site"

test: .venv/.installed .venv/.browser .postroad/sam/.installed $(ASSETS)  ## run all tests (ARGS="-k …" passes on to pytest)
	@$(PY) -c "$(PREPARE)"
	@echo "→ running the tests"
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder $(ARGS)

check: .venv/.installed .postroad/sam/.installed  ## format, lint, types, import lines, template
	@echo "→ ruff format" && .venv/bin/ruff format --check .
	@echo "→ ruff" && .venv/bin/ruff check .
	@echo "→ mypy" && .venv/bin/mypy
	@echo "→ import-linter" && .venv/bin/lint-imports
	@echo "→ cfn-lint on the translated template" && $(PY) infra/templatecheck.py
	@echo "→ sam validate" && AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint

format: .venv/.installed  ## format the code and mend what ruff can mend
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

soak: .venv/.installed  ## play worlds of faults on all cores (ARGS="1000000": so many, "1000 42": from 42 on)
	@PYTHONPATH=layers/core:layers/shell:infra $(PY) -m tests.faults soak $(ARGS)

bench: .venv/.installed $(ASSETS)  ## measure cost and speed, print the table of goals
	@PYTHONPATH=infra $(PY) -m tests.bench $(ARGS)

reset: .venv/.installed  ## forget the state of the local cloud
	@$(PY) -m localcloud reset

# ---- in your AWS account

build: .venv/.installed .postroad/sam/.installed $(ASSETS)  ## build the functions and layers for Lambda (arm64)
	@PYTHON=$(CURDIR)/$(PY) $(SAM) build --cached --parallel

deploy: build  ## deploy to your AWS account; asks for what it needs to know
	@$(SAM) deploy --guided --stack-name $(STACK)

deploy-local:  ## build, and deploy what was built to the endpoint in AWS_ENDPOINT_URL
	@test -n "$$AWS_ENDPOINT_URL" || { echo "Say where: AWS_ENDPOINT_URL=http://127.0.0.1:4566 make deploy-local" >&2; exit 1; }
	@$(MAKE) --no-print-directory build
	@AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
	  $(SAM) deploy --stack-name $(STACK) --resolve-s3 --no-confirm-changeset --no-fail-on-empty-changeset --parameter-overrides DeletionProtection=false

keys: .venv/.installed  ## make the stack's keys and print them, once (KINDS="write browser api", STACK=postroad)
	@$(PY) infra/keys.py --stack $(STACK) $(KINDS)

webhook-secret: .venv/.installed  ## print the secret of a webhook of the policy (WEBHOOK=crm, STACK=postroad)
	@$(PY) infra/keys.py --stack $(STACK) --webhook $(WEBHOOK)

link-keys: .venv/.installed  ## list the keys that sign links (DO=new makes one, DO="withdraw 1" ends one; STACK=postroad)
	@$(PY) infra/link_keys.py --stack $(STACK) $(DO)

redrive: .venv/.installed  ## give dead letters another try (QUEUE=EventsDeadLetters or DeadLetters, STACK=postroad)
	@$(PY) infra/redrive.py --stack $(STACK) $(QUEUE)

recount: .venv/.installed  ## count all rows again and mend live numbers that differ (STACK=postroad)
	@$(PY) infra/recount.py --stack $(STACK)

restore: .venv/.installed  ## bring back what tables have lost since an instant (AT=2026-11-23T09:00Z, ARGS=--dry-run, STACK=postroad)
	@$(PY) infra/restore.py --stack $(STACK) $(ARGS) $(AT)

# ---- upkeep

lock: .venv/.installed  ## pin every dependency anew from the requirements.in files
	@for name in layers/core/requirements layers/shell/requirements infra/localcloud/requirements requirements-dev requirements-browser requirements-sam; do \
	  echo "→ $$name.txt"; $(LOCK) $$name.in -o $$name.txt || exit 1; done

clean:  ## remove what was built and every environment (not the local cloud's state: that is make reset)
	@rm -rf .venv .aws-sam .postroad/sam .postroad/emulator functions/console/assets/vendor *.egg-info
