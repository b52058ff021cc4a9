/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be in order, on machines that are directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "jump/jump.h"
#include "kjump/check/checks.h"
#include "kjump/check/untouchable.h"
#include "kjump/device.h"
#include "kjump/save/rehearse.h"
#include "tests/unit/fake-root.h"
#include "tests/unit/temp-disk.h"

#define MIB (1ULL << 20)

static void test_hibernation(void **state)
{
	(void)state;
	assert_int_equal(check_hibernation(&preflight, &note), PREFLIGHT_DOUBT);
	put("/sys/power/disk", "[platform] shutdown reboot\n");
	assert_int_equal(check_hibernation(&preflight, &note), 0);
	put("/sys/power/disk", "[disabled]\n");
	put_link("/proc/42/fd/3", "/dev/null");
	assert_int_equal(check_hibernation(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "nohibernate"));
	put_link("/proc/42/fd/4", "/secretmem (deleted)");
	put("/proc/42/comm", "vault\n");
	assert_int_equal(check_hibernation(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "vault (42)"));
	/* Mapped, and the descriptor closed. */
	drop("/proc/42/fd/4");
	put_link("/proc/43/map_files/7f00-7f01", "/secretmem (deleted)");
	put("/proc/43/comm", "agent\n");
	assert_int_equal(check_hibernation(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "agent (43)"));
}

/* Installed AGE seconds ago. */
static void install_kernel(const char *release, time_t age, const char *dependencies)
{
	const struct timespec then = { .tv_sec = time(NULL) - age };
	const struct timespec times[] = { then, then };
	char path[256], full[512];

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	put(path, dependencies);
	snprintf(path, sizeof(path), "/boot/vmlinuz-%s", release);
	put(path, "");
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}

static void test_next_kernel(void **state)
{
	const char *without = "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko\n";
	const char *with = "kernel/lib/crc16.ko:\nupdates/dkms/kjump.ko.xz:\n";
	struct utsname system;

	(void)state;
	assert_int_equal(uname(&system), 0);
	assert_int_equal(check_next_kernel(&preflight, &note), 0);
	install_kernel(system.release, 3600, without);
	install_kernel("9.9.9-newer", 60, without);
	assert_int_equal(check_next_kernel(&preflight, &note), 0);
	install_kernel(system.release, 3600, with);
	install_kernel("1.1.1-older", 7200, without);
	assert_int_equal(check_next_kernel(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "9.9.9-newer was installed"));
	install_kernel("9.9.9-newer", 60, with);
	assert_int_equal(check_next_kernel(&preflight, &note), 0);
}

static void test_devices(void **state)
{
	(void)state;
	assert_int_equal(check_cpu0(&preflight, &note), 0);
	put("/sys/devices/system/cpu/cpu0/online", "1\n");
	assert_int_equal(check_cpu0(&preflight, &note), 0);
	put("/sys/devices/system/cpu/cpu0/online", "0\n");
	assert_int_equal(check_cpu0(&preflight, &note), -EBUSY);

	assert_int_equal(check_drivers(&preflight, &note), 0);
	put("/sys/bus/virtio/drivers/virtiofs/bind", "");
	assert_int_equal(check_drivers(&preflight, &note), 0);
	put("/sys/bus/virtio/drivers/virtiofs/virtio3", "");
	assert_int_equal(check_drivers(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "virtiofs (virtio3)"));

	drop("/sys/bus/virtio/drivers/virtiofs/virtio3");
	/* A balloon is no matter unless it reports free pages. */
	put("/sys/bus/virtio/drivers/virtio_balloon/virtio1/features", "01000000001000000000\n");
	assert_int_equal(check_drivers(&preflight, &note), 0);
	put("/sys/bus/virtio/drivers/virtio_balloon/virtio1/features", "01000100001000000000\n");
	assert_int_equal(check_drivers(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "virtio_balloon (virtio1) reports free pages"));
	assert_true(check_reporting_freezes("Linux version 6.12.117+deb12-cloud-amd64 (b@c) (gcc) "
					    "#1 SMP Debian 6.12.117-1~deb12u1 (2026-11-14)"));
	assert_true(check_reporting_freezes("Linux version 6.1.0-57-amd64 (b@c) (gcc) #1 SMP "
					    "PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-16)"));
	assert_false(check_reporting_freezes("Linux version 6.1.0-40-amd64 (b@c) (gcc) #1 SMP "
					     "PREEMPT_DYNAMIC Debian 6.1.153-1 (2025-09-20)"));
	assert_true(check_reporting_freezes("Linux version 6.12.120 (b@c) (gcc) #1 SMP"));
	assert_false(check_reporting_freezes("Linux version 6.12.30 (b@c) (gcc) #1 SMP"));
	assert_false(check_reporting_freezes("Linux version 6.14.200 (b@c) (gcc) #1 SMP"));
	assert_false(check_reporting_freezes(""));

	assert_int_equal(check_virtio_mem(&preflight, &note), 0);
	put("/sys/bus/virtio/drivers/virtio_mem/virtio1", "");
	assert_int_equal(check_virtio_mem(&preflight, &note), -EOPNOTSUPP);
}

