# SPDX-License-Identifier: GPL-2.0-or-later
#
# kjump: hibernation and checkpoint by a second kernel.  `make help` lists the targets.
#
# Variables:
#   V=1              show the commands
#   WERROR=1         warnings are errors (CI sets it)
#   CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR as usual
#   KERNEL=RELEASE   kernel that `make initramfs` takes modules for (default: none needed), and
#                    that `make module` builds for (default: the running one)
#   KERNELDIR=DIR    its headers, if they are not in /lib/modules/RELEASE/build
#   POWER_CUTS=N     how many states `make power-cuts` looks at
#   FUZZ_SECONDS=N   how long `make fuzz` gives each target
#   KJUMP_JOBS=N     how many end-to-end tests at a time (default: one a CPU, four at most)
#   PYTEST_ARGS=...  more arguments for the end-to-end tests, e.g. "-k warm"

PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
PYTHON  ?= python3
# Of what goes into initramfs images: symbols are four fifths of it. STRIP=true keeps them.
STRIP   ?= strip
WERROR  ?= $(if $(CI),1)

BUILD    := build
LIBS     := common text disk image memory jump
PROGRAMS := kjump kjump-write kjump-restore kjump-back
kjump_DIRS         := kjump kjump/check kjump/commands kjump/export kjump/fs kjump/load kjump/save \
                      kjump/watch
kjump-write_DIRS   := writer
kjump-restore_DIRS := restore

WARNINGS := -Wall -Wextra -Wundef -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wimplicit-fallthrough \
            $(if $(WERROR),-Werror)
override CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DKJUMP_PREFIX='"$(PREFIX)"'
override CFLAGS   := -std=gnu11 -pthread $(WARNINGS) $(CFLAGS)
LDLIBS   := -lblkid -lzstd -lxxhash -lpthread
# What also runs in kernel B's initramfs and at boot is static: the same files run everywhere.
kjump-write_LINK   := -static
kjump-restore_LINK := -static
kjump-back_LINK    := -static
# kjump itself is in no initramfs, and asks libraries about mounts and mappings.
KJUMP_LDLIBS := -lmount -ldevmapper
$(BUILD)/kjump: private LDLIBS += $(KJUMP_LDLIBS)

# Freestanding code that runs between kernels: no libc, no SSE, position independent.
BARE     := -std=gnu11 -O2 -ffreestanding -fno-stack-protector -fpie -fno-plt -mno-red-zone \
            -mgeneral-regs-only -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
            -fcf-protection=none -fvisibility=hidden -DXXH_FORCE_MEMORY_ACCESS=1 $(WARNINGS)
BLOBS    := entry thunk payload

Q := $(if $(V),,@)
comma := ,
silent := $(findstring s,$(filter-out --%,$(firstword $(MAKEFLAGS))))
say = $(if $(V)$(silent),@:,@printf '  %-8s%s\n' $(1) $(2))

