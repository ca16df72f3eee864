# Commands worth typing. `make check` is what CI runs.

.PHONY: check race fuzz crash soak encrypted large bench shared build definitions dictionary

check: ## form, static checks, all tests
	bash .ci/run

race: ## all tests under the race detector
	go test -race -timeout 30m ./...

# Each fuzz target for FUZZTIME, one after the other.
FUZZTIME ?= 30s
fuzz:
	@for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

# kill -9 of the real binary under load, ROUNDS times in each of several ways: writes,
# rebuilds, compactions, concurrent histories that must be linearizable.
ROUNDS ?= 200
crash:
	FHIRLOG_CRASH_ROUNDS=$(ROUNDS) go test -run 'Crash|SurviveKills' -count 1 -timeout 12h -v ./cmd/fhirlog

# Everything at once for MINUTES, with kill -9 now and then.
MINUTES ?= 10
soak:
	FHIRLOG_SOAK_MINUTES=$(MINUTES) go test -run '^TestSoak$$' -count 1 -timeout 0 -v ./cmd/fhirlog

# Makes a key, and runs the tests of the real binary with everything encrypted.
encrypted:
	@key=$$(mktemp -u); trap 'rm -f '$$key EXIT; go run ./cmd/fhirlog key new $$key && \
	  TEST_ENCRYPTION_KEY=file:$$key go test -count 1 -timeout 30m ./cmd/fhirlog

large: ## a transaction of 30,000 entries and 70 MB
	FHIRLOG_LARGE=1 go test -run Large -count 1 -v ./cmd/fhirlog

bench: ## benchmarks of all packages
	go test -run '^$$' -bench . -benchmem ./...

# Larger checks on real data; SHARED is a folder with HL7's examples and Synthea.
shared:
	FHIRLOG_SHARED=$(SHARED) go test -run 'Shared|Synthea' -count 1 -timeout 30m -v ./...

build: ## one binary in bin/
	go build -trimpath -ldflags '-s -w' -o bin/fhirlog ./cmd/fhirlog
	go build -trimpath -ldflags '-s -w' -o bin/fhirbench ./cmd/fhirbench

# PACKAGES is a folder with HL7's npm packages, see the generators' help.
definitions:
	go run ./domain/definitions/generate -packages $(PACKAGES)

dictionary:
	go run ./domain/dictionary/generate -package $(PACKAGES)/hl7.fhir.r4.examples-4.0.1.tgz
