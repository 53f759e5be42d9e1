# Two commands do all the set-up: `make run` (needs Python only) and `make test` (everything).
# Each makes the virtual environment that it needs; `make help` lists the rest.

PYTHON ?= python3
RUN := .venv/bin
DEV := .venv-dev/bin
PROTOS := $(wildcard proto/mention_triage/v1/*.proto)

.DEFAULT_GOAL := help
.PHONY: help run demo kafka test check check-alerts format proto docs lock train evaluate bench soak soak-memory clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/ready ## Start everything on this machine, on the embedded log under var/ (Ctrl-C stops)
	@$(RUN)/mention-triage up

demo: .venv/ready ## Play a written morning through a stack of its own and show what is routed where
	@$(RUN)/mention-triage demo

kafka: .venv-dev/ready ## Start a Kafka broker for development on port 9092 (KAFKA_PORT), data under var/kafka (Ctrl-C stops)
	@$(DEV)/python -m tests.support.kafka

test: .venv-dev/ready ## Run every test, those that mostly wait beside the others
	$(DEV)/pytest --numprocesses 2 --dist loadgroup

check: .venv-dev/ready check-alerts ## Format, lint, types, import rules, contracts in sync and not broken, rules of alerts, docs in sync
	$(DEV)/ruff format --check .
	$(DEV)/ruff check .
	$(DEV)/mypy
	$(DEV)/lint-imports
	cd proto && ../$(DEV)/buf format --diff --exit-code
	cd proto && ../$(DEV)/buf lint
	cd proto && ../$(DEV)/buf breaking --against baseline.binpb
	$(DEV)/python -m tests.check_generated

check-alerts: # settings, rules and routes of Prometheus and Alertmanager
	@command -v promtool >/dev/null && command -v amtool >/dev/null || \
		{ echo "promtool or amtool is missing: apt-get install prometheus prometheus-alertmanager (Debian)"; exit 1; }
	promtool check config deploy/prometheus/prometheus.yml deploy/prometheus/demo.yml
	amtool check-config deploy/alertmanager/alertmanager.yml

format: .venv-dev/ready ## Format the code and the contracts
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .
	cd proto && ../$(DEV)/buf format --write

proto: .venv-dev/ready ## Generate mention_triage/v1 from proto/, and take the contracts as the new baseline
	cd proto && ../$(DEV)/buf breaking --against baseline.binpb
	$(DEV)/python -m grpc_tools.protoc -Iproto --python_out=. --pyi_out=. $(PROTOS)
	cd proto && ../$(DEV)/buf build -o baseline.binpb

docs: .venv-dev/ready ## Generate the documents that are made from code
	$(DEV)/python -m services.common.telemetry.metric_docs
	$(DEV)/python -m tests.integration.ingest.bad_requests

lock: .venv-dev/ready ## Resolve the requirements anew (needs uv)
	uv pip compile --universal --generate-hashes --upgrade --python-version 3.11 --extra all pyproject.toml -o requirements/run.txt
	uv pip compile --universal --generate-hashes --upgrade --python-version 3.11 --extra dev pyproject.toml -o requirements/dev.txt

train: .venv-dev/ready ## Train, calibrate, measure and describe a model: BASE=folder-or-hub-id DATA=folder [OUT=folder] [ARGS="--from STEP"]
	@test -n "$(BASE)" && test -n "$(DATA)" || { echo "make train needs BASE (an encoder's folder or hub id) and DATA (see training/README.md)"; exit 1; }
	$(DEV)/python -m training --base "$(BASE)" --data "$(DATA)" --out "$(or $(OUT),var/training/small)" $(ARGS)

evaluate: .venv-dev/ready ## Measure a model on the challenge set, and on your own posts: [MODEL=folder] [DATA=folder]
	$(DEV)/python -m training.evaluate --model "$(or $(MODEL),models/mention-triage-small)" $(if $(DATA),--data "$(DATA)") $(ARGS)

bench: .venv-dev/ready ## Measure throughput and latency; tables, and bench/results/*.json
	$(DEV)/python -m bench

soak: .venv-dev/ready ## Half an hour of faults on Kafka: nothing accepted may be lost, repeated or reordered
	$(DEV)/python -m tests.faults.kafka --minutes 30

soak-memory: .venv-dev/ready ## Ten minutes at 80 % of capacity: memory must stay flat
	$(DEV)/python -m bench.soak

clean: ## Remove environments and caches, never var/ with its data
	rm -rf .venv .venv-dev .kafka .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

# An environment is ready when the locked requirements and the project itself are in it.
.venv/ready: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(RUN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv-dev/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv-dev
	$(DEV)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(DEV)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
