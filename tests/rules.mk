# SPDX-License-Identifier: GPL-2.0-or-later
#
# All that is tested, included by the Makefile: unit tests, fuzzing, end-to-end tests, benches, lint.

$(BUILD)/asan/%.o: %.c $(BUILD)/flags
	$(call say,CC,$< \(asan\))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

$(BUILD)/asan/libkjump.a: $(call objects,asan,$(LIB_SOURCES) $(TEST_SOURCES)) $(BUILD)/obj/jump/blobs.o
	$(call say,AR,$@)
	$(archive)

$(BUILD)/tests/%: $(BUILD)/asan/tests/unit/%.o $(BUILD)/asan/libkjump.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $^ -lcmocka $(LDLIBS) $(KJUMP_LDLIBS) -o $@

# What a restore needs of the machine is taken for good (tests/unit/restore-calls.h); what reaches the
# disk is recorded below all code of ours (tests/unit/recorder.h).
RESTORE_WRAP := check_efi check_fingerprints check_memory check_platform devices_read footprint_note \
                frames_check hardware_same hardware_there hardware_warn jump_handover_load \
                kexec_execute kexec_unload keyring_forget keys_hide leave_check memory_firmware_map \
                opener_restore pin_compare pin_mount pin_remove stage_prepare stage_read
CUTS_WRAP    := $(RESTORE_WRAP) fdatasync pwrite64
$(BUILD)/tests/test_power_cuts: private LDLIBS += $(addprefix -Wl$(comma)--wrap=,$(CUTS_WRAP))
$(BUILD)/tests/test_restore: private LDLIBS += $(addprefix -Wl$(comma)--wrap=,$(RESTORE_WRAP))

# No nonce twice (tests/unit/nonces.h).
$(BUILD)/tests/test_delta $(BUILD)/tests/test_sealed $(BUILD)/tsan/test_delta: private LDLIBS += \
	-Wl$(comma)--wrap=aead_seal

# A kernel that stops short, and flushes that are counted.
$(BUILD)/tests/test_transfers: private LDLIBS += $(addprefix -Wl$(comma)--wrap=,fdatasync pread64 pwrite64)

# A crash before each of these calls.
$(BUILD)/tests/test_setup: private LDLIBS += $(addprefix -Wl$(comma)--wrap=,fsync rename symlink mkdir)

# The kernel's keyring, which is the whole machine's.
$(BUILD)/tests/test_unlock: private LDLIBS += $(addprefix -Wl$(comma)--wrap=keyring_,get put forget)

# Loop devices, which kernel B does not have, and the lock of the system that this runs on.
$(BUILD)/tests/test_claimed_files: private LDLIBS += -Wl$(comma)--wrap=volume_pieces \
                                                     -Wl$(comma)--wrap=loader_lock

# As many at a time as make has jobs, what each says in one piece: IN_PIECES.
IN_PIECES := --output-sync=target
JOBS      := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
TEST_RUNS := $(sort $(TESTS:$(BUILD)/tests/%=run-%))

$(TEST_RUNS): run-%: $(BUILD)/tests/%
	@echo "== $<"; $<

unit: all initramfs $(BUILD)/bench-keys
	@$(MAKE) --no-print-directory $(JOBS) $(TESTS)
	@$(MAKE) --no-print-directory $(JOBS) $(IN_PIECES) $(TEST_RUNS)
	tests/run-python tests/boot tests/install

# What has threads, under ThreadSanitizer: the writer's workers and queue, the readers and those who
# take what they read, and the payload's CPUs.
TSAN_TESTS := $(addprefix $(BUILD)/tsan/,test_crew test_delta test_image test_kept test_populate \
              test_queue test_save test_screen test_stage test_watcher)

$(BUILD)/tsan/obj/%.o: %.c $(BUILD)/flags
	$(call say,CC,$< \(tsan\))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=thread -O1 -g -MMD -MP -c $< -o $@

$(BUILD)/tsan/libkjump.a: $(call objects,tsan/obj,$(LIB_SOURCES) $(TEST_SOURCES)) \
		$(BUILD)/obj/jump/blobs.o
	$(call say,AR,$@)
	$(archive)

