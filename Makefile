# What one does with a clone. `make` alone tells.

# The end-to-end tests start a Postfix each; Debian's packages that `make test` needs.
TEST_TOOLS = postfix swaks miltertest python3 chromium
RUN_TOOLS  = postfix swaks
# Where the test corpus lies; its files are never committed.
CORPUS    ?= ../shared/corpus
# Where mail of mailing lists lies, which is fetched where it is missing.
LISTS     ?= target/mail
# How long each fuzz target runs, in seconds.
FUZZ_TIME ?= 60

.PHONY: help run test test-tools run-tools corpus measured bench bench-postfix fuzz lint

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: run-tools ## try it: a private Postfix with mailwarden, sample messages, and what became of each
	cargo build --release --bin mailwarden
	@scripts/run

test: test-tools ## every test, the end-to-end ones against real Postfix included
	cargo test --no-fail-fast

test-tools: ## install what the tests need (Debian packages, axe-core by npm; starts no service)
	@scripts/install-tools $(TEST_TOOLS)
	@scripts/install-axe target/rendering

run-tools:
	@scripts/install-tools $(RUN_TOOLS)

corpus: ## the tests over $(CORPUS): real mail, real damage
	@test -d "$(CORPUS)" || { echo "make corpus: no folder $(CORPUS); name it with CORPUS=…" >&2; exit 1; }
	@scripts/install-mail "$(LISTS)"
	MAILWARDEN_CORPUS="$(abspath $(CORPUS))" MAILWARDEN_MAIL="$(abspath $(LISTS))" cargo test --no-fail-fast --release --features corpus --test 'corpus*' --test disclaimers --test hostile_documents

measured: ## measure the shipped policy over $(CORPUS) and write docs/measured.md
	@test -d "$(CORPUS)" || { echo "make measured: no folder $(CORPUS); name it with CORPUS=…" >&2; exit 1; }
	cargo build --release --quiet --bin mailwarden
	@scripts/install-mail "$(LISTS)"
	@scripts/measure "$(CORPUS)" "$(LISTS)"

bench: ## each stage and the whole pipeline, over lists of 100 to 50,000 terms
	cargo bench --quiet

bench-postfix: test-tools ## Postfix alone, with a filter that does nothing, and with mailwarden
	cargo build --profile dist --quiet --bin mailwarden --example do_nothing_filter
	@benches/postfix/compare

fuzz: ## each fuzz target for FUZZ_TIME seconds (needs nightly and cargo-fuzz)
	@scripts/fuzz $(FUZZ_TIME)

lint: ## what CI asks of the code besides its tests
	cargo fmt --all --check
	cargo clippy --quiet --all-targets --features corpus -- -D warnings
