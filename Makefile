# `make demo` and `make test` do all the set-up that they need, in .venv.
PYTHON ?= python3
BIN := .venv/bin
WEATHER ?= typical

TESTS ?=

.PHONY: demo test test-pythons test-weather proof lint bench stopwatch docs screenshots clean

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: .venv/ready ## the whole guide on a private practice account
	$(BIN)/iamkit demo

test: .venv/ready ## all tests, side by side, with a sample of what a proof tries
	$(BIN)/python -m pytest -n auto --dist worksteal $(TESTS)

test-pythons: ## all tests, or TESTS, on every Python that is promised and found
	.ci/pythons $(TESTS)

proof: .venv/ready ## every kill, every width, many more random cases, all weather; it takes hours
	IAMKIT_TEST_PROOF=1 $(MAKE) test test-weather
	IAMKIT_TEST_PROOF=1 $(MAKE) test-weather WEATHER=storm

# A CreateAccessKey that may have acted is left to the next run, so that one test may fail by chance.
test-weather: .venv/ready ## the kit's tests, with throttling, lost replies and late reads
	IAMKIT_TEST_WEATHER=$(WEATHER) $(BIN)/python -m pytest -n auto tests/aws tests/credentials \
	  tests/notebook tests/test_interruptions.py tests/test_notebooks.py

lint: .venv/ready ## what else guards the project
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb

bench: .venv/ready ## ratios against the AWS CLI, measured in one run
	$(BIN)/python tests/benchmarks/sandbox.py
	$(BIN)/python tests/benchmarks/sandbox_size.py
	$(BIN)/python tests/benchmarks/audit.py
	$(BIN)/python tests/benchmarks/tiles.py
	$(BIN)/python tests/benchmarks/mending.py
	$(BIN)/python tests/benchmarks/policies.py
	$(BIN)/python tests/benchmarks/guide.py

stopwatch: .venv/ready ## how long a person waits in the browser
	$(BIN)/python tests/benchmarks/stopwatch.py

docs: .venv/ready ## this project's pages, into .site
	$(BIN)/python .github/docs/generate.py .pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet -f .pages/mkdocs.yml -d "$(CURDIR)/.site"

screenshots: .venv/ready ## the pictures on those pages, from the running product
	$(BIN)/python .github/docs/screenshots.py

clean:
	rm -rf .venv .site .pages runs dist