archive = $(Q)rm -f $@.new && $(AR) rcs $@.new $^ && mv $@.new $@
objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))
LIB_SOURCES  := $(filter-out jump/bare-%.c,$(foreach d,$(LIBS),$(wildcard $(d)/*.c)))
LIB_OBJECTS  := $(call objects,obj,$(LIB_SOURCES)) $(BUILD)/obj/jump/blobs.o
sources = $(foreach d,$($(1)_DIRS),$(wildcard $(d)/*.c))
TEST_SOURCES := $(filter-out %/main.c,$(foreach p,kjump kjump-write kjump-restore,$(call sources,$(p))))
TESTS        := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
SANITIZE     := -fsanitize=address,undefined -fno-sanitize-recover=all -O1 -g

all: $(addprefix $(BUILD)/,$(PROGRAMS)) $(addprefix $(BUILD)/completion/,bash zsh fish)

# --- programs -------------------------------------------------------------------------------------

# What is missing here is said once, all of it, before anything is compiled.
$(BUILD)/ready: scripts/missing
	$(Q)missing=$$(scripts/missing $(CC)) && [ -z "$$missing" ] || { echo "make: missing here:" \
		"$$missing (packages of Debian; scripts/deps build installs them)" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && touch $@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/jump/blobs.o: jump/blobs.S $(foreach b,$(BLOBS),$(BUILD)/bare/$(b).bin)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Wa,-I$(BUILD)/bare -c $< -o $@

$(BUILD)/libkjump.a: $(LIB_OBJECTS)
	$(call say,AR,$@)
	$(archive)

.SECONDEXPANSION:
$(addprefix $(BUILD)/,kjump kjump-write kjump-restore): $(BUILD)/%: \
		$$(call objects,obj,$$(call sources,$$*)) $(BUILD)/libkjump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $($*_LINK) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/kjump-back: $(BUILD)/obj/initramfs/kjump-back.o $(BUILD)/libkjump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(kjump-back_LINK) $(LDFLAGS) $^ $(LDLIBS) -o $@

# For the guest of the end-to-end tests
$(BUILD)/watched: $(BUILD)/obj/tests/e2e/guest/watched.o \
		$(call objects,obj,$(wildcard kjump/fs/*.c)) $(BUILD)/libkjump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -static $(LDFLAGS) $^ $(LDLIBS) -o $@

# kjump-write with a throttle in place of the device
$(BUILD)/bench-throttle: $(BUILD)/obj/tests/bench/throttle.o \
		$(call objects,obj,$(filter-out %/main.c,$(wildcard writer/*.c))) $(BUILD)/libkjump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# Completion, from the table that the help is made of
$(BUILD)/completion/%: $(BUILD)/kjump
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(BUILD)/kjump --completion $* > $@.new && mv $@.new $@

# The pages of an image for zstd
$(BUILD)/bench-pages: $(BUILD)/obj/tests/bench/pages.o $(BUILD)/libkjump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# --- code between kernels -------------------------------------------------------------------------

$(BUILD)/bare/%.o: jump/%.S $(wildcard jump/*.inc) common/abi.h Makefile | $(BUILD)/ready
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -c $< -o $@

$(BUILD)/bare/%.o: jump/bare-%.c jump/bare-io.h common/abi.h common/pagehash.h Makefile | $(BUILD)/ready
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BARE) -c $< -o $@

$(BUILD)/bare/entry.elf: $(BUILD)/bare/entry.o
$(BUILD)/bare/thunk.elf: $(BUILD)/bare/thunk.o
$(BUILD)/bare/payload.elf: $(BUILD)/bare/payload.o $(BUILD)/bare/restore.o
$(BUILD)/bare/%.elf: jump/bare.lds
	$(call say,LD,$@)
	$(Q)$(CC) -nostdlib -static -Wl,--build-id=none -Wl,-T,jump/bare.lds -Wl,-z,noexecstack \
		$(filter %.o,$^) -o $@

$(BUILD)/bare/%.bin: $(BUILD)/bare/%.elf
	$(Q)objcopy -O binary $< $@

# --- the jump module ------------------------------------------------------------------------------

# The kernel's own build system works in the folder of the sources: each kernel gets a copy.
KERNELDIR      ?= /lib/modules/$(or $(KERNEL),$(shell uname -r))/build
MODULE_SOURCES := $(wildcard module/*)
module_release  = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
			$(KERNELDIR)/include/generated/utsrelease.h 2>/dev/null)
module_folder   = $(BUILD)/module/$(module_release)

module:
	@[ -n "$(module_release)" ] || { echo "$(KERNELDIR): no headers of a kernel; install" \
		"linux-headers-\$$(uname -r), or name them in KERNELDIR" >&2; exit 1; }
	@mkdir -p $(module_folder)
	@for file in $(MODULE_SOURCES); do \
		cmp -s $$file $(module_folder)/$${file#module/} || cp $$file $(module_folder)/; done
	$(Q)$(MAKE) $(if $(V),V=1,-s) --no-print-directory -C $(KERNELDIR) \
		M=$(CURDIR)/$(module_folder) CONFIG_DEBUG_INFO_BTF_MODULES= \
		$(if $(WERROR),KCFLAGS=-Werror) modules
	$(call say,MODULE,$(module_folder)/kjump.ko)

# --- tests ----------------------------------------------------------------------------------------

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

# What reaches the disk is recorded below all code of ours; what a restore needs of the machine is
# taken for good (tests/unit/disk-operations.h).
CUTS_WRAP  := pwrite64 fdatasync check_efi check_fingerprints check_memory check_platform \
              devices_read footprint_note hardware_same hardware_there hardware_warn \
              jump_handover_load kexec_execute kexec_unload memory_firmware_map stage_prepare \
              stage_read
$(BUILD)/tests/test_power_cuts: private LDLIBS += $(addprefix -Wl$(comma)--wrap=,$(CUTS_WRAP))

unit: all initramfs $(TESTS)
	$(Q)for test in $(sort $(TESTS)); do echo "== $$test"; $$test || exit 1; done
	tests/run-python tests/boot tests/install

# What has threads, under ThreadSanitizer: the writer's workers and queue, and the readers.
TSAN_TESTS := $(addprefix $(BUILD)/tsan/,test_image test_queue test_save test_watcher)

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

unit-tsan: $(TSAN_TESTS)
	$(Q)for test in $^; do echo "== $$test"; TSAN_OPTIONS=halt_on_error=1 $$test || exit 1; done

# POWER_CUTS states of what the disk may hold after a power cut; `unit` looks at fewer.
POWER_CUTS ?= 100000
power-cuts: $(BUILD)/tests/test_power_cuts
	$< $(POWER_CUTS)

# Every bit of an image's metadata, and random ones elsewhere; `unit` flips every 97th.
BIT_FLIPS ?= 10000
bit-flips: $(BUILD)/tests/test_bit_flips
	$< 1 $(BIT_FLIPS)

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

# --- rebuild when the flags change ----------------------------------------------------------------

recorded = @mkdir -p $(@D); echo $(call quoted,$(1)) | cmp -s - $@ || echo $(call quoted,$(1)) > $@
FLAGS  = $(CC) $(CPPFLAGS) $(filter-out -Werror,$(CFLAGS)) $(LDFLAGS) $(LDLIBS)
quoted = '$(subst ','\'',$(1))'
$(BUILD)/flags: FORCE | $(BUILD)/ready
	$(call recorded,$(FLAGS))

# The kernel that the initramfs has modules of, and whether they are others now.
MODULES_OF_B = $(and $(KERNEL),/lib/modules/$(KERNEL))
$(BUILD)/initramfs.kernel: FORCE
	$(call recorded,$(KERNEL))

# --- what users type --------------------------------------------------------------------------------

deps:
	@scripts/deps

initramfs: $(BUILD)/initramfs.img

$(BUILD)/initramfs.img: initramfs/build initramfs/modules initramfs/init \
		$(BUILD)/kjump-write $(BUILD)/kjump-back $(BUILD)/initramfs.kernel \
		$(wildcard $(MODULES_OF_B)/modules.dep)
	$(call say,IMAGE,$@)
	$(Q)initramfs/build --tools $(BUILD) $(if $(KERNEL),--modules $(MODULES_OF_B)) $@

# Everything after `deps` is a new make: before it there may be no compiler.
demo: deps
	@$(MAKE) --no-print-directory -s all initramfs
	@$(SYSTEM_PYTHON) scripts/demo

# Fuzzing takes a minute on two CPUs.
check: deps
	@$(MAKE) --no-print-directory all unit unit-tsan
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=30
	@$(MAKE) --no-print-directory e2e

# What tests/kernel/build makes the kernels with KEXEC_JUMP of.
KERNEL_SOURCES := linux-source-6.12 linux-source-6.1

check-full: deps
	@$(MAKE) --no-print-directory all unit unit-tsan
	@$(MAKE) --no-print-directory power-cuts bit-flips
	@$(MAKE) --no-print-directory fuzz
	@scripts/deps $(KERNEL_SOURCES)
	@KJUMP_BUILD_KERNELS=1 $(MAKE) --no-print-directory e2e SELECT='-m "not package"'

check-kernels: deps
	@scripts/deps $(KERNEL_SOURCES)
	@KJUMP_BUILD_KERNELS=1 $(MAKE) --no-print-directory e2e SELECT='-m kernels'

# KJUMP_PACKAGE names the linux-image-*.deb.
check-package: deps
	@$(MAKE) --no-print-directory e2e SELECT='-m package'

# Without SELECT, tests/e2e/pytest.ini leaves out what is marked `full`, `kernels` and
# `package`. What needs the KEXEC_JUMP kernel is skipped when that is not in the cache, unless
# KJUMP_BUILD_KERNELS is set, which builds it.
e2e: all initramfs
	tests/e2e/run $(SELECT) $(PYTEST_ARGS)

bench: deps
	@scripts/deps $(KERNEL_SOURCES)
	@$(MAKE) --no-print-directory all $(BUILD)/bench-throttle $(BUILD)/bench-pages
	$(SYSTEM_PYTHON) -B tests/bench/run $(BENCH_ARGS)

# The same guest hibernated by its kernel and by kjump; about 10 minutes.
bench-vm: deps all
	@scripts/deps $(KERNEL_SOURCES)
	$(SYSTEM_PYTHON) -B tests/bench/vm.py --svg docs/phases.svg $(BENCH_ARGS)

# Debian's python: the one that python3-pytest belongs to.
SYSTEM_PYTHON ?= /usr/bin/python3

# Inputs made up by libFuzzer for everything that reads what it cannot trust.
fuzz:
	@scripts/deps clang libclang-rt-14-dev
	@$(MAKE) --no-print-directory $(FUZZERS)
	tests/fuzz/run $(FUZZ_SECONDS) $(FUZZERS)

# A few seconds each show that it works; AFL_SECONDS for more.
AFL_SECONDS ?= 10
fuzz-afl:
	@scripts/deps clang afl++
	@$(MAKE) --no-print-directory $(AFL_FUZZERS)
	tests/fuzz/run --afl $(AFL_SECONDS) $(AFL_FUZZERS)

lint: deps
	clang-format --dry-run --Werror $(shell git ls-files '*.c' '*.h')
	shellcheck $(shell git grep -lE '^\#! ?/bin/(busybox )?sh' -- ':!*.py' ':!packaging') dracut-module/*/*.sh \
		boot/*.sh boot/dracut/*.sh boot/mkinitcpio/*/*

# A file that names the folder of the programs, for the folder where they are installed.
installed = sed 's|/usr/local/lib/kjump|$(PREFIX)/lib/kjump|g' $(1)

install: install-files initramfs
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/lib/kjump" $(BUILD)/initramfs.img
	$(if $(DESTDIR),,-"$(PREFIX)/lib/kjump/update-initramfs")

# Debian's packages have vendor-completions here.
ZSH_FUNCTIONS ?= site-functions

# What goes into packages: all but what is made on the machine itself.
install-files: all
	install -D -m 755 -t "$(DESTDIR)$(PREFIX)/sbin" $(BUILD)/kjump
	install -D -m 755 -t "$(DESTDIR)$(PREFIX)/lib/kjump" initramfs/modules initramfs/init
	install -m 755 initramfs/build "$(DESTDIR)$(PREFIX)/lib/kjump/build-initramfs"
	install -m 755 initramfs/update "$(DESTDIR)$(PREFIX)/lib/kjump/update-initramfs"
	install -s --strip-program=$(STRIP) -m 755 -t "$(DESTDIR)$(PREFIX)/lib/kjump" \
		$(BUILD)/kjump-write $(BUILD)/kjump-restore $(BUILD)/kjump-back
	install -m 644 -t "$(DESTDIR)$(PREFIX)/lib/kjump" $(wildcard boot/kjump-*.sh)
	install -d "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	$(call installed,boot/kjump-boot-on.service) > \
		"$(DESTDIR)$(PREFIX)/lib/systemd/system/kjump-boot-on.service"
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/doc/kjump" packaging/kjump.conf
	install -D -m 644 $(BUILD)/completion/bash \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/kjump"
	install -D -m 644 $(BUILD)/completion/zsh "$(DESTDIR)$(PREFIX)/share/zsh/$(ZSH_FUNCTIONS)/_kjump"
	install -D -m 644 $(BUILD)/completion/fish \
		"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/kjump.fish"
	for section in 5 7 8; do install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/man/man$$section" \
		man/*.$$section; done

# Whatever the targets above and below put somewhere, and what was made from it; not the configuration.
# They are asked where that is, so that there is no second list.
INSTALLED := $(BUILD)/uninstall
uninstall:
	@rm -rf $(INSTALLED)
	@$(MAKE) -s --no-print-directory install install-dracut install-initramfs-tools \
		install-mkinitcpio install-dkms DESTDIR=$(INSTALLED)
	$(if $(DESTDIR),,-systemctl disable -q kjump-boot-on.service 2> /dev/null)
	$(if $(DESTDIR),,-command -v dkms > /dev/null && dkms remove kjump/$(version) --all)
	@find $(INSTALLED) -type f -printf '%P\n' | while IFS= read -r file; do \
		rm -f "$(DESTDIR)/$$file"; done
	@find $(INSTALLED) -depth -type d -name '*kjump*' -printf '%P\n' | while IFS= read -r folder; do \
		rmdir "$(DESTDIR)/$$folder" 2> /dev/null; done; true
	rm -rf "$(DESTDIR)/var/lib/kjump"
	@for module in "$(DESTDIR)"/lib/modules/*/updates/kjump.ko; do \
		[ -e "$$module" ] || continue; rm "$$module"; release=$${module%/updates/*}; \
		[ -n "$(DESTDIR)" ] || depmod "$${release##*/}"; done
	@rm -rf $(INSTALLED)
	@echo "make the system's initramfs anew as well: what restores at boot is still in it"

version = $(shell sed -n 's/.*KJUMP_VERSION "\(.*\)"/\1/p' common/version.h)

# For one kernel: the running one, or that of KERNEL or KERNELDIR.
install-module: module
	install -D -m 644 -t "$(DESTDIR)/lib/modules/$(module_release)/updates" \
		$(module_folder)/kjump.ko
	$(if $(DESTDIR),,depmod $(module_release))
	$(if $(DESTDIR),,-[ ! -x "$(PREFIX)/lib/kjump/update-initramfs" ] || \
		"$(PREFIX)/lib/kjump/update-initramfs" $(module_release))

# For each kernel that is and will be installed; needs dkms.
install-dkms:
	install -D -m 644 -t "$(DESTDIR)/usr/src/kjump-$(version)" $(MODULE_SOURCES)
	sed -i 's/@VERSION@/$(version)/' "$(DESTDIR)/usr/src/kjump-$(version)/dkms.conf"
	$(if $(DESTDIR),,dkms install kjump/$(version))

# A file of FOLDER/NAME made from SOURCE, to be run.
define install_script
	install -d "$(DESTDIR)$(dir $(1))"
	$(call installed,$(2)) > "$(DESTDIR)$(1)"
	chmod $(or $(3),755) "$(DESTDIR)$(1)"
endef

# What keeps kernel B's initramfs right after updates of the kernel.
define kernel_hooks
	$(call install_script,/etc/kernel/postinst.d/kjump,boot/kernel/postinst)
	$(call install_script,/etc/kernel/postrm.d/kjump,boot/kernel/postrm)
	$(call install_script,/usr/lib/kernel/install.d/60-kjump.install,boot/kernel/60-kjump.install)
endef

# What restores at boot, into the folders where the builder of the initramfs looks; these are outside
# PREFIX, which is where their parts come from when an initramfs is built.
DRACUT_MODULES := $(shell pkg-config --variable=dracutmodulesdir dracut 2>/dev/null)
DRACUT_MODULES := $(or $(DRACUT_MODULES),/usr/lib/dracut/modules.d)

install-dracut:
	$(call install_script,$(DRACUT_MODULES)/50kjump/module-setup.sh,dracut-module/50kjump/module-setup.sh)
	$(call install_script,$(DRACUT_MODULES)/50kjump-writer/module-setup.sh,\
		dracut-module/50kjump-writer/module-setup.sh)
	$(kernel_hooks)
	install -m 644 -t "$(DESTDIR)$(DRACUT_MODULES)/50kjump" boot/kjump-*.sh
	install -m 755 -t "$(DESTDIR)$(DRACUT_MODULES)/50kjump" boot/dracut/kjump-*.sh initramfs/modules
	install -m 755 -t "$(DESTDIR)$(DRACUT_MODULES)/50kjump-writer" initramfs/init initramfs/modules

INITRAMFS_TOOLS := /usr/share/initramfs-tools
install-initramfs-tools:
	$(kernel_hooks)
	$(call install_script,$(INITRAMFS_TOOLS)/hooks/kjump,boot/initramfs-tools/hook)
	install -D -m 755 boot/initramfs-tools/init-top \
		"$(DESTDIR)$(INITRAMFS_TOOLS)/scripts/init-top/kjump"
	install -D -m 755 boot/initramfs-tools/premount \
		"$(DESTDIR)$(INITRAMFS_TOOLS)/scripts/local-premount/kjump"
	install -D -m 755 boot/initramfs-tools/premount \
		"$(DESTDIR)$(INITRAMFS_TOOLS)/scripts/nfs-premount/kjump"

install-mkinitcpio:
	$(call install_script,/usr/share/libalpm/hooks/95-kjump.hook,boot/kernel/95-kjump.hook,644)
	$(call install_script,/usr/lib/initcpio/install/kjump,boot/mkinitcpio/install/kjump,644)
	install -D -m 644 boot/mkinitcpio/hooks/kjump "$(DESTDIR)/usr/lib/initcpio/hooks/kjump"
	install -D -m 644 -t "$(DESTDIR)/usr/lib/systemd/system" boot/mkinitcpio/kjump-*.service

# --- packages -------------------------------------------------------------------------------------

# Their version; that of the programs by default.
PACKAGE_VERSION ?= $(version)
# A copy of the sources, in which packages are built: nothing is changed here.
packed = $(BUILD)/$(1)/kjump-$(PACKAGE_VERSION)
define copy_sources
	rm -rf $(BUILD)/$(1)
	mkdir -p $(packed)
	tar -c --exclude=./$(BUILD) --exclude=./.git --exclude=__pycache__ . | tar -x -C $(packed)
endef
define tarball
	$(call copy_sources,$(1))
	tar -C $(BUILD)/$(1) -czf $(call packed,$(1)).tar.gz kjump-$(PACKAGE_VERSION)
	rm -rf $(call packed,$(1))
endef

# Their version in /usr/src and in the packages' names is that of the programs. Whether all is there
# that the build needs, the build says: the names of packages are Fedora's.
rpm:
	$(call tarball,rpm)
	rpmbuild --quiet -bb --nodeps \
		--define '__brp_compress /bin/bash %{_rpmconfigdir}/brp-compress' \
		--define '_topdir $(CURDIR)/$(BUILD)/rpm' \
		--define '_sourcedir $(CURDIR)/$(BUILD)/rpm' --define 'kjump_version $(PACKAGE_VERSION)' \
		packaging/kjump.spec
	mv $(BUILD)/rpm/RPMS/*/*.rpm $(BUILD)/rpm/
	rm -rf $(addprefix $(BUILD)/rpm/,BUILD BUILDROOT RPMS SRPMS SPECS SOURCES)

# For makepkg, in $(BUILD)/arch.
pkgbuild:
	$(call tarball,arch)
	sed -e 's/@VERSION@/$(PACKAGE_VERSION)/' \
		-e "s/@SUM@/$$(sha256sum < $(call packed,arch).tar.gz | cut -d' ' -f1)/" \
		packaging/PKGBUILD > $(BUILD)/arch/PKGBUILD

deb:
	$(call copy_sources,deb)
	cp -r packaging/debian $(call packed,deb)/debian
	sed -i 's/@VERSION@/$(PACKAGE_VERSION)/' $(call packed,deb)/debian/changelog
	cd $(call packed,deb) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc
	rm -rf $(call packed,deb)

# Takes root: Debian 12 and 13 are installed into folders for it, and then the packages into them.
check-packaging: deps
	@scripts/deps $(PACKAGE_TOOLS)
	@$(MAKE) --no-print-directory deb rpm pkgbuild
	tests/package/others $(BUILD)/rpm $(BUILD)/arch
	tests/package/run $(BUILD)/deb bookworm trixie
	tests/package/source bookworm

PACKAGE_TOOLS := debhelper debootstrap dh-dkms fakeroot libarchive-tools lintian makepkg pkgconf rpm

help:
	@echo 'make                build the programs into $(BUILD)/'
	@echo 'make demo           the whole story in a virtual machine: hibernate, power off, restore'
	@echo 'make check          unit tests, then end-to-end tests in QEMU'
	@echo 'make check-full     the same, with fuzzing and the long and varied end-to-end tests'
	@echo 'make check-kernels  the cycle with kernel 6.1 in all roles, and crash(8)'
	@echo 'make check-package  the kernel that scripts/build-kernel made, named in KJUMP_PACKAGE'
	@echo 'make unit           unit tests alone (ASan, UBSan)'
	@echo 'make power-cuts     $(POWER_CUTS) states of a disk after a power cut; a few of them are in unit'
	@echo 'make bit-flips      every bit of an image'"'"'s metadata flipped, BIT_FLIPS=$(BIT_FLIPS) elsewhere'
	@echo 'make e2e            end-to-end tests alone; PYTEST_ARGS="-k warm" selects'
	@echo 'make unit-tsan      those that have threads, with ThreadSanitizer'
	@echo 'make fuzz           libFuzzer on all parsers, FUZZ_SECONDS=$(FUZZ_SECONDS) each'
	@echo 'make fuzz-afl       the same targets with AFL++, AFL_SECONDS=$(AFL_SECONDS) each'
	@echo 'make bench          speed and size beside makedumpfile and zstd (10 minutes; leave the'
	@echo '                    machine alone meanwhile)'
	@echo 'make initramfs      $(BUILD)/initramfs.img, what kernel B runs; KERNEL=release adds modules'
	@echo 'make module         $(BUILD)/module/RELEASE/kjump.ko for the running kernel; KERNEL=release'
	@echo '                    or KERNELDIR=headers for another one'
	@echo 'make bench-vm       a hibernation against the kernel'"'"'s own, in QEMU'
	@echo 'make install        into $$(DESTDIR)$$(PREFIX), PREFIX=$(PREFIX)'
	@echo 'make deb            Debian packages into $(BUILD)/deb/; make check-packaging builds, installs,'
	@echo '                    uses and purges them in Debian 12 and 13, and checks the others (takes root)'
	@echo 'make rpm            packages for Fedora and SUSE into $(BUILD)/rpm/'
	@echo 'make pkgbuild       what makepkg needs for Arch, into $(BUILD)/arch/'
	@echo 'make uninstall      all of it away again, whichever of these targets were made'
	@echo 'make install-module the module, for the running kernel; KERNEL or KERNELDIR as above'
	@echo 'make install-dkms   the module, by DKMS: for every kernel, now and after updates'
	@echo 'make install-dracut, install-initramfs-tools, install-mkinitcpio'
	@echo '                    what restores at boot, for initramfs images that are built from then on'
	@echo 'make deps           install what is missing (Debian packages); scripts/deps build: only what'
	@echo '                    the build needs'
	@echo 'make lint           formatting and shell checks'
	@echo 'make clean          remove $(BUILD)/'
	@echo 'V=1 shows the commands, WERROR=1 makes warnings errors.'

clean:
	rm -rf $(BUILD)

.PHONY: all bench bench-vm bit-flips check check-full check-kernels check-package check-packaging clean deb demo \
	deps e2e FORCE fuzz fuzz-afl help initramfs install install-dkms install-dracut install-files \
	install-initramfs-tools install-mkinitcpio install-module lint module pkgbuild power-cuts rpm \
	uninstall unit unit-tsan
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