$(BUILD)/tsan/test_%: $(BUILD)/tsan/obj/tests/unit/test_%.o $(BUILD)/tsan/libkjump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -fsanitize=thread $^ -lcmocka $(LDLIBS) $(KJUMP_LDLIBS) -o $@

TSAN_RUNS := $(TSAN_TESTS:$(BUILD)/tsan/%=tsan-%)

$(TSAN_RUNS): tsan-%: $(BUILD)/tsan/%
	@echo "== $<"; TSAN_OPTIONS=halt_on_error=1 $<

unit-tsan:
	@$(MAKE) --no-print-directory $(JOBS) $(TSAN_TESTS)
	@$(MAKE) --no-print-directory $(JOBS) $(IN_PIECES) $(TSAN_RUNS)

# POWER_CUTS states of what the disk may hold after a power cut; `unit` looks at fewer.
POWER_CUTS ?= 100000
power-cuts: $(BUILD)/tests/test_power_cuts
	$< $(POWER_CUTS)

# Every bit of an image's metadata, and random ones elsewhere; `unit` flips every 97th.
BIT_FLIPS ?= 10000
bit-flips: $(BUILD)/tests/test_bit_flips
	$< 1 $(BIT_FLIPS)

# So many changes of a sealed image by each algorithm, none of which may be restored; `unit` makes fewer.
MUTATIONS ?= 50000
mutations: $(BUILD)/tests/test_mutations
	$< $(MUTATIONS)

# --- fuzzing (libFuzzer, which comes with clang) ----------------------------------------------------

FUZZERS      := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60

CLANG        := $(filter ccache,$(CC)) clang

