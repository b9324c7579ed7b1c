# fanbench: everything a person types. `make help` lists it.
#
# Sources are found by folder; a new file needs no line here:
#   bpf/relay.bpf.c                       BPF object and skeleton
#   bpf/{wire,abi,port,crypt,dp,dp/policy} libdp, the datapath compiled natively
#   relay/{quic,moqt}                     libconn, also used by the endpoints
#   relay/{fanout,host}                   librelay; relay/main.c the daemon
#   bench/scenario                        libscenario
#   bench/{fate,net,run,report,sim}, bench/*.c     libbench; bench/main.c the runner
#   bench/peer                            libpeer; bench/peer/main.c the endpoints
#   bench/net/wire                        the wire process
#   pcap-tools/*                          libjudge; pcap-tools/cli quicpcap
#   FOLDER/embed/NAME.EXT                 linked in; #include "embed/NAME_EXT.h"
#   FOLDER/t/NAME_test.c                  one cmocka binary, linked by its top folder
#   FOLDER/t/NAME_test.sh                 one script test (exit 77: skip, reason on the last line)
#   FOLDER/t/NAME.c, FOLDER/t/NAME.bpf.c  what the tests of that top folder share
#   FOLDER/bench/NAME.c                   one program for `make bench` or a script of ci/, linked as a test is
#   FOLDER/fuzz/NAME_fuzz.c               one libFuzzer target, corpus in FOLDER/fuzz/NAME/

VERSION := 0.1.0

BUILD ?= build
# Generated headers and BPF objects; other builds may point at those of build/.
GEN ?= $(BUILD)/gen
BPF ?= $(BUILD)/bpf
PREFIX ?= /usr/local
V ?= 0
SCENARIO ?= scenarios/first/quickstart.yaml
# `make fuzz SECONDS=60` works too.
FUZZ_SECONDS ?= $(if $(filter command,$(firstword $(origin SECONDS))),$(SECONDS),60)

ifeq ($(origin CC),default)
CC := gcc
endif
BPF_CLANG ?= clang-19
BPF_STRIP ?= llvm-strip-19
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CLANG ?= clang-19

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
# All processors, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# --- dependencies ------------------------------------------------------------

# Goals that build nothing work without the dependencies.
NO_DEPS := help clean deps layering format format-check
ifneq ($(filter-out $(NO_DEPS),$(or $(MAKECMDGOALS),help)),)
include build/deps.mk
endif

build/deps.mk: ci/deps.sh ci/deps-build.sh ci/deps.lock ci/packages $(wildcard ci/patches/*.patch)
	$(call say,DEPS,$@)
	$(Q)ci/deps.sh $@

# --- flags -------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion
ifneq ($(filter true,$(CI))$(filter 1,$(WERROR)),)
WARNINGS += -Werror
endif
# Same results from the same source: no fused multiply-add (sim mode promises equal bytes).
# Packet bytes are read through shared layouts: no optimisation by strict aliasing.
BASE_CFLAGS := -std=gnu17 -O2 -g -ffp-contract=off -fno-strict-aliasing -D_GNU_SOURCE
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
INCLUDES = -I. -isystem $(GEN) -isystem $(DEPS_INCLUDE) -isystem /usr/include/libnl3
ALL_CFLAGS = $(BASE_CFLAGS) $(WARNINGS) $(SANITIZE_FLAGS) $(INCLUDES) $(CFLAGS)
ALL_LDFLAGS = -Wl,--as-needed $(SANITIZE_FLAGS) $(LDFLAGS)

MULTIARCH = $(shell gcc -print-multiarch)
BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g -D__TARGET_ARCH_x86 -Wall -Wextra $(filter -Werror,$(WARNINGS)) \
	-I. -isystem /usr/include/$(MULTIARCH)

# libbpf is linked static: the machine's shared one may be older than ours.
BPF_LIBS := -l:libbpf.a -lelf -lz
TLS_LIBS = $(DEPS_LIB)/libwolfssl.a
# HKDF comes from relay/quic/hkdf.c, which says why; -u takes it out of its archive.
HKDF_NAMES := wolfSSL_quic_hkdf wolfSSL_quic_hkdf_extract wolfSSL_quic_hkdf_expand
HKDF_LDFLAGS := -Wl,-u,__wrap_wolfSSL_quic_hkdf $(foreach n,$(HKDF_NAMES),-Wl,--wrap=$(n))
QUIC_LIBS = $(HKDF_LDFLAGS) $(DEPS_LIB)/libngtcp2_crypto_wolfssl.a $(DEPS_LIB)/libngtcp2.a $(TLS_LIBS)
NET_LIBS := -lnl-route-3 -lnl-3 -lpcap
DATA_LIBS := -ljansson -lxxhash -lyaml
SYS_LIBS := -lm -pthread

# --- sources -----------------------------------------------------------------

c_in = $(filter-out %.bpf.c %/main.c,$(foreach d,$(1),$(wildcard $(d)/*.c)))

DIRS_dp := bpf/wire bpf/abi bpf/port bpf/crypt bpf/dp bpf/dp/policy
DIRS_conn := relay/quic relay/moqt
DIRS_relay := relay/fanout relay/host
DIRS_scenario := bench/scenario
DIRS_bench := bench bench/explain bench/explore bench/shrink bench/fate bench/net bench/run bench/replay bench/report bench/sim
DIRS_peer := bench/peer
DIRS_wire := bench/net/wire
DIRS_judge := $(filter-out pcap-tools/cli/ pcap-tools/qlog/ pcap-tools/t/ pcap-tools/fuzz/ pcap-tools/man/ pcap-tools/bench/,$(wildcard pcap-tools/*/))
DIRS_judge := pcap-tools $(patsubst %/,%,$(DIRS_judge))
DIRS_cli := pcap-tools/cli pcap-tools/qlog
LIBS := dp conn relay scenario bench peer wire judge cli

