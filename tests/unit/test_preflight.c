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
#include "kjump/save/culprit.h"
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

/* Whatever would read from it waits, so it comes first and nothing else is asked. */
static void test_suspended(void **state)
{
	const struct preflight_check *check = preflight_checks;

	(void)state;
	assert_string_equal(check->name, "suspended devices");
	put("/sys/class/block/sda/size", "8\n");
	put("/sys/class/block/dm-0/size", "8\n");
	put("/sys/class/block/dm-0/dm/suspended", "0\n");
	/* Without a mapping */
	put("/sys/class/block/dm-1/size", "0\n");
	put("/sys/class/block/dm-1/dm/suspended", "1\n");
	assert_int_equal(check->run(&preflight, &note), 0);
	assert_false(preflight.suspended);

	put("/sys/class/block/dm-0/dm/suspended", "1\n");
	put("/sys/class/block/dm-0/dm/name", "vg-data\n");
	assert_int_equal(check->run(&preflight, &note), -EBUSY);
	assert_non_null(strstr(note.text, "/dev/dm-0 (vg-data): suspended"));
	for (check++; check->name; check++) {
		if (!(check->when & PREFLIGHT_READS))
			continue;
		note = (struct error){ 0 };
		assert_int_equal(preflight_check(check, &preflight, &note), PREFLIGHT_UNKNOWN);
		assert_non_null(strstr(note.text, "suspended"));
	}
	put("/sys/class/block/dm-0/dm/suspended", "0\n");
	assert_int_equal(check_suspended(&preflight, &note), 0);
}

static void test_asleep(void **state)
{
	(void)state;
	assert_int_equal(check_asleep(&preflight, &note), 0);
	put("/sys/bus/virtio/drivers/virtio_blk/virtio0", "");
	put("/sys/bus/virtio/drivers/virtio_gpu/bind", "");
	put_link("/sys/bus/virtio/drivers/virtio_gpu/module", "../../../../module/virtio_gpu");
	put("/proc/kallsyms", "0000000000000000 t virtnet_freeze\t[virtio_net]\n"
			      "0000000000000000 t freeze_it\n"
			      "0000000000000000 t virtio_gpu_probe\t[virtio_gpu]\n");
	assert_int_equal(check_asleep(&preflight, &note), 0);
	put("/sys/bus/virtio/drivers/virtio_gpu/virtio5", "");
	assert_int_equal(check_asleep(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "virtio_gpu (virtio5) cannot be put to sleep"));
	/* A later kernel's can. */
	put("/proc/kallsyms", "0000000000000000 t virtgpu_freeze\t[virtio_gpu]\n");
	assert_int_equal(check_asleep(&preflight, &note), 0);
	/* What is built in cannot be told. */
	put("/proc/kallsyms", "");
	drop("/sys/bus/virtio/drivers/virtio_gpu/module");
	assert_int_equal(check_asleep(&preflight, &note), 0);
}