$(BUILD)/fuzz/obj/%.o: %.c $(BUILD)/flags
	$(call say,CLANG,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link -w -MMD -MP -c $< -o $@

$(BUILD)/fuzz/libkjump.a: $(call objects,fuzz/obj,$(LIB_SOURCES) $(TEST_SOURCES)) \
		$(BUILD)/obj/jump/blobs.o
	$(call say,AR,$@)
	$(archive)

$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/fuzz/%.o $(BUILD)/fuzz/libkjump.a
	$(call say,LD,$@)
	$(Q)clang $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer $^ $(LDLIBS) $(KJUMP_LDLIBS) -o $@

# The same for AFL++, whose compiler has a driver for them.
AFL_FUZZERS := $(FUZZERS:$(BUILD)/fuzz/%=$(BUILD)/afl/%)

$(BUILD)/afl/obj/%.o: %.c $(BUILD)/flags
	$(call say,AFL,$<)
	@mkdir -p $(@D)
	$(Q)AFL_QUIET=1 afl-clang-fast $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -w -MMD -MP -c $< -o $@

$(BUILD)/afl/libkjump.a: $(call objects,afl/obj,$(LIB_SOURCES) $(TEST_SOURCES)) \
		$(BUILD)/obj/jump/blobs.o
	$(call say,AR,$@)
	$(archive)

$(AFL_FUZZERS): $(BUILD)/afl/%: $(BUILD)/afl/obj/tests/fuzz/%.o $(BUILD)/afl/libkjump.a
	$(call say,LD,$@)
	$(Q)AFL_QUIET=1 afl-clang-fast $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer $^ $(LDLIBS) \
		$(KJUMP_LDLIBS) -o $@

# --- what users type --------------------------------------------------------------------------------

# The same sources are compiled four times, with other checks each: in a new clone not again.
CACHED := CC='$(if $(filter ccache,$(CC)),,ccache) $(CC)' CCACHE_NOHASHDIR=1

# Fuzzing takes a minute on two CPUs; beside it the longest of the tests with threads goes on.
check: deps
	@$(MAKE) --no-print-directory $(JOBS) $(CACHED) all initramfs
	@$(MAKE) --no-print-directory $(CACHED) unit
	@$(MAKE) --no-print-directory $(JOBS) $(CACHED) unit-tsan fuzz FUZZ_SECONDS=12
	@$(MAKE) --no-print-directory $(CACHED) e2e

# What tests/kernel/build makes the kernels with KEXEC_JUMP of.
KERNEL_SOURCES := linux-source-6.12 linux-source-6.1

check-full: deps
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory unit-tsan
	@$(MAKE) --no-print-directory power-cuts bit-flips mutations
	@$(MAKE) --no-print-directory fuzz
	@scripts/deps $(KERNEL_SOURCES)
	@KJUMP_BUILD_KERNELS=1 $(MAKE) --no-print-directory e2e SELECT='-m "not package"'

check-kernels: deps
	@scripts/deps $(KERNEL_SOURCES)
	@KJUMP_BUILD_KERNELS=1 $(MAKE) --no-print-directory e2e SELECT='-m kernels'

# KJUMP_PACKAGE names the linux-image-*.deb.
check-package: deps
	@$(MAKE) --no-print-directory e2e SELECT='-m package'

# Debian 12 and 13 on LVM and LUKS, with a database and its clients, held for KJUMP_CYCLES cycles and
# KJUMP_MINUTES checkpoints each; KJUMP_SUITES and KJUMP_KINDS take fewer machines. Takes root.
SYSTEM_TOOLS := cryptsetup-bin swtpm debootstrap fdisk iproute2 openssh-client
check-system: deps
	@scripts/deps $(PACKAGE_TOOLS) $(SYSTEM_TOOLS)
	@$(MAKE) --no-print-directory deb
	tests/system/run $(BUILD)/deb $(PYTEST_ARGS)

# Without SELECT, tests/e2e/pytest.ini leaves out what is marked `full`, `kernels` and
# `package`. What needs the KEXEC_JUMP kernel is skipped when that is not in the cache, unless
# KJUMP_BUILD_KERNELS is set, which builds it.
e2e: all initramfs $(BUILD)/bench-keys
	tests/e2e/run $(SELECT) $(PYTEST_ARGS)

bench: deps
	@scripts/deps $(KERNEL_SOURCES)
	@$(MAKE) --no-print-directory all $(addprefix $(BUILD)/bench-,keys pages throttle)
	$(SYSTEM_PYTHON) -B tests/bench/run $(BENCH_ARGS)

# The same guest hibernated by its kernel and by kjump; about 10 minutes.
bench-vm: deps all $(BUILD)/bench-cores $(BUILD)/bench-keys
	@scripts/deps $(KERNEL_SOURCES)
	$(SYSTEM_PYTHON) -B tests/bench/vm.py --svg docs/phases.svg $(BENCH_ARGS)

# Loading and jumping, by the module and by kexec; about 5 minutes.
bench-jumps: deps all
	@scripts/deps $(KERNEL_SOURCES)
	$(SYSTEM_PYTHON) -B tests/bench/jumps.py $(BENCH_ARGS)

# Inputs made up by libFuzzer for everything that reads what it cannot trust.
fuzz:
	@scripts/deps clang libclang-rt-14-dev
	@$(MAKE) --no-print-directory $(JOBS) $(FUZZERS)
	tests/fuzz/run $(FUZZ_SECONDS) $(FUZZERS)

# A few seconds each show that it works; AFL_SECONDS for more.
AFL_SECONDS ?= 10
fuzz-afl:
	@scripts/deps clang afl++
	@$(MAKE) --no-print-directory $(AFL_FUZZERS)
	tests/fuzz/run --afl $(AFL_SECONDS) $(AFL_FUZZERS)

lint: deps
	clang-format --dry-run --Werror $(shell git ls-files '*.c' '*.h')
	shellcheck $(shell git grep -lE '^\#! ?/bin/(busybox )?sh' -- ':!*.py') dracut-module/*/*.sh \
		boot/*.sh boot/dracut/*.sh boot/mkinitcpio/*/* packaging/PKGBUILD

.PHONY: bench bench-jumps bench-vm bit-flips check check-full check-kernels check-package check-system \
	e2e fuzz fuzz-afl lint mutations \
	power-cuts unit unit-tsan $(TEST_RUNS) $(TSAN_RUNS)
