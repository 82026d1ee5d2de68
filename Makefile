.DEFAULT_GOAL := help
.PHONY: help demo test lint faults rule-map

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run the gate through a whole change on an empty store; KEEP=1 leaves it running.
	cargo run --bin countersign -- demo $(if $(filter 1 yes true,$(KEEP)),--keep)

test: ## Run everything a change must pass: lint, then all tests on SQLite and on PostgreSQL.
	@tests/tools/run-tests

lint: ## Check format and style of the Rust code and of the proto files.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$$(tests/tools/node-tools) lint
	$$(tests/tools/node-tools) format --diff --exit-code

faults: ## Run the long fault programme: the tests that kill, pause and starve things.
	@tests/tools/run-tests faults

rule-map: ## Write docs/rule-map.md anew from the names of the tests.
	COUNTERSIGN_WRITE_RULE_MAP=1 cargo test -q -p countersign-tests --test tidy the_rule_map_is_up_to_date