static void put_bytes(const char *path, const void *bytes, size_t size)
{
	char full[512];
	FILE *file;

	put(path, "");
	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

/* An entry of struct boot_params' E820 table. */
static void put_range(unsigned char *at, uint64_t start, uint64_t end, uint32_t type)
{
	uint64_t size = end - start;

	memcpy(at, &start, 8);
	memcpy(at + 8, &size, 8);
	memcpy(at + 16, &type, 4);
}

/* Flags of the frames below 16 MiB; those of FRAME have BITS. */
static void put_flags(uint64_t frame, uint64_t bits)
{
	static uint64_t flags[4096];

	memset(flags, 0, sizeof(flags));
	flags[frame] = bits;
	put_bytes("/proc/kpageflags", flags, sizeof(flags));
}

static void put_corrupted(unsigned kib)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "MemTotal: 16384 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\n"
		 "HardwareCorrupted: %5u kB\n",
		 kib);
	put("/proc/meminfo", text);
}

static void test_untouchable(void **state)
{
	struct untouchable pages;

	(void)state;
	put("/proc/iomem", "00100000-00ffffff : System RAM\n");
	put_corrupted(0);
	put_flags(1000, 1ULL << 23);
	/* Neither errors nor a balloon: nothing is looked at. */
	assert_int_equal(untouchable_count(root, &pages, &note), 0);
	assert_int_equal(pages.poisoned + pages.offline + pages.huge, 0);
	put("/sys/bus/virtio/drivers/virtio_balloon/virtio2", "");
	put("/sys/bus/vmbus/drivers/hv_netvsc/bind", "");
	assert_int_equal(untouchable_count(root, &pages, &note), 0);
	assert_int_equal(pages.offline, 0);
	put("/sys/bus/vmbus/drivers/hv_balloon/bind", "");
	assert_int_equal(untouchable_count(root, &pages, &note), 0);
	assert_int_equal(pages.offline, 1);
	assert_int_equal(check_untouchable(&preflight, &note), 0);
	put_corrupted(8);
	put_flags(1000, 1ULL << 19);
	assert_int_equal(check_untouchable(&preflight, &note), PREFLIGHT_DOUBT);
	assert_string_equal(note.text, "2 pages have memory errors; they are left out");
	put_flags(512, 1ULL << 19 | 1ULL << 17 | 1ULL << 15);
	assert_int_equal(check_untouchable(&preflight, &note), -EUCLEAN);
	assert_non_null(strstr(note.text, "huge page at 0x200000"));
	drop("/proc/kpageflags");
	assert_int_equal(check_untouchable(&preflight, &note), -ENOENT);
}

#define BOOTED "00001000-0009fbff : System RAM\n00100000-1ffdffff : System RAM\n"
#define LATER  "100000000-10fffffff : System RAM\n"

