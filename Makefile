SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:

STATICCHECK_VERSION := v0.8.2
GOVULNCHECK_VERSION := v1.8.0
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

FUZZTIME  ?= 1s
BENCH     ?= .
BENCHTIME ?= 1s
# Flags for what make dev and make bench start, such as
# make dev ARGS='--listen 127.0.0.1:9000'.
ARGS ?=

# Tools are kept by their version and by the Go that built them: an old build
# cannot read what a newer Go compiles.
GOVERSION   := $(shell go env GOVERSION)
STATICCHECK := .cache/bin/staticcheck-$(STATICCHECK_VERSION)-$(GOVERSION)
GOVULNCHECK := .cache/bin/govulncheck-$(GOVULNCHECK_VERSION)-$(GOVERSION)

# Other people's folders inside ours.
SKIP := --exclude-dir=node_modules --exclude-dir='.?*'

.PHONY: help
help: ## say what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 14

.PHONY: test
test: tools lint generated arch unit crash kill chaos walk fuzz large cross emulate conformance ## everything that CI runs; installs what it lacks
	@echo '== all passed'

.PHONY: check
check: lint vuln ## gofmt, go vet, staticcheck, govulncheck

.PHONY: tools
tools:
	@.ci/tools

.PHONY: lint
lint: $(STATICCHECK)
	@echo '== gofmt'
	@bad=$$(find . \( -name node_modules -o -name '.?*' \) -prune -o -name '*.go' -print0 | xargs -0 gofmt -l); \
	  [ -z "$$bad" ] || { echo "gofmt -w would change:"; echo "$$bad"; exit 1; }
	@echo '== go vet'
	@go vet -tags conformance ./...
	@echo '== staticcheck $(STATICCHECK_VERSION)'
	@$(STATICCHECK) -tags conformance ./...

# govulncheck exits 3 when it has found something. Its database is fetched at
# each run; without it nothing has been checked, which must not pass unseen,
# but is no fault of this tree.
.PHONY: vuln
vuln: $(GOVULNCHECK)
	@echo '== govulncheck $(GOVULNCHECK_VERSION)'
	@status=0; out=$$($(GOVULNCHECK) ./... 2>&1) || status=$$?; echo "$$out"; \
	  if [ $$status -eq 1 ] && grep -q '^govulncheck: fetching vulnerabilities' <<<"$$out"; then \
	    echo; echo '!! NOT CHECKED: govulncheck could not reach its database.'; \
	    echo '!! Nothing is known about vulnerabilities of this tree. Run make vuln where it can be reached.'; echo; \
	  else exit $$status; fi

# What is in the tree must be what its generator writes; after a failure it is.
.PHONY: generated
generated: ## whether generated code is as its generator writes it
	@echo '== go generate'
	@rm -rf .cache/generated && mkdir -p .cache/generated && cp internal/digest/sha1_amd64.* .cache/generated
	@go generate ./internal/digest
	@for file in sha1_amd64.go sha1_amd64.s; do \
	  cmp .cache/generated/$$file internal/digest/$$file || { echo "$$file was not as generated, and is now"; exit 1; }; \
	done

.PHONY: arch
arch: ## who may import whom
	@echo '== import table'
	@go test -count=1 ./internal/archtest

.PHONY: unit
unit: ## every Go test, with the race detector
	@echo '== go test -race'
	@BOXCAR_WALK_REQUESTS=1 CGO_ENABLED=1 go test -race -timeout 40m ./... | sed '/\[no test files\]$$/d'
	@echo '== go test, what is left out with it'
	@go test -count=1 -run '^TestFaultyKeepsThePromises' ./internal/meta/sqlite
	@go test -count=1 -run '^TestEveryTransactionFailsOnce' ./internal/upload
	@echo '== go test, without assembly'
	@go test -tags purego ./internal/digest

# Without the race detector: SQLite takes ten times as long under it.
CRASH = go test -count=1 -timeout 240m -v ./internal/crash | grep -v '^ *\(=== \|--- PASS\)'

.PHONY: crash
crash: ## power cuts until BOXCAR_CRASH_STATES=100000 different disks are left, see docs/durability.md
	@echo '== power cuts'
	@BOXCAR_CRASH_STATES=$${BOXCAR_CRASH_STATES:-100000} BOXCAR_HISTORIES=$${BOXCAR_HISTORIES:-20000} \
	  BOXCAR_FAULTS_EVERY=$${BOXCAR_FAULTS_EVERY:-64} $(CRASH)

