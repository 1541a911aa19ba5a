# A target fails when one of its steps fails or one of its tools is missing.
.NOTPARALLEL:
.DEFAULT_GOAL := help

headline = @printf '\n=== %s\n' '$(1)'
CARGO = cargo
EXAMPLE = examples/c-library

# Where `make install` puts pikaci. DESTDIR is what a packager puts before it.
PREFIX = /usr/local
DESTDIR =
CARGO_OUT = $(or $(CARGO_TARGET_DIR),target)
BUILT = $(CARGO_OUT)/dist/split/pikaci
# The program that is installed; its lines of code are in $(BINARY).debug.
BINARY = $(BUILT)
SOURCES = Cargo.toml Cargo.lock $(shell find src templates nix/guest -type f)

.PHONY: help
help: ## What there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: setup
setup: ## Install what running pikaci needs
	$(call headline,set-up)
	.ci/setup run

.PHONY: demo
demo: setup ## Run the jobs of an example project, each in its own virtual machine
	$(call headline,build)
	$(CARGO) build --release --locked
	$(call headline,the jobs of $(EXAMPLE))
	target/release/pikaci run -C $(EXAMPLE)

.PHONY: build
build: $(BUILT) ## Build pikaci as `make install` installs it, with its lines of code in a file beside it

$(BUILT): $(SOURCES)
	$(call headline,build)
	$(CARGO) build --profile dist --locked
	mkdir -p $(@D)
	objcopy --only-keep-debug $(CARGO_OUT)/dist/pikaci $@.debug
	objcopy --strip-debug --add-gnu-debuglink=$@.debug $(CARGO_OUT)/dist/pikaci $@

.PHONY: install
install: $(BINARY) ## Install pikaci with its manual pages and completions below PREFIX=/usr/local
	./install.sh install $(BINARY) $(DESTDIR)$(PREFIX)

.PHONY: install-debug
install-debug: $(BINARY) ## Install the lines of code of pikaci (50 MB), for debuggers and backtraces
	./install.sh debug $(BINARY) $(DESTDIR)$(PREFIX)

.PHONY: uninstall
uninstall: ## Remove what make install put below PREFIX=/usr/local
	./install.sh uninstall $(DESTDIR)$(PREFIX)

.PHONY: quick
quick: format clippy-tested unit ## The checks of a minute: formatting, clippy once, unit tests
	$(call headline,all passed)

.PHONY: unit
unit: ## Run the unit tests: on any machine, as any user
	$(call headline,unit tests)
	$(CARGO) test --locked --lib

.PHONY: cli
cli: ## Run the tests of the command line that need neither Nix nor a guest: on any Linux, as any user
	$(call headline,tests of the command line)
	$(CARGO) test --locked --features failpoints --test suite -- house:: cli::

.PHONY: test
test: setup-test format clippy darwin docs deny shellcheck suite ## Every check and every test
	$(call headline,all passed)

.PHONY: setup-test
setup-test:
	$(call headline,set-up)
	.ci/setup test

.PHONY: format
format: ## Check the formatting
	$(call headline,format)
	$(CARGO) fmt --all --check

.PHONY: clippy
clippy: clippy-tested ## Check the code, as it is shipped and as it is tested, warnings denied
	$(call headline,clippy as it is shipped)
	$(CARGO) clippy --locked --all-targets -- -D warnings

.PHONY: clippy-tested
clippy-tested:
	$(call headline,clippy)
	$(CARGO) clippy --locked --all-targets --features failpoints -- -D warnings

RUST_VERSION = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
.PHONY: msrv
msrv: ## Check that the code compiles with the oldest Rust that Cargo.toml allows
	$(call headline,Rust $(RUST_VERSION))
	@$(CARGO) +$(RUST_VERSION) --version >/dev/null 2>&1 || { echo 'make: Rust $(RUST_VERSION) is missing' >&2; \
		echo 'hint: rustup toolchain install $(RUST_VERSION) --profile minimal' >&2; exit 1; }
	$(CARGO) +$(RUST_VERSION) check --locked --all-targets --features failpoints

# What is compiled is only checked: linking it takes a Mac.
.PHONY: darwin
darwin: export CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTFLAGS = -D warnings
darwin: ## Check that the code compiles for macOS, warnings denied
	$(call headline,macOS)
	$(CARGO) check --locked --tests --features failpoints --target aarch64-apple-darwin
	$(CARGO) clippy --locked --all-targets --target aarch64-apple-darwin -- -D warnings

.PHONY: docs
docs: ## Build the documentation, warnings denied
	$(call headline,documentation)
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --features failpoints

.PHONY: deny
deny: export PATH := /usr/local/lib/pikaci/bin:$(PATH)
deny: ## Check what a release depends on: licenses, sources, duplicates, nothing of the tests
	$(call headline,dependencies)
	$(CARGO) fetch --locked
	$(CARGO) deny --offline --locked check licenses bans sources

# Known to git: tracked, or new and not ignored. A shell file ends in .sh or starts with a shell's name.
.PHONY: shellcheck
shellcheck: ## Check every shell file
	$(call headline,shellcheck)
	@files=$$({ git ls-files -co --exclude-standard -- '*.sh'; \
		git grep --untracked -InE '^#!.*[/ ](ba|da|k)?sh( |$$)' | sed -n 's/:1:.*//p'; } | sort -u); \
	test -n "$$files" || { echo 'no shell file found: is this a git work tree?' >&2; exit 1; }; \
	echo "$$files"; \
	echo "$$files" | xargs -d '\n' shellcheck

.PHONY: suite
suite: ## Run the tests
	$(call headline,tests)
	$(CARGO) test --locked --features failpoints

SECONDS = 60
.PHONY: fuzz
fuzz: ## Feed changed inputs to what reads foreign bytes, each for SECONDS=60, or TARGET=<name> alone
	$(call headline,fuzz)
	FUZZ_SECONDS=$(SECONDS) $(CARGO) test --locked --profile fuzz --test fuzz -- --nocapture --test-threads=1 targets::$(TARGET)

.PHONY: bench
bench: ## Measure what pikaci may cost, as ratios
	$(call headline,set-up)
	.ci/setup bench
	$(call headline,bench)
	$(CARGO) bench --locked --bench budgets