static void test_added_memory(void **state)
{
	unsigned char params[4096] = { [0x1e8] = 2 }, more[40];

	(void)state;
	put("/proc/iomem", BOOTED);
	assert_int_equal(check_added_memory(&preflight, &note), -ENOENT);
	put_range(params + 0x2d0, 0, 0x9fc00, 1);
	put_range(params + 0x2d0 + 20, 0x100000, 0x1ffe0000, 1);
	put_bytes("/sys/kernel/boot_params/data", params, sizeof(params));
	assert_int_equal(check_added_memory(&preflight, &note), 0);
	/* Nobody says where it comes from. */
	put("/proc/iomem", BOOTED LATER);
	assert_int_equal(check_added_memory(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "0x100000000-0x10fffffff was added by a driver"));
	put("/sys/devices/system/memory/block_size_bytes", "8000000\n");
	put("/sys/devices/system/memory/memory32/firmware_node/hid", "PNP0C80\n");
	assert_int_equal(check_added_memory(&preflight, &note), -EOPNOTSUPP); /* half of it */
	put("/sys/devices/system/memory/memory33/firmware_node/hid", "PNP0C80\n");
	assert_int_equal(check_added_memory(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "0x100000000-0x10fffffff was plugged in"));
	/* A boot loader's map of more than 128 ranges. */
	put("/sys/kernel/boot_params/setup_data/0/type", "0x2\n");
	put_range(more, 0x100000000, 0x108000000, 1);
	put_range(more + 20, 0x108000000, 0x110000000, 1);
	put("/sys/kernel/boot_params/setup_data/1/type", "0x1\n");
	put_bytes("/sys/kernel/boot_params/setup_data/1/data", more, sizeof(more));
	assert_int_equal(check_added_memory(&preflight, &note), 0);
	put_range(more + 20, 0x108000000, 0x110000000, 2);
	put_bytes("/sys/kernel/boot_params/setup_data/1/data", more, sizeof(more));
	put("/sys/devices/system/memory/block_size_bytes", "0\n");
	assert_int_equal(check_added_memory(&preflight, &note), -EOPNOTSUPP);
	put_bytes("/sys/kernel/boot_params/data", params, 100);
	assert_int_equal(check_added_memory(&preflight, &note), -EINVAL);
}

static int encrypted(const char *flags, const char *cmdline)
{
	char cpuinfo[256];

	snprintf(cpuinfo, sizeof(cpuinfo), "processor\t: 0\nflags\t\t: %s\n", flags);
	put("/proc/cpuinfo", cpuinfo);
	put("/proc/cmdline", cmdline);
	return check_encrypted_memory(&preflight, &note);
}

static void test_encrypted_memory(void **state)
{
	(void)state;
	assert_int_equal(encrypted("fpu sev_es nx", "quiet"), 0);
	assert_int_equal(encrypted("fpu sev", "quiet"), 0);
	assert_int_equal(encrypted("fpu sev hypervisor", "quiet"), -EOPNOTSUPP);
	assert_int_equal(encrypted("fpu tdx_guest", "quiet"), -EOPNOTSUPP);
	assert_int_equal(encrypted("fpu", "mem_encrypt=on"), -EOPNOTSUPP);
	assert_int_equal(encrypted("fpu", "mem_encrypt=off"), 0);
}