# Alone on the machine, and without the race detector. What is audited after each kill grows with a run.
KILLS = BOXCAR_KILL_CYCLES=$${BOXCAR_KILL_CYCLES:-50} go test -timeout 240m -v -run 'TestKill$$' ./cmd/boxcar

.PHONY: kill
kill: ## kill -9 of a server under load, 4 times BOXCAR_KILL_CYCLES=50
	@echo '== kill -9'
	@$(KILLS) -count=4 | grep -v '^ *\(=== \|--- PASS\)'

# Without the race detector, with which make unit tries fewer of them.
CHAOS = grep -v '^ *\(=== \|--- PASS\)\|level='

.PHONY: chaos
chaos: ## uploads and downloads through all that goes wrong, in thousands of seeded runs, and killed; see docs/client.md
	@echo '== chaos'
	@BOXCAR_CHAOS_SEEDS=$${BOXCAR_CHAOS_SEEDS:-4000} go test -count=1 -timeout 240m -v -run '^TestChaos(Downloads)?$$' ./client | $(CHAOS)
	@BOXCAR_CHAOS_SEEDS=$${BOXCAR_CHAOS_TCP_SEEDS:-100} go test -count=1 -timeout 240m -v -run '^TestChaosOverTCP$$' ./client/servertest | $(CHAOS)
	@BOXCAR_CLIENT_KILL_CYCLES=$${BOXCAR_CLIENT_KILL_CYCLES:-300} go test -count=1 -timeout 240m -v -run '^TestClientKilled$$' ./cmd/boxcar | $(CHAOS)

# Without the race detector, as above.
.PHONY: walk
walk: ## BOXCAR_WALK_REQUESTS=60 broken requests to each route, see docs/durability.md
	@echo '== broken requests'
	@BOXCAR_WALK_REQUESTS=$${BOXCAR_WALK_REQUESTS:-60} go test -count=1 -timeout 240m -v -run '^TestBrokenRequests(OverHTTP2)?$$' ./internal/httpapi | grep -v '^ *\(=== \|--- PASS\)'

.PHONY: large
large: ## files at the edges of 2 and 4 GiB; needs 4.5 GiB in TMPDIR
	@echo '== large files'
	@BOXCAR_LARGE=1 go test -count=1 -timeout 60m -v -run '^TestLargeFiles$$' ./cmd/boxcar | grep -v '^ *\(=== \|--- PASS\)'

.PHONY: soak
soak: ## power cuts, kills, broken disks, chaos, broken requests and fuzzing for hours, with seeds of their own
	@echo '== power cuts, long'
	@BOXCAR_CRASH_STATES=$${BOXCAR_CRASH_STATES:-1000000} BOXCAR_HISTORIES=$${BOXCAR_HISTORIES:-500000} BOXCAR_FAULTS_EVERY=$${BOXCAR_FAULTS_EVERY:-1} \
	  BOXCAR_CRASH_SEED=$${BOXCAR_CRASH_SEED:-$$RANDOM} $(CRASH)
	@echo '== kill -9, long'
	@$(KILLS) -count=20 | grep -v '^ *\(=== \|--- PASS\)'
	@echo '== disks that break, long'
	@BOXCAR_DISK_ROUNDS=$${BOXCAR_DISK_ROUNDS:-100} go test -count=1 -timeout 240m -v -run '^(TestBrokenDisk|TestReadOnlyForAWhile)$$' ./cmd/boxcar | grep -v '^ *\(=== \|--- PASS\)'
	@BOXCAR_CHAOS_SEED=$${BOXCAR_CHAOS_SEED:-$$((RANDOM * 1000000))} BOXCAR_CHAOS_SEEDS=$${BOXCAR_CHAOS_SEEDS:-50000} \
	  BOXCAR_CHAOS_TCP_SEEDS=$${BOXCAR_CHAOS_TCP_SEEDS:-10000} BOXCAR_CLIENT_KILL_CYCLES=$${BOXCAR_CLIENT_KILL_CYCLES:-5000} \
	  $(MAKE) --no-print-directory chaos
	@BOXCAR_WALK_REQUESTS=$${BOXCAR_WALK_REQUESTS:-2000} BOXCAR_WALK_SEED=$${BOXCAR_WALK_SEED:-$$RANDOM} $(MAKE) walk
	@$(MAKE) fuzz FUZZTIME=2m

