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
#   MUTATIONS=N      how many changes of sealed images `make mutations` makes, by each algorithm
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
LIBS     := common text disk seal image memory jump
PROGRAMS := kjump kjump-write kjump-restore kjump-back
kjump_DIRS         := kjump kjump/check kjump/commands kjump/export kjump/file kjump/fs \
                      kjump/kept kjump/key kjump/load kjump/report kjump/save kjump/setup kjump/watch
kjump-write_DIRS   := writer
kjump-restore_DIRS := restore

WARNINGS := -Wall -Wextra -Wundef -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wimplicit-fallthrough \
            $(if $(WERROR),-Werror)
override CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DKJUMP_PREFIX='"$(PREFIX)"'
# -fms-extensions: a struct may be a part of another one without a name (struct image_super).
override CFLAGS   := -std=gnu11 -fms-extensions -pthread $(WARNINGS) $(CFLAGS)
# The ciphers: seal/ciphers.h knows whether libsodium is fast enough.
GCRYPT   := $(shell printf '%s\n' '\#include "seal/ciphers.h"' '\#if CIPHERS_GCRYPT' yes '\#endif' | \
                $(CC) -E -P -I. - 2> /dev/null | grep -x yes)
LDLIBS   := -lblkid -lzstd -lxxhash -lsodium $(if $(GCRYPT),-lgcrypt -lgpg-error) -lpthread
# What also runs in kernel B's initramfs and at boot is static: the same files run everywhere.
# libgpg-error asks for home directories in functions that nothing here calls; those of a static
# libc would load libraries.
STATIC   := -static -Wl,--defsym=getpwnam=0,--defsym=getpwuid=0
kjump-write_LINK   := $(STATIC)
kjump-restore_LINK := $(STATIC)
kjump-back_LINK    := $(STATIC)
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

# The same digests by three kinds of instructions (image/digest.c)
%/image/digest-scalar.o: override CFLAGS += -DXXH_VECTOR=XXH_SCALAR -fno-tree-vectorize \
                                            -fno-tree-slp-vectorize
%/image/digest-sse2.o:   override CFLAGS += -DXXH_VECTOR=XXH_SSE2
%/image/digest-avx2.o:   override CFLAGS += -DXXH_VECTOR=XXH_AVX2 -mavx2

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
	$(Q)$(CC) $(CFLAGS) $(STATIC) $(LDFLAGS) $^ $(LDLIBS) -o $@

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

# What two CPUs are to one
$(BUILD)/bench-cores: $(BUILD)/obj/tests/bench/cores.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@

# A pair of keys without a container, for benches and tests
$(BUILD)/bench-keys: $(BUILD)/obj/tests/bench/keys.o $(BUILD)/libkjump.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# --- code between kernels -------------------------------------------------------------------------

$(BUILD)/bare/%.o: jump/%.S $(wildcard jump/*.inc) common/abi.h Makefile | $(BUILD)/ready
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -c $< -o $@

$(BUILD)/bare/%.o: jump/bare-%.c $(wildcard jump/bare-*.h) common/abi.h common/pagehash.h Makefile | $(BUILD)/ready
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BARE) -c $< -o $@

$(BUILD)/bare/entry.elf: $(BUILD)/bare/entry.o
$(BUILD)/bare/thunk.elf: $(BUILD)/bare/thunk.o
$(BUILD)/bare/payload.elf: $(addprefix $(BUILD)/bare/,payload.o restore.o crew.o)
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

# --- rebuild when the flags change ----------------------------------------------------------------

recorded = @mkdir -p $(@D); echo $(call quoted,$(1)) | cmp -s - $@ || echo $(call quoted,$(1)) > $@
FLAGS  = $(filter-out ccache,$(CC)) $(CPPFLAGS) $(filter-out -Werror,$(CFLAGS)) $(LDFLAGS) $(LDLIBS)
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

# Debian's python: the one that python3-pytest belongs to.
SYSTEM_PYTHON ?= /usr/bin/python3

# Everything after `deps` is a new make: before it there may be no compiler.
demo: deps
	@$(MAKE) --no-print-directory -s all initramfs
	@$(SYSTEM_PYTHON) scripts/demo

include tests/rules.mk packaging/rules.mk

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
	@echo 'make mutations      sealed images changed in $(MUTATIONS) ways by each algorithm: none is restored'
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
	@echo 'make bench-jumps    loading kernel B and jumping, by the module and by kexec'
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

.PHONY: all clean demo deps FORCE help initramfs module
.SECONDARY:
# What each object was made of. Only there, and only files: a tree that is installed somewhere below has
# folders of such names.
OBJECTS := $(addprefix $(BUILD)/,obj asan tsan/obj fuzz/obj afl/obj)
-include $(shell find $(OBJECTS) -type f -name '*.d' 2>/dev/null)