static void test_processor(void **state)
{
	(void)state;
	assert_int_equal(encrypted("fpu tdx_host_platform", "quiet"), 0);
	put("/proc/cpuinfo", "flags\t\t: fpu tdx_host_platform\nbugs\t\t: spectre_v1 tdx_pw_mce\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), -EOPNOTSUPP);
	put("/proc/cpuinfo", "flags\t\t: fpu\nbugs\t\t: tdx_pw_mce\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), 0);
	put("/sys/module/kvm_intel/parameters/tdx", "N\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), 0);
	put("/sys/module/kvm_intel/parameters/tdx", "Y\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "host of TDX guests"));
}

static int fred(const char *flags, const char *release)
{
	char cpuinfo[64];

	snprintf(cpuinfo, sizeof(cpuinfo), "flags\t\t: %s\n", flags);
	put("/proc/cpuinfo", cpuinfo);
	put("/proc/sys/kernel/osrelease", release);
	return check_fred(&preflight, &note);
}

static void test_fred(void **state)
{
	static const char *const bad[] = { "6.9.1\n", "6.12.30-amd64\n", "6.13.12\n", "6.14.8\n" };
	static const char *const good[] = { "6.12.31\n", "6.14.9-1\n", "6.15.0\n", "6.18\n",
					    "7.0.1\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(fred("nx fred", bad[i]), -EOPNOTSUPP);
		assert_int_equal(fred("nx", bad[i]), 0);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(fred("nx fred", good[i]), 0);
}

static void test_live_update(void **state)
{
	(void)state;
	put("/proc/42/comm", "vmm\n");
	put_link("/proc/42/fd/7", "anon_inode:[luo_session] guests");
	put("/proc/sys/kernel/osrelease", "6.18.3\n");
	assert_int_equal(check_live_update(&preflight, &note), 0);
	put("/proc/sys/kernel/osrelease", "6.19.0\n");
	assert_int_equal(check_live_update(&preflight, &note), -EBUSY);
	assert_non_null(strstr(note.text, "vmm (42)"));
	put("/proc/sys/kernel/osrelease", "7.2.0-rc1\n");
	assert_int_equal(check_live_update(&preflight, &note), 0);
	put("/proc/sys/kernel/osrelease", "7.1.9\n");
	drop("/proc/42/fd/7");
	put_link("/proc/42/fd/7", "anon_inode:[eventpoll]");
	assert_int_equal(check_live_update(&preflight, &note), 0);
}

/* Become nobody, for whom all of the machine is open but PATH. Returns whether that is possible. */
static bool become_nobody(const char *path)
{
	char command[512];

	snprintf(command, sizeof(command), "chmod -R a+rX %s; chmod 0 %s%s", root, root, path);
	assert_int_equal(system(command), 0);
	return geteuid() != 0 || seteuid(65534) == 0;
}

/* Undo that. */
static void become_root(const char *path)
{
	char full[512];

	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(chmod(full, 0700), 0);
}

/* What only root may look at is unknown to others: it is not in order because they see nothing. */
static void closes(int (*run)(struct preflight *, struct error *), const char *path)
{
	const struct preflight_check check = { "closed", "open it", 0, run };

	if (geteuid() == 0)
		assert_int_equal(preflight_check(&check, &preflight, &note), 0);
	assert_true(become_nobody(path));
	note = (struct error){ 0 };
	assert_int_equal(preflight_check(&check, &preflight, &note), PREFLIGHT_UNKNOWN);
	become_root(path);
	assert_non_null(strstr(note.text, "only root may look"));
}

static void test_closed_processes(void **state)
{
	(void)state;
	put_link("/proc/42/fd/7", "anon_inode:[eventpoll]");
	put("/proc/sys/kernel/osrelease", "6.19.3\n");
	closes(check_live_update, "/proc/42/fd");
	/* Nobody has to look where no kernel does that. */
	put("/proc/sys/kernel/osrelease", "6.12.3\n");
	assert_true(become_nobody("/proc/42/fd"));
	assert_int_equal(check_live_update(&preflight, &note), 0);
	become_root("/proc/42/fd");
	/* One that is found counts, whatever else is closed. */
	put_link("/proc/43/fd/7", "anon_inode:[luo_session]");
	put("/proc/sys/kernel/osrelease", "6.19.3\n");
	assert_true(become_nobody("/proc/42/fd"));
	assert_int_equal(check_live_update(&preflight, &note), -EBUSY);
	become_root("/proc/42/fd");
}

static void test_closed_kcore(void **state)
{
	char core[4096] = "";

	(void)state;
	put("/proc/cpuinfo", "flags\t\t: fpu sme\n");
	put("/proc/cmdline", "quiet\n");
	put_bytes("/proc/kcore", core, sizeof(core));
	assert_true(become_nobody("/proc/kcore"));
	assert_int_equal(check_encrypted_memory(&preflight, &note), PREFLIGHT_UNKNOWN);
	assert_non_null(strstr(note.text, "/proc/kcore"));
	become_root("/proc/kcore");
	/* Others have no SME that could be in use. */
	put("/proc/cpuinfo", "flags\t\t: fpu sev_es\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), 0);
	/* Nor can root see it where there is none. */
	put("/proc/cpuinfo", "flags\t\t: fpu sme\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), PREFLIGHT_UNKNOWN);
}

#define ROOMY "MemTotal: 16384000 kB\nMemFree: 16000000 kB\nMemAvailable: 16000000 kB\n"

static void test_closed_footprint(void **state)
{
	(void)state;
	put("/proc/meminfo", ROOMY);
	put("/proc/iomem", BOOTED);
	put("/run/kjump-boot/footprint",
	    "ram_kib = 16384000\ntotal_kib = 16000000\nfree_kib = 1\navailable_kib = 1\n"
	    "reserve_kib = 1\nroom_kib = 15000000\n");
	closes(check_room, "/run/kjump-boot/footprint");
	/* Without one it is an estimate of what was added, which hidden addresses do not tell. */
	drop("/run/kjump-boot/footprint");
	assert_int_equal(check_room(&preflight, &note), 0);
	put("/proc/iomem", "00000000-00000000 : System RAM\n");
	assert_int_equal(check_room(&preflight, &note), PREFLIGHT_UNKNOWN);
}

static void test_closed_mounts(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", "20 1 0:18 / / rw - tmpfs tmpfs rw\n");
	put("/proc/swaps", "Filename Type Size Used Priority\n");
	put("/closed", "");
	closes(check_watched, "/closed");
}

static void test_hidden_kernel(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/dev/kjump", root);
	assert_false(jump_hidden(path));
	put("/dev/kjump", "");
	assert_true(become_nobody("/dev/kjump"));
	assert_true(jump_hidden(path));
	become_root("/dev/kjump");
	if (geteuid() == 0)
		assert_false(jump_hidden(path));
}

static int size_of(uint64_t device)
{
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "/dev/vda");
	preflight.disk.size = device;
	return check_size(&preflight, &note);
}

static int refuse(struct preflight *refused, struct error *refusal)
{
	(void)refused;
	return error_set(refusal, EPERM, "closed");
}

static int lack(struct preflight *lacking, struct error *lacked)
{
	lacking->advice = "get one";
	return error_set(lacked, ENOENT, "none");
}

/* What root alone may look at is no problem of the machine's for others. */
static void test_not_root(void **state)
{
	const struct preflight_check closed = { "closed", "open it", 0, refuse };
	const struct preflight_check missing = { "missing", "open it", 0, lack };
	const uid_t user = geteuid();

	(void)state;
	if (user == 0) {
		assert_int_equal(preflight_check(&closed, &preflight, &note), -EPERM);
		assert_string_equal(preflight.advice, "open it");
		assert_int_equal(seteuid(65534), 0);
	}
	assert_int_equal(preflight_check(&closed, &preflight, &note), PREFLIGHT_UNKNOWN);
	assert_string_equal(note.text, "only root may look: closed");
	assert_int_equal(preflight_check(&missing, &preflight, &note), -ENOENT);
	assert_string_equal(preflight.advice, "get one");
	assert_int_equal(seteuid(user), 0);
}

static void test_size(void **state)
{
	(void)state;
	assert_int_equal(check_size(&preflight, &note), PREFLIGHT_UNKNOWN);
	/* 400 MiB in use; the device keeps 2 MiB to itself. */
	put("/proc/meminfo", "MemTotal: 1024000 kB\nMemFree: 614400 kB\nMemAvailable: 614400 kB\n");
	assert_int_equal(size_of(402 * MIB), 0);
	assert_int_equal(size_of(401 * MIB), PREFLIGHT_DOUBT);
	assert_int_equal(size_of(202 * MIB), PREFLIGHT_DOUBT);
	assert_int_equal(size_of(201 * MIB), -ENOSPC);
	assert_int_equal(size_of(0), -ENOSPC);
}

static void test_plaintext(void **state)
{
	(void)state;
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "/dev/vda4");
	put("/sys/class/block/vda4/size", "1");
	put("/sys/class/block/dm-0/dm/uuid", "LVM-abc\n");
	assert_int_equal(check_plaintext(&preflight, &note), 0);
	put("/sys/class/block/dm-1/dm/uuid", "CRYPT-LUKS2-1234-root\n");
	assert_int_equal(check_plaintext(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "/dev/vda4"));
	assert_non_null(strstr(note.text, "allow_plaintext"));
	config.allow_plaintext = true;
	assert_int_equal(check_plaintext(&preflight, &note), PREFLIGHT_DOUBT);
	config.allow_plaintext = false;

	/* On the encrypted device itself, and on a volume that lies on it. */
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "/dev/dm-1");
	assert_int_equal(check_plaintext(&preflight, &note), 0);
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "/dev/dm-0");
	assert_int_equal(check_plaintext(&preflight, &note), -EOPNOTSUPP);
	put("/sys/class/block/dm-0/slaves/dm-1", "");
	assert_int_equal(check_plaintext(&preflight, &note), 0);
}

/* An image that waits there may be another system's. */
static void test_waiting(void **state)
{
	struct image_super *super = &preflight.super;

	(void)state;
	assert_int_equal(check_waiting(&preflight, &note), PREFLIGHT_UNKNOWN);
	strcpy(preflight.disk.name, "/dev/target");
	super->kind = IMAGE_HIBERNATION;
	for (uint32_t i = IMAGE_EMPTY; i <= IMAGE_STALE; i++) {
		bool waits = i == IMAGE_VALID || i == IMAGE_HANDED_OVER;

		super->state = i;
		preflight.replace = false;
		note.text[0] = '\0';
		assert_int_equal(check_waiting(&preflight, &note), waits ? -EEXIST : 0);
		if (waits)
			assert_non_null(strstr(note.text, "waits to be restored"));
		preflight.replace = true;
		assert_int_equal(check_waiting(&preflight, &note), waits ? PREFLIGHT_DOUBT : 0);
	}
	super->state = IMAGE_VALID;
	super->kind = IMAGE_CHECKPOINT;
	preflight.replace = false;
	assert_int_equal(check_waiting(&preflight, &note), 0);
}

/* A claimed device that something would swap to. */
static void test_activation(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(check_activation(&preflight, &note), PREFLIGHT_UNKNOWN);
	put("/dev/target", "");
	put("/dev/other", "");
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/target", root);
	assert_int_equal(check_activation(&preflight, &note), 0);
	snprintf(text, sizeof(text),
		 "# %s/dev/target none swap sw 0 0\n"
		 "%s/dev/other none swap sw 0 0\n"
		 "a line that is none\n"
		 "%s/dev/target /data ext4 defaults 0 0\n",
		 root, root, root);
	put("/etc/fstab", text);
	assert_int_equal(check_activation(&preflight, &note), 0);
	snprintf(text, sizeof(text), "%s/dev/../dev/target\tnone\tswap\tsw\t0 0\n", root);
	put("/etc/fstab", text);
	assert_int_equal(check_activation(&preflight, &note), -EBUSY);
	assert_non_null(strstr(note.text, "/etc/fstab makes swap of"));

	drop("/etc/fstab");
	snprintf(text, sizeof(text),
		 "# cryptswap %s/dev/target /dev/urandom swap\n"
		 "data %s/dev/target none luks,swapped\n"
		 "short %s/dev/target\n",
		 root, root, root);
	put("/etc/crypttab", text);
	assert_int_equal(check_activation(&preflight, &note), 0);
	snprintf(text, sizeof(text),
		 "cryptswap %s/dev/target /dev/urandom cipher=aes,swap,size=256\n", root);
	put("/etc/crypttab", text);
	assert_int_equal(check_activation(&preflight, &note), -EBUSY);
	assert_non_null(strstr(note.text, "/etc/crypttab makes encrypted swap of"));
}

/* Lines of crypttab and fstab, by which the target is written to at each boot, or not. */
static int activated(const char *name, const char *rest, const char *fstab)
{
	char text[512];

	put("/dev/target", "");
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/target", root);
	snprintf(text, sizeof(text), "other /dev/null none\n%s\t%s/dev/target  %s\n", name, root,
		 rest);
	put("/etc/crypttab", text);
	put("/etc/fstab", fstab);
	return check_activation(&preflight, &note);
}

static void test_activation_by_crypttab(void **state)
{
	static const char *const made_anew[] = {
		"/dev/urandom tmp",
		"/dev/urandom plain,tmp=ext4",
		"/etc/key size=256,tmp,nofail",
		"/dev/urandom plain",
		"/dev/random plain,cipher=aes-xts-plain64",
		"/dev/urandom",
		"/dev/hwrng plain",
		"/dev/hw_random plain",
		"none swap",
	};
	static const char *const left_alone[] = {
		"none luks",	   "/etc/key plain",  "none", "", "/etc/urandom luks",
		"none luks,tmpfs", "none luks # tmp",
	};
	const char *mapped = "/dev/mapper/safe none swap sw 0 0\n";

	(void)state;
	for (size_t i = 0; i < sizeof(made_anew) / sizeof(*made_anew); i++) {
		assert_int_equal(activated("safe", made_anew[i], ""), -EBUSY);
		assert_non_null(strstr(note.text, "/etc/crypttab"));
		assert_int_equal(activated("#safe", made_anew[i], ""), 0);
		assert_int_equal(activated("  # safe", made_anew[i], ""), 0);
	}
	for (size_t i = 0; i < sizeof(left_alone) / sizeof(*left_alone); i++) {
		assert_int_equal(activated("safe", left_alone[i], ""), 0);
		assert_int_equal(activated("safer", left_alone[i], mapped), 0);
		assert_int_equal(activated("safe", left_alone[i],
					   "/dev/mapper/safe /data ext4 defaults 0 0\n"),
				 0);
		/* The name of it is what is swapped to. */
		assert_int_equal(activated("safe", left_alone[i], mapped), -EBUSY);
		assert_non_null(strstr(note.text, "/etc/fstab makes swap of /dev/mapper/safe"));
	}
}

/* A unit of systemd in place of a line. */
static void test_activation_by_unit(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(activated("safe", "none luks", ""), 0);
	snprintf(text, sizeof(text), "[Unit]\n#What=%s/dev/target\n[Swap]\nWhat=/dev/null\n", root);
	put("/etc/systemd/system/dev-other.swap", text);
	snprintf(text, sizeof(text), "[Mount]\nWhat=%s/dev/target\n", root);
	put("/etc/systemd/system/data.mount", text);
	assert_int_equal(activated("safe", "none luks", ""), 0);
	snprintf(text, sizeof(text), "[Swap]\nPriority=1\nWhat = %s/dev/target \n", root);
	put("/etc/systemd/system/dev-target.swap", text);
	assert_int_equal(activated("safe", "none luks", ""), -EBUSY);
	assert_non_null(strstr(note.text, "/dev-target.swap makes swap of"));
}

/* What people write in place of a name. */
static void test_hints(void **state)
{
	static const char uuid[] = "01234567-89ab-cdef-0123-456789abcdef";
	struct image_super super;
	struct disk disk;
	char spec[64];

	(void)state;
	snprintf(spec, sizeof(spec), "\"UUID=%s\"", uuid);
	assert_int_equal(device_open(spec, DISK_READ, &disk, &super, &note), -ENODEV);
	assert_non_null(strstr(note.text, "without quotes"));
	assert_int_equal(device_open(uuid, DISK_READ, &disk, &super, &note), -ENODEV);
	assert_non_null(strstr(note.text, "UUID=..."));
	snprintf(spec, sizeof(spec), "UUID=%s", uuid);
	assert_int_equal(device_open(spec, DISK_READ, &disk, &super, &note), -ENODEV);
	assert_null(strchr(note.text, ';'));
}

static const char *culprit(const char *log)
{
	static char name[128];
	char text[1024], sys[128];

	snprintf(text, sizeof(text), "%s", log);
	snprintf(sys, sizeof(sys), "%s/sys", root);
	rehearse_culprit(text, sys, name, sizeof(name));
	return name;
}

static void test_culprit(void **state)
{
	const char *device =
		"6,1,10,-;OOM killer disabled.\n"
		"4,2,11,-;virtio-fs: suspend/resume not yet supported\n"
		"3,3,12,-;virtio-pci 0000:00:05.0: PM: dpm_run_callback(): returns -95\n"
		" SUBSYSTEM=pci\n DEVICE=+pci:0000:00:05.0\n"
		"3,4,13,-;virtio-pci 0000:00:05.0: PM: failed to freeze async: error -95\n"
		" SUBSYSTEM=pci\n DEVICE=+pci:0000:00:05.0\n"
		"3,5,14,-;sd 0:0:0:0: PM: failed to freeze: error -5\n";

	(void)state;
	assert_string_equal(culprit(""), "");
	assert_string_equal(culprit("6,1,10,-;OOM killer enabled.\nno semicolon\n"), "");
	assert_string_equal(culprit(device), "virtio-pci 0000:00:05.0");
	put_link("/sys/bus/pci/devices/0000:00:05.0/virtio3/driver", "../../../virtiofs");
	assert_string_equal(culprit(device), "virtio-pci 0000:00:05.0 (virtiofs)");
	assert_string_equal(culprit("3,4,13,-;sd 0:0:0:0: PM: failed to freeze late: error -5\n"
				    "3,5,14,-;sd 1:0:0:0: PM: failed to freeze: error -5\n"),
			    "sd 0:0:0:0");
	assert_string_equal(culprit("3,1,1,-;Freezing of tasks failed after 20.0 seconds\n"
				    "6,2,1,-;task:dd              state:D stack:0 pid:4242\n"
				    "6,3,1,-;task:cat             state:D stack:0 pid:4243\n"),
			    "task:dd");
}

/* An image may be in a file; one that is saved to may not be. */
static void test_file_as_target(void **state)
{
	struct image_super super;
	struct temp_disk temp;

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp.disk, NULL, &super, &note), 0);
	assert_int_equal(config_set(&config, "target", temp.path, &note), 0);
	assert_int_equal(check_target(&preflight, &note), -ENOTBLK);
	assert_non_null(strstr(note.text, "is a file; kernel B finds block devices only"));
	/* What depends on it says nothing about it. */
	assert_int_equal(check_layers(&preflight, &note), PREFLIGHT_UNKNOWN);
	assert_int_equal(check_waiting(&preflight, &note), PREFLIGHT_UNKNOWN);
	temp_disk_remove(&temp);
}

/* The advice is for the problem that there is, not for the most common one. */
static void advises(int (*run)(struct preflight *), int code, const char *words)
{
	preflight.advice = "of the table";
	assert_int_equal(run(&preflight), -code);
	if (!strstr(preflight.advice, words))
		fail_msg("'%s': '%s' has no '%s'", note.text, preflight.advice, words);
}

static int run_target(struct preflight *checked)
{
	return check_target(checked, &note);
}

static int run_home(struct preflight *checked)
{
	return check_home(checked, &note);
}

static int run_memory(struct preflight *checked)
{
	return check_untouchable(checked, &note);
}

static int run_added(struct preflight *checked)
{
	return check_added_memory(checked, &note);
}

static void test_advice_for_the_target(void **state)
{
	(void)state;
	advises(run_target, EINVAL, "of the table");
	strcpy(config.target, "/dev/no-such-device");
	advises(run_target, ENODEV, "that is there");
	strcpy(config.target, "/dev/null");
	advises(run_target, ENOTBLK, "a partition");
	put("/file", "text");
	snprintf(config.target, sizeof(config.target), "%s/file", root);
	advises(run_target, ENOMEDIUM, "of the table");
	/* These need a device. */
	assert_non_null(strstr(target_advice(EBUSY), "unmount"));
	assert_non_null(strstr(target_advice(EROFS), "blockdev --setrw"));
	assert_non_null(strstr(target_advice(EEXIST), "another"));
	assert_non_null(strstr(target_advice(EIO), "dmesg"));
	assert_null(target_advice(EUCLEAN));
}

static void test_advice_for_kernel_b(void **state)
{
	char unified[4096] = "MZ";

	(void)state;
	put("/initramfs", "archive");
	put_bytes("/unified", unified, sizeof(unified));
	snprintf(config.initramfs, sizeof(config.initramfs), "%s/initramfs", root);
	strcpy(config.kernel, "/no-such-kernel");
	advises(run_home, ENOENT, "kernel = FILE");
	snprintf(config.kernel, sizeof(config.kernel), "%s", root);
	advises(run_home, EINVAL, "kernel = FILE");
	assert_non_null(strstr(note.text, "not a file"));
	snprintf(config.kernel, sizeof(config.kernel), "%s/initramfs", root);
	advises(run_home, EINVAL, "kernel = FILE");
	snprintf(config.kernel, sizeof(config.kernel), "%s/unified", root);
	advises(run_home, EINVAL, "kernel = FILE");
	assert_non_null(strstr(note.text, "unified kernel image"));
	assert_null(home_advice(ENOMEM));
	assert_non_null(strstr(home_advice(ERANGE), "home"));
	assert_non_null(strstr(home_advice(EFBIG), "level"));
	assert_non_null(strstr(home_advice(E2BIG), "cmdline"));
}

static void test_advice_for_memory(void **state)
{
	(void)state;
	put("/proc/iomem", BOOTED);
	put_corrupted(8);
	advises(run_memory, ENOENT, "CONFIG_PROC_PAGE_MONITOR");
	put_flags(512, 1ULL << 19 | 1ULL << 17 | 1ULL << 15);
	advises(run_memory, EUCLEAN, "of the table");
	advises(run_added, ENOENT, "boot_params");
}

/* Everything that can fail says what to do. */
static void test_table(void **state)
{
	(void)state;
	for (const struct preflight_check *check = preflight_checks; check->name; check++) {
		assert_non_null(check->run);
		assert_true(strlen(check->name) > 0 && strlen(check->advice) > 0);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_next_kernel),
		test(test_processor),
		test(test_fred),
		test(test_live_update),
		test(test_hibernation),
		test(test_devices),
		test(test_added_memory),
		test(test_untouchable),
		test(test_encrypted_memory),
		test(test_not_root),
		test(test_size),
		test(test_plaintext),
		test(test_activation),
		test(test_activation_by_crypttab),
		test(test_activation_by_unit),
		test(test_waiting),
		test(test_file_as_target),
		test(test_hints),
		test(test_culprit),
		test(test_table),
		test(test_advice_for_the_target),
		test(test_advice_for_kernel_b),
		test(test_advice_for_memory),
		test(test_closed_processes),
		test(test_closed_kcore),
		test(test_closed_footprint),
		test(test_closed_mounts),
		test(test_hidden_kernel),
	};

	return cmocka_run_group_tests_name("preflight", tests, NULL, NULL);
}