.PHONY: cross
cross: ## vet and build for every platform
	@failed=; for platform in $(PLATFORMS); do \
	  echo "== vet and build $$platform"; \
	  export CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
	  go vet ./... && go build ./... || failed+=" $$platform"; \
	done; \
	[ -z "$$failed" ] || { echo "these do not build:$$failed"; exit 1; }

# The way "pair" is only there where the SHA instructions are.
.PHONY: emulate
emulate: ## the assembly for arm64, in an emulator
	@echo '== go test linux/arm64, emulated'
	@if [ "$$(uname)" != Linux ]; then \
	  echo; echo '!! NOT TESTED: there is no emulator for this system. Run make emulate on Linux.'; echo; \
	else \
	  command -v qemu-aarch64-static >/dev/null || { echo '!! NOT TESTED: qemu-aarch64-static is missing; make tools installs it.'; exit 1; }; \
	  out=$$(GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go test -v -exec qemu-aarch64-static ./internal/digest) || { echo "$$out"; exit 1; }; \
	  grep -q -e '--- PASS: .*/pair ' <<<"$$out" || { echo "$$out"; echo 'the SHA instructions of arm64 were not tested'; exit 1; }; \
	  tail -n 1 <<<"$$out"; \
	fi

# -count=1: the test cache sees neither the suites nor what they install.
.PHONY: conformance
conformance: ## other people's clients against a real server
	@echo '== conformance'
	@[ -n "$$(go list -tags conformance ./conformance/... 2>/dev/null)" ] || { echo 'conformance holds no Go test'; exit 1; }
	@go test -tags conformance -count=1 -timeout 30m ./conformance/...

.PHONY: build
build: ## a static bin/boxcar
	@CGO_ENABLED=0 go build -trimpath -o bin/boxcar ./cmd/boxcar

.PHONY: man
man: build ## manual pages in bin/man
	@bin/boxcar man --out bin/man

.PHONY: dev
dev: build ## a server on data that make clean throws away; ARGS=... for its flags
	@mkdir -p .cache && exec bin/boxcar serve --data .cache/dev $(ARGS)

.PHONY: bench
bench: ## the server beside floors and other servers, see bench/; ARGS=... for its flags
	@go run ./bench $(ARGS)

.PHONY: bench-scale
bench-scale: ## folders and accounts as they grow, see bench/; ARGS=... for its flags
	@go run ./bench scale $(ARGS)

.PHONY: gobench
gobench: ## every Go benchmark; BENCH=regexp, BENCHTIME=1s
	@dirs=$$(grep -rlE --include='*_test.go' $(SKIP) '^func Benchmark[A-Z0-9_]' . | xargs -n1 dirname | sort -u) || { echo 'no benchmark found'; exit 1; }; \
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem $$dirs

# Built once for all targets of a package: that takes longer than a second of fuzzing.
# Before Go 1.27 the fuzzer may call it a failure when its time ends amid an input (go.dev/issue/75804).
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME=1s
	@echo '== fuzzing'
	@found=$$(grep -roE --include='*_test.go' $(SKIP) '^func Fuzz[A-Z0-9_][A-Za-z0-9_]*' . | sort) || { echo 'no fuzz target found'; exit 1; }; \
	mkdir -p .cache; failed=; built=; while IFS= read -r line; do \
	  dir=$$(dirname "$${line%%:*}"); name=$${line##* }; \
	  if [ "$$dir" != "$$built" ]; then \
	    go test -c -fuzz . -o .cache/fuzz.test "$$dir"; built=$$dir; kept=$$(go env GOCACHE)/fuzz/$$(go list "$$dir"); \
	  fi; \
	  out=$$(cd "$$dir" && '$(CURDIR)/.cache/fuzz.test' -test.run '^$$' -test.fuzz "^$$name$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir "$$kept" 2>&1) && continue; \
	  grep -q 'context deadline exceeded' <<<"$$out" && ! grep -q 'Failing input' <<<"$$out" && continue; \
	  echo "$$out"; failed+=" $$name"; \
	done <<<"$$found"; \
	[ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }; \
	echo "$$(wc -l <<<"$$found") fuzz targets, $(FUZZTIME) each, found nothing, in $$SECONDS s"

.PHONY: clean
clean: ## throw away what was built, the tools and the data of make dev
	@rm -rf bin .cache

$(STATICCHECK):
	@GOBIN='$(CURDIR)/.cache/bin' go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	@mv .cache/bin/staticcheck '$@'

$(GOVULNCHECK):
	@GOBIN='$(CURDIR)/.cache/bin' go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv .cache/bin/govulncheck '$@'