# Files every test of a top folder may use.
TOPS := bpf relay bench pcap-tools
test_dirs = $(wildcard $(1)/t $(1)/*/t $(1)/*/*/t)
$(foreach t,$(TOPS),$(eval DIRS_t-$(t) := $(call test_dirs,$(t))))

$(foreach l,$(LIBS),$(eval SRC_$(l) := $(call c_in,$(DIRS_$(l)))))
$(foreach t,$(TOPS),$(eval SRC_t-$(t) := $(filter-out %_test.c,$(call c_in,$(DIRS_t-$(t))))))
LIBS += $(addprefix t-,$(TOPS))

EMBED_FILES := $(foreach d,$(foreach l,$(LIBS),$(DIRS_$(l))),$(wildcard $(d)/embed/*))
# The symbol part of a file's name: report.html -> report_html.
symbol = $(subst -,_,$(subst .,_,$(notdir $(1))))
embeds_of = $(foreach f,$(foreach d,$(1),$(wildcard $(d)/embed/*)),$(BUILD)/embed/$(call symbol,$(f)).o)
EMBED_HEADERS := $(foreach f,$(EMBED_FILES),$(GEN)/embed/$(call symbol,$(f)).h) $(GEN)/embed/explain_txt.h
ifneq ($(words $(EMBED_HEADERS)),$(words $(sort $(EMBED_HEADERS))))
$(error two embedded files have the same name; expected distinct ones: $(EMBED_FILES))
endif

objects_of = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
$(foreach l,$(LIBS),$(eval OBJ_$(l) := $(call objects_of,$(SRC_$(l))) $(call embeds_of,$(DIRS_$(l)))))
OBJ_bench += $(BUILD)/embed/explain_txt.o

BPF_SRC := $(wildcard bpf/*.bpf.c) $(wildcard bpf/t/*.bpf.c)
SKELETONS := $(foreach s,$(BPF_SRC),$(GEN)/$(notdir $(s:.bpf.c=.skel.h)))

MAIN_SRC := $(wildcard relay/main.c bench/main.c bench/peer/main.c bench/net/wire/main.c pcap-tools/cli/main.c)
TEST_SRC := $(foreach t,$(TOPS),$(foreach d,$(DIRS_t-$(t)),$(wildcard $(d)/*_test.c)))
BENCH_SRC := $(foreach t,$(TOPS),$(wildcard $(t)/bench/*.c $(t)/*/bench/*.c))
FUZZ_SRC := $(foreach t,$(TOPS),$(wildcard $(t)/fuzz/*_fuzz.c $(t)/*/fuzz/*_fuzz.c $(t)/*/*/fuzz/*_fuzz.c))
LIB_SRC := $(foreach l,$(LIBS),$(SRC_$(l)))
C_SRC := $(sort $(LIB_SRC) $(MAIN_SRC) $(TEST_SRC) $(BENCH_SRC))

TEST_BIN := $(patsubst %.c,$(BUILD)/t/%,$(TEST_SRC))
BENCH_BIN := $(patsubst %.c,$(BUILD)/t/%,$(BENCH_SRC))
CI_TEST_SH := $(wildcard ci/t/*_test.sh)
TEST_SH := $(foreach t,$(TOPS),$(foreach d,$(DIRS_t-$(t)),$(wildcard $(d)/*_test.sh))) $(wildcard t/*_test.sh scenarios/t/*_test.sh)

BINARIES := $(if $(wildcard relay/main.c),fanbench-relay) $(if $(wildcard bench/main.c),fanbench) \
	$(if $(wildcard bench/peer/main.c),fanbench-peer) $(if $(SRC_wire)$(wildcard bench/net/wire/main.c),fanbench-wire) \
	$(if $(SRC_cli)$(wildcard pcap-tools/cli/main.c),quicpcap)
MAN := $(wildcard */man/*.1)

# --- compiling ---------------------------------------------------------------

# Holds the command line; objects are made anew when it changes.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || printf '%s\n' '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' >$@

# Objects need generated headers before the first compilation knows which.
GENERATED := $(GEN)/version.h $(EMBED_HEADERS)
NEED_SKELETONS := bpf/t bpf/crypt/t bpf/bench relay/host relay/t relay/host/t bench/replay bench/replay/t bench/sim bench/t bench/sim/t
$(foreach d,$(NEED_SKELETONS),$(eval $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(d)/*.c)): | $(SKELETONS)))
$(BUILD)/obj/relay/main.o: | $(SKELETONS)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(GENERATED)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MD -MP -c $< -o $@

define embed_rules
$(GEN)/embed/$(2).h: $(1) Makefile
	$$(call say,EMBED,$(1))
	@mkdir -p $$(@D)
	@{ echo '#pragma once'; echo '#include <stddef.h>'; echo '/* $(1); a NUL follows the last byte and is not counted. */'; \
	  echo 'extern const unsigned char embed_$(2)[];'; echo 'extern const size_t embed_$(2)_len;'; } >$$@

$(BUILD)/embed/$(2).o: $(1) $(GEN)/embed/$(2).h
	@mkdir -p $$(@D)
	@printf '%s\n' '.section .rodata' '.balign 16' \
	  '.globl embed_$(2), embed_$(2)_len' '.type embed_$(2), @object' '.type embed_$(2)_len, @object' \
	  'embed_$(2): .incbin "$(1)"' '9: .byte 0' '.size embed_$(2), . - embed_$(2)' '.balign 8' \
	  'embed_$(2)_len: .quad 9b - embed_$(2)' '.size embed_$(2)_len, 8' \
	  '.section .note.GNU-stack,"",@progbits' >$$(@:.o=.S)
	$$(Q)$$(CC) -c $$(@:.o=.S) -o $$@
endef
$(foreach f,$(EMBED_FILES),$(eval $(call embed_rules,$(f),$(call symbol,$(f)))))

# What `fanbench explain` tells from the sources themselves.
$(GEN)/explain.txt: ci/explain.sh bpf/abi/defects.h scenarios/defects/matrix.txt $(wildcard scenarios/defects/*.yaml \
		pcap-tools/check/*.c bpf/dp/*.c relay/quic/*.c relay/fanout/*.c relay/host/*.c)
	$(call say,TEXT,$@)
	@mkdir -p $(@D)
	@ci/explain.sh >$@.new && mv $@.new $@
$(eval $(call embed_rules,$(GEN)/explain.txt,explain_txt))

$(GEN)/version.h: FORCE
	@mkdir -p $(@D)
	@commit='$(COMMIT)'; [ -n "$$commit" ] || commit=$$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown); \
	printf '#pragma once\n#define FANBENCH_VERSION "%s"\n#define FANBENCH_COMMIT "%s"\n' '$(VERSION)' "$$commit" >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# --- BPF ---------------------------------------------------------------------

# DWARF goes, BTF stays: the object is linked into the daemon.
define bpf_rules
$(BPF)/$(notdir $(1:.bpf.c=.bpf.o)): $(1) Makefile
	$$(call say,BPF,$(1))
	@mkdir -p $$(@D)
	$$(Q)$$(BPF_CLANG) $$(BPF_CFLAGS) -MD -MP -MF $$(@:.o=.d) -MT $$@ -c $(1) -o $$@
	$$(Q)$$(BPF_STRIP) -g $$@

$(GEN)/$(notdir $(1:.bpf.c=.skel.h)): $(BPF)/$(notdir $(1:.bpf.c=.bpf.o))
	$$(call say,SKEL,$$@)
	@mkdir -p $$(@D)
	$$(Q){ echo '/* NOLINTBEGIN */' && $$(BPFTOOL) gen skeleton $$< name $(subst -,_,$(notdir $(1:.bpf.c=))) && echo '/* NOLINTEND */'; } >$$@.new
	@mv $$@.new $$@
endef
$(foreach s,$(BPF_SRC),$(eval $(call bpf_rules,$(s))))

# --- linking -----------------------------------------------------------------

define lib_rules
$(BUILD)/lib$(1).a: $(OBJ_$(1))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)ar rcsD $$@ $(OBJ_$(1))
endef
$(foreach l,$(LIBS),$(eval $(call lib_rules,$(l))))

archives = $(foreach l,$(1),$(BUILD)/lib$(l).a)
link = $(CC) $(ALL_CFLAGS) $(filter %.o,$^) -Wl,--start-group $(filter $(BUILD)/lib%.a,$^) -Wl,--end-group $(1) $(SYS_LIBS) $(ALL_LDFLAGS) -o $@

RELAY_ARCHIVES := $(call archives,relay conn dp)
PEER_ARCHIVES := $(call archives,peer scenario conn dp)
BENCH_ARCHIVES := $(call archives,bench scenario cli judge relay conn dp peer)
JUDGE_ARCHIVES := $(call archives,judge)
# Sealed packets of the tests are made by another hand.
BPF_TEST_LIBS = $(BPF_LIBS) $(TLS_LIBS)
RELAY_LIBS = $(BPF_LIBS) $(QUIC_LIBS) -ljansson
PEER_LIBS = $(QUIC_LIBS) $(DATA_LIBS)
BENCH_LIBS = $(BPF_LIBS) $(QUIC_LIBS) $(NET_LIBS) $(DATA_LIBS)
JUDGE_LIBS = $(TLS_LIBS) -lpcap -ljansson -lxxhash -lz

$(BUILD)/fanbench-relay: $(BUILD)/obj/relay/main.o $(RELAY_ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(call link,$(RELAY_LIBS))

$(BUILD)/fanbench: $(BUILD)/obj/bench/main.o $(BENCH_ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(call link,$(BENCH_LIBS))

$(BUILD)/fanbench-peer: $(BUILD)/obj/bench/peer/main.o $(PEER_ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(call link,$(PEER_LIBS))

$(BUILD)/fanbench-wire: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bench/net/wire/main.c)) $(OBJ_wire) $(call archives,bench scenario)
	$(call say,LINK,$@)
	$(Q)$(call link,$(BENCH_LIBS))

$(BUILD)/quicpcap: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard pcap-tools/cli/main.c)) $(OBJ_cli) $(JUDGE_ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(call link,$(JUDGE_LIBS))

# Tests are linked by their top folder. The judge's see nothing but the judge.
define test_rules
$(BUILD)/t/$(1)/%: $(BUILD)/obj/$(1)/%.o $(2)
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(call link,$$($(3)) -lcmocka)
endef
$(eval $(call test_rules,bpf,$(call archives,t-bpf dp),BPF_TEST_LIBS))
$(eval $(call test_rules,relay,$(call archives,t-relay t-bpf) $(RELAY_ARCHIVES),BENCH_LIBS))
$(eval $(call test_rules,bench,$(call archives,t-bench t-relay t-bpf wire) $(BENCH_ARCHIVES),BENCH_LIBS))
$(eval $(call test_rules,pcap-tools,$(call archives,t-pcap-tools judge cli),JUDGE_LIBS))

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(C_SRC)) $(foreach s,$(BPF_SRC),$(BPF)/$(notdir $(s:.bpf.c=.bpf.d)))

# --- goals -------------------------------------------------------------------

.PHONY: FORCE help deps build objects tests run test test-full test-programs check layering asan bench fuzz lint \
	lint-werror lint-tidy lint-cppcheck lint-shell format format-check compile_commands.json install clean

help: ## list what make does
	@echo 'fanbench $(VERSION)'
	@awk -F':.*## ' '/^[a-z_.-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables: V=1 shows commands, WERROR=1, BUILD=DIR, SCENARIO=FILE, PREFIX, DESTDIR, FUZZ_SECONDS, TESTS="NAME..."'

deps: ## install packages and build ngtcp2 and wolfSSL, once
	$(Q)ci/deps.sh build/deps.mk

build: $(addprefix $(BUILD)/,$(BINARIES)) ## build all binaries
	@$(if $(strip $(BINARIES)),,echo 'build: there is no source for any binary yet' >&2; exit 2)

objects: $(call objects_of,$(C_SRC)) $(SKELETONS)

tests: $(TEST_BIN) ## build all unit tests

run: deps build ## build, then run the first scenario (SCENARIO=FILE): live as root, else sim
	$(Q)[ -e $(SCENARIO) ] || { echo 'run: $(SCENARIO) does not exist' >&2; exit 2; }
	$(Q)$(BUILD)/fanbench run $(SCENARIO)

test_driver = SRCDIR='$(CURDIR)' BUILDDIR='$(abspath $(BUILD))' ci/test.sh
# TESTS="varint ledger" keeps only the tests whose path contains one of the words.
wanted = $(if $(TESTS),$(foreach f,$(1),$(if $(strip $(foreach w,$(TESTS),$(findstring $(w),$(f)))),$(f))),$(1))

check: $(call wanted,$(TEST_BIN)) ## unit tests only
	$(Q)$(test_driver) $(call wanted,$(TEST_BIN))

layering: ## check who includes whom
	$(call say,LAYERS,ci/layering.rules)
	$(Q)ci/layering.sh

test: layering build test-programs ## layering, unit tests, script tests (live ones as root)

test-programs: $(if $(strip $(BINARIES)),build) $(call wanted,$(TEST_BIN)) $(BUILD)/t/pcap-tools/bench/second_opinion
	$(Q)$(test_driver) $(call wanted,$(TEST_BIN) $(CI_TEST_SH) $(TEST_SH))

test-full: ## test, with the long cases too
	$(Q)FANBENCH_TEST_FULL=1 $(MAKE) --no-print-directory test

asan: $(SKELETONS) ## the same tests under address and undefined-behaviour sanitizers
	$(Q)TEST_TIME_SCALE=4 $(MAKE) --no-print-directory BUILD=build-asan GEN=$(GEN) BPF=$(BPF) \
		SANITIZE=address,undefined CI_TEST_SH= test-programs

bench: ## measure; writes figures with the machine they were taken on
	$(Q)[ -x ci/bench.sh ] || { echo 'bench: there is no ci/bench.sh yet' >&2; exit 2; }
	$(Q)$(MAKE) --no-print-directory build $(BENCH_BIN)
	$(Q)SRCDIR='$(CURDIR)' BUILDDIR='$(abspath $(BUILD))' ci/bench.sh
	$(Q)SRCDIR='$(CURDIR)' BUILDDIR='$(abspath $(BUILD))' ci/bench-judge.sh
	$(Q)SRCDIR='$(CURDIR)' BUILDDIR='$(abspath $(BUILD))' ci/bench-crypt.sh
	$(Q)SRCDIR='$(CURDIR)' BUILDDIR='$(abspath $(BUILD))' ci/bench-keys.sh --mode $(if $(filter 0,$(shell id -u)),live,sim)
	$(Q)SRCDIR='$(CURDIR)' BUILDDIR='$(abspath $(BUILD))' ci/bench-copies.sh

# libFuzzer needs clang; every object is instrumented in a build of its own.
FUZZ_BIN := $(patsubst %.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
fuzz: ## fuzz every target (or TESTS="NAME...") for FUZZ_SECONDS [60], from its committed corpus
	$(Q)$(if $(strip $(FUZZ_SRC)),,echo 'fuzz: there is no fuzz target yet (expected FOLDER/fuzz/NAME_fuzz.c)' >&2; exit 2)
	$(Q)$(MAKE) --no-print-directory BUILD=build-fuzz CC=$(CLANG) SANITIZE=fuzzer-no-link,address,undefined fuzz-run

.PHONY: fuzz-run
fuzz-run: $(call wanted,$(FUZZ_BIN))
	$(Q)set -e; for bin in $(call wanted,$(FUZZ_BIN)); do \
		src=$${bin#$(BUILD)/fuzz/}; seeds=$${src%_fuzz}; found=$(BUILD)/corpus/$$src; \
		mkdir -p "$$found"; printf '  %-7s %s\n' FUZZ "$$src"; \
		if [ -d "$$seeds" ]; then set -- "$$found" "$$seeds"; else set -- "$$found"; fi; \
		"$$bin" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$(BUILD)/crash-$$(basename "$$src")-" \
			-verbosity=0 -print_final_stats=1 "$$@"; \
	done

define fuzz_rules
$(BUILD)/fuzz/$(1)/%: $(BUILD)/obj/$(1)/%.o $(2)
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(call link,$$($(3)) -fsanitize=fuzzer)
endef
$(eval $(call fuzz_rules,bpf,$(call archives,dp),BPF_LIBS))
$(eval $(call fuzz_rules,relay,$(RELAY_ARCHIVES),BENCH_LIBS))
$(eval $(call fuzz_rules,bench,$(BENCH_ARCHIVES),BENCH_LIBS))
$(eval $(call fuzz_rules,pcap-tools,$(JUDGE_ARCHIVES),JUDGE_LIBS))

# --- tools -------------------------------------------------------------------

ALL_TEXT = $(foreach t,$(TOPS),$(wildcard $(t)/*.[ch] $(t)/*/*.[ch] $(t)/*/*/*.[ch] $(t)/*/*/*/*.[ch]))
SHELL_SRC = $(wildcard ci/*.sh ci/t/*.sh .ci/run) $(TEST_SH)

comma := ,
# One command for each source, for editors and clang-tidy.
compile_commands.json: ## write compile_commands.json
	$(file >$@.new,[)
	$(foreach s,$(C_SRC),$(file >>$@.new,  {"directory": "$(CURDIR)"$(comma) "file": "$(s)"$(comma) "command": "$(CC) $(ALL_CFLAGS) -c $(s)"}$(if $(filter $(s),$(lastword $(C_SRC))),,$(comma))))
	$(file >>$@.new,])
	@mv $@.new $@
	$(call say,JSON,$@)

lint: lint-werror lint-tidy lint-cppcheck lint-shell ## gcc and clang with -Werror, clang-tidy, cppcheck, shellcheck

lint-werror:
	$(Q)$(MAKE) --no-print-directory BUILD=build-lint/gcc WERROR=1 CC=gcc objects
	$(Q)$(MAKE) --no-print-directory BUILD=build-lint/clang WERROR=1 CC=$(CLANG) objects

lint-tidy: compile_commands.json $(GENERATED) $(SKELETONS)
	$(call say,TIDY,$(words $(C_SRC)) files)
	$(Q)printf '%s\n' $(C_SRC) | xargs -r -P "$$(nproc)" -n 4 clang-tidy -p . --quiet 2>$(BUILD)/tidy.log || \
		{ grep -v 'warnings* generated' $(BUILD)/tidy.log >&2; exit 1; }

# gcc judges dangling locals and formats; cppcheck is wrong about them here.
CPPCHECK_FLAGS := --std=c11 --enable=warning,portability --inline-suppr --suppress=missingIncludeSystem \
	--suppress=returnDanglingLifetime --suppress=invalidPrintfArgType_uint --suppress=invalidPrintfArgType_sint \
	--include=ci/cppcheck.h
lint-cppcheck:
	$(call say,CPPCHK,$(words $(C_SRC)) files)
	$(Q)$(if $(strip $(C_SRC)),cppcheck --quiet --error-exitcode=1 -j "$$(nproc)" $(CPPCHECK_FLAGS) -I. $(C_SRC))

lint-shell:
	$(call say,SHELL,$(words $(SHELL_SRC)) files)
	$(Q)shellcheck $(SHELL_SRC)

format: ## clang-format in place
	$(Q)$(if $(strip $(ALL_TEXT)),clang-format -i $(ALL_TEXT))

format-check: ## fail where clang-format would change something
	$(Q)$(if $(strip $(ALL_TEXT)),clang-format --dry-run --Werror $(ALL_TEXT))

install: build ## install binaries, man pages, completions (PREFIX, DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(BUILD)/,$(BINARIES)) $(DESTDIR)$(PREFIX)/bin
	$(if $(MAN),install -d $(DESTDIR)$(PREFIX)/share/man/man1)
	$(if $(MAN),install -m 644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man1)
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 bench/completion/fanbench $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(BUILD)/quicpcap completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/quicpcap
	$(BUILD)/quicpcap completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_quicpcap

clean: ## remove what was built (dependencies stay in their cache)
	rm -rf build build-asan build-clang build-fuzz build-lint compile_commands.json