static void test_iommu(void **state)
{
	(void)state;
	put("/sys/power/state", "disk\n");
	put("/sys/class/iommu/ivhd0/x", ""); /* AMD's has it for every kind of sleep */
	assert_int_equal(check_iommu(&preflight, &note), 0);
	put("/sys/class/iommu/dmar0/x", "");
	assert_int_equal(check_iommu(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "(dmar0)"));
	put("/sys/power/state", "freeze mem disk\n");
	assert_int_equal(check_iommu(&preflight, &note), 0);
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

/* A process that is no more, one that is at work, and none at all. */
static void test_left(void **state)
{
	(void)state;
	assert_int_equal(check_left(&preflight, &note), 0);
	put("/run/kjump/switched-off", "process = 4711\nticks = 5\n");
	assert_int_equal(check_left(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "left CPUs or wake-ups switched off"));
	put("/proc/4711/stat", "");
	assert_int_equal(check_left(&preflight, &note), 0);
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

static int size_of(uint64_t device)
{
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "/dev/vda");
	preflight.disk.size = device;
	return check_size(&preflight, &note);
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
	culprit_find(text, sys, name, sizeof(name));
	return name;
}

/* Names the program, or says where it is named. */
static void test_who_did_not_freeze(void **state)
{
	(void)state;
	error_set(&note, EBUSY, "cannot jump: programs refused to freeze (busy)");
	assert_int_equal(culprit_explain(&jump_module, EBUSY, "task:dd", &note), -EBUSY);
	assert_string_equal(note.text, "cannot jump: programs refused to freeze (busy): task:dd");
	error_set(&note, EBUSY, "cannot jump: kernel threads refused to freeze (busy)");
	assert_int_equal(culprit_explain(&jump_module, EBUSY, "", &note), -EBUSY);
	assert_string_equal(note.text, "cannot jump: kernel threads refused to freeze (busy); the "
				       "kernel log says which");
	/* It named the device itself. */
	error_set(&note, EIO, "jump module: a device refused to suspend: sda (busy)");
	assert_int_equal(culprit_explain(&jump_module, EIO, "", &note), -EIO);
	assert_string_equal(note.text, "jump module: a device refused to suspend: sda (busy)");
	assert_int_equal(culprit_explain(&jump_kexec, EBUSY, "task:dd", &note), -EBUSY);
	assert_string_equal(note.text, "task:dd did not freeze");
	assert_int_equal(culprit_explain(&jump_kexec, EBUSY, "", &note), -EBUSY);
	assert_non_null(strstr(note.text, "the kernel log says which"));
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

static void put_busctl(const char *answer)
{
	char script[256], path[512];

	snprintf(script, sizeof(script), "#!/bin/sh\n[ \"$5\" = BlockInhibited ] && echo '%s'\n",
		 answer);
	put("/usr/bin/busctl", script);
	snprintf(path, sizeof(path), "%s/usr/bin/busctl", root);
	assert_int_equal(chmod(path, 0755), 0);
}

/* Somebody who does not want the system to stand still. */
static void test_inhibitors(void **state)
{
	(void)state;
	assert_int_equal(check_inhibitors(&preflight, &note), 0);
	put_busctl("s \"\"");
	assert_int_equal(check_inhibitors(&preflight, &note), 0);
	put_busctl("s \"shutdown:idle:handle-sleep-key\"");
	assert_int_equal(check_inhibitors(&preflight, &note), 0);
	put_busctl("s \"shutdown:sleep:idle\"");
	assert_int_equal(check_inhibitors(&preflight, &note), -EBUSY);
	put_busctl("s \"sleep\"");
	assert_int_equal(check_inhibitors(&preflight, &note), -EBUSY);
	/* Where it is logind that hibernates the system, it has decided. */
	preflight.logind = true;
	assert_int_equal(check_inhibitors(&preflight, &note), 0);
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
	assert_non_null(strstr(note.text, "is the image of a disk, which neither kernel B"));
	/* What depends on it says nothing about it. */
	assert_int_equal(check_layers(&preflight, &note), PREFLIGHT_UNKNOWN);
	assert_int_equal(check_waiting(&preflight, &note), PREFLIGHT_UNKNOWN);
	temp_disk_remove(&temp);
}

static void test_advice_for_the_target(void **state)
{
	(void)state;
	advises(check_target, EINVAL, "of the table");
	strcpy(config.target, "/dev/no-such-device");
	advises(check_target, ENODEV, "that is there");
	strcpy(config.target, "/dev/null");
	advises(check_target, ENOTBLK, "a partition");
	put("/file", "text");
	snprintf(config.target, sizeof(config.target), "%s/file", root);
	advises(check_target, ENOMEDIUM, "of the table");
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
	advises(check_home, ENOENT, "kernel = FILE");
	snprintf(config.kernel, sizeof(config.kernel), "%s", root);
	advises(check_home, EINVAL, "kernel = FILE");
	assert_non_null(strstr(note.text, "not a file"));
	snprintf(config.kernel, sizeof(config.kernel), "%s/initramfs", root);
	advises(check_home, EINVAL, "kernel = FILE");
	snprintf(config.kernel, sizeof(config.kernel), "%s/unified", root);
	advises(check_home, EINVAL, "kernel = FILE");
	assert_non_null(strstr(note.text, "unified kernel image"));
	assert_null(home_advice(ENOMEM));
	assert_non_null(strstr(home_advice(ERANGE), "home"));
	assert_non_null(strstr(home_advice(EFBIG), "level"));
	assert_non_null(strstr(home_advice(E2BIG), "cmdline"));
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
		test(test_left),
		test(test_devices),
		test(test_asleep),
		test(test_suspended),
		test(test_iommu),
		test(test_encrypted_memory),
		test(test_size),
		test(test_plaintext),
		test(test_waiting),
		test(test_file_as_target),
		test(test_inhibitors),
		test(test_hints),
		test(test_culprit),
		test(test_who_did_not_freeze),
		test(test_table),
		test(test_advice_for_the_target),
		test(test_advice_for_kernel_b),
	};

	return cmocka_run_group_tests_name("preflight", tests, NULL, NULL);
}
