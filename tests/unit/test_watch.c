/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is mounted and swapped to, and what of it kernel B can look at. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/check/checks.h"
#include "kjump/watch/census.h"
#include "kjump/watch/loop.h"
#include "kjump/watch/mapping.h"
#include "kjump/watch/reach.h"
#include "kjump/watch/resolve.h"
#include "kjump/watch/tag.h"

static char proc[] = "/tmp/kjump-watch-XXXXXX";

static struct watch watch[MAILBOX_WATCH_MAX];
static struct watch_list list;
static struct error err;
static const char *held = ""; /* names of devices that somebody has for himself */

/* The file at PATH in the fake /proc, with all directories above it. */
static char *make_path(const char *path, char full[256])
{
	snprintf(full, 256, "%s/%s", proc, path);
	for (char *c = full + strlen(proc) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(full, 0700);
		*c = '/';
	}
	return full;
}

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *file = fopen(make_path(path, full), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_link(const char *path, const char *target)
{
	char full[256];

	assert_int_equal(symlink(target, make_path(path, full)), 0);
}

static int start(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(proc));
	list = (struct watch_list){ .watch = watch, .max = MAILBOX_WATCH_MAX };
	err = (struct error){ 0 };
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", proc);
	assert_int_equal(system(command), 0);
	memcpy(proc + strlen(proc) - 6, "XXXXXX", 6);
	return 0;
}

static bool is_held(const char *name)
{
	return strstr(held, name);
}

static void resolve(const char *allowed, size_t doubts)
{
	const struct devices_source devices = { .sys = proc, .in_use = is_held };
	const struct watch_source source = { proc, &devices, "" };

	if (watch_resolve(&source, allowed, &list, &err))
		fail_msg("%s", err.text);
	assert_int_equal(list.count, 0);
	if (list.doubt_count != doubts)
		fail_msg("%zu doubts, the first: %s", list.doubt_count, list.doubts[0].text);
}

/* Memory, the network, other file systems' files: nothing to watch, and nothing to say. */
static void test_silent(void **state)
{
	const struct watch_source nowhere = { "/nonexistent", &devices_running, "" };

	(void)state;
	assert_int_equal(watch_resolve(&nowhere, "", &list, &err), -ENOENT);
	put("self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n"
			      "23 1 0:22 / /t rw shared:1 - tmpfs tmp\\040fs rw\n"
			      "24 1 0:23 / /n rw - nfs4 server:/export rw\n"
			      "25 1 0:24 / /s rw - fuse.sshfs me@there:/ rw\n"
			      "26 1 0:25 / / rw - overlay overlay rw,lowerdir=/l\n"
			      "no mountinfo at all\n\n");
	resolve("", 0);
	assert_null(watch_refusal(&list));
}

/* What has disks, and cannot be followed to them. */
static void test_doubts(void **state)
{
	const struct watch_doubt *doubt;

	(void)state;
	put("self/mountinfo", "30 1 0:40 / / rw - zfs rpool-that-is-not-there/ROOT/x rw\n"
			      "31 1 0:41 / /flash rw - ubifs ubi0:data rw\n"
			      "32 1 0:40 /x /again rw - zfs rpool-that-is-not-there/ROOT/x rw\n"
			      "33 1 4095:1 / /gone rw - ext4 /dev/gone rw\n");
	resolve("/gone", 3);
	assert_string_equal(list.doubts[2].text, "/gone (ext4): its device is not there any more");
	assert_true(list.doubts[2].allowed);
	doubt = watch_refusal(&list);
	assert_non_null(doubt);
	assert_string_equal(doubt->text,
			    "rpool-that-is-not-there (zfs): its devices are not found");
	assert_non_null(strstr(list.doubts[1].text, "/flash (ubifs): "));
	resolve("/other rpool-that-is-not-there", 3);
	assert_ptr_equal(watch_refusal(&list), &list.doubts[1]);
	resolve("rpool-that-is-not-there /flash /gone", 3);
	assert_null(watch_refusal(&list));
	resolve("yes", 3);
	assert_null(watch_refusal(&list));
	resolve("no", 3);
	assert_non_null(watch_refusal(&list));
}

/* One that does not fit into the list any more counts nevertheless. */
static void test_many_doubts(void **state)
{
	char mounts[8192];
	int length = 0;

	(void)state;
	for (int i = 0; i < WATCH_DOUBTS_MAX + 4; i++)
		length += snprintf(mounts + length, sizeof(mounts) - length,
				   "31 1 0:41 / /flash%d rw - ubifs ubi0:data rw\n", i);
	put("self/mountinfo", mounts);
	resolve("/flash0 /flash1 /flash2 /flash3 /flash4 /flash5 /flash6 /flash7 /flash8 /flash9 "
		"/flash10 /flash11 /flash12 /flash13 /flash14 /flash15 /flash16 /flash18 /flash19",
		WATCH_DOUBTS_MAX + 4);
	assert_non_null(watch_refusal(&list));
	assert_non_null(strstr(watch_refusal(&list)->text, "/flash17"));
}

/* What is mounted for a container or a service alone. */
static void test_namespaces(void **state)
{
	(void)state;
	put("self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	put_link("self/ns/mnt", "mnt:[1]");
	put("1/mountinfo", "22 1 0:21 / /same rw - ubifs ubi0:same rw\n");
	put_link("1/ns/mnt", "mnt:[1]");
	put("7/mountinfo", "31 1 0:41 / /inside rw - ubifs ubi0:data rw\n");
	put_link("7/ns/mnt", "mnt:[2]");
	put("8/mountinfo", "31 1 0:41 / /inside rw - ubifs ubi0:data rw\n");
	put_link("8/ns/mnt", "mnt:[2]");
	/* Gone meanwhile. */
	put_link("9/ns/mnt", "mnt:[3]");
	resolve("", 1);
	assert_non_null(strstr(list.doubts[0].text, "/inside (ubifs): "));
}

/* A thread may leave the namespace of its process, and outlive the thread that began it. */
static void test_namespace_of_a_thread(void **state)
{
	(void)state;
	put("self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	put_link("self/ns/mnt", "mnt:[1]");
	put_link("7/ns/mnt", "mnt:[1]");
	put_link("7/task/7/ns/mnt", "mnt:[1]");
	put("7/task/8/mountinfo", "31 1 0:41 / /inside rw - ubifs ubi0:data rw\n");
	put_link("7/task/8/ns/mnt", "mnt:[2]");
	put("9/stat", "its leader has ended\n");
	put("9/task/10/mountinfo", "31 1 0:42 / /alone rw - ubifs ubi0:more rw\n");
	put_link("9/task/10/ns/mnt", "mnt:[3]");
	resolve("", 2);
}

/* Who holds a device and is nobody that is known. */
static void test_leftover(void **state)
{
	(void)state;
	put("self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	put("class/block/sda/sda1/partition", "1\n");
	put("class/block/sda/sda2/partition", "2\n");
	put_link("class/block/sda1", "sda/sda1");
	put_link("class/block/sda2", "sda/sda2");
	put("class/block/sdb/size", "8\n");
	put("class/block/sdc/holders/dm-0", "");
	put("class/block/dm-0/size", "8\n");
	put("class/block/loop9999999/size", "8\n");
	put("class/block/ram0/size", "8\n");
	put("class/block/zram0/size", "8\n");

	held = "";
	resolve("", 0);
	/* The partition is held, and the disk with it. */
	held = "sda sda2 ram0 zram0";
	resolve("", 1);
	assert_non_null(strstr(watch_refusal(&list)->text, "(in use on /dev/sda2): holds it"));
	/* The disk is held, and its partitions with it. */
	held = "sda sda1 sda2";
	resolve("", 2);
	/* That driver says nothing, which is not taken for nothing being there. */
	held = "loop9999999";
	resolve("", 1);
	assert_non_null(strstr(watch_refusal(&list)->text, "does not say what is behind it"));
	/* The volume's, which is held itself or not. */
	held = "sdc";
	resolve("", 0);
	held = "sdb sdc dm-0";
	resolve("sdb", 2);
	assert_non_null(strstr(watch_refusal(&list)->text, "/dev/dm-0"));
	held = "";
}

/* In use by nobody, and its driver has maps in memory all the same. */
static void test_idle(void **state)
{
	(void)state;
	put("self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	put("class/block/bcache0/size", "8\n");
	resolve("", 1);
	assert_non_null(strstr(watch_refusal(&list)->text,
			       "(not mounted on /dev/bcache0): a bcache device"));
	resolve("bcache0", 1);
	assert_null(watch_refusal(&list));
	put("class/block/bcache0/holders/dm-0", "");
	resolve("", 0);
}

/* Nobody unmounts the root. */
static void test_advice(void **state)
{
	(void)state;
	put("self/mountinfo", "22 1 0:40 / / rw - ubifs ubi0:data rw\n");
	resolve("", 1);
	assert_non_null(strstr(check_watched_advice(&list, "unmount it"), "allow_unwatched = /"));
	put("self/mountinfo", "22 1 0:40 / /more rw - ubifs ubi0:data rw\n");
	resolve("", 1);
	assert_string_equal(check_watched_advice(&list, "unmount it"), "unmount it");
}

/* By what the driver knows of the file: its name may be gone, or be another file's. */
static void test_loop(void **state)
{
	const struct loop_file node = { makedev(0, 5), 7, makedev(8, 16) },
			       on_disk = { makedev(8, 1), 7, 0 },
			       anonymous = { makedev(0, 4242), 7, 0 };
	char memory[] = "/dev/shm/kjump-loop-XXXXXX", *name = memory + strlen("/dev/shm");
	int fd = mkstemp(memory);
	struct loop_file own;
	struct stat st;

	(void)state;
	assert_true(fd >= 0 && !fstat(fd, &st));
	own = (struct loop_file){ st.st_dev, st.st_ino, 0 };

	put("self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	assert_non_null(strstr(loop_judge(&node, "/gone", proc), "over another device"));
	assert_null(loop_judge(&on_disk, "/gone (deleted)", proc));
	assert_non_null(strstr(loop_judge(&anonymous, "/gone", proc), "not found"));
	/* The same name means another file to this task. */
	put_link("8/root", "/dev");
	assert_non_null(strstr(loop_judge(&own, name, proc), "not found"));
	put_link("9/root", "/dev/shm");
	assert_null(loop_judge(&own, name, proc));
	/* Deleted: the file system is still mounted. */
	unlink(memory);
	close(fd);
	put("9/mountinfo", "30 1 0:4242 / /far rw - tmpfs none rw\n");
	assert_null(loop_judge(&anonymous, name, proc));
	put("9/mountinfo", "30 1 0:4242 / /far rw - nfs4 host:/ rw\n");
	assert_non_null(strstr(loop_judge(&anonymous, name, proc), "others may write"));
}

static uint64_t count(void)
{
	const struct devices_source devices = { .sys = proc, .in_use = is_held };
	const struct watch_source source = { proc, &devices, "" };
	uint64_t ret = 0;

	assert_int_equal(census_take(&source, &ret, &err), 0);
	return ret;
}

/* Whatever could write to a disk counts, and nothing else does. */
static void test_census(void **state)
{
	const char *swaps = "Filename\tType\tSize\tUsed\tPriority\n/dev/sdb1 partition 100 0 -2\n";
	uint64_t before, now;

	(void)state;
	put("self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	put("swaps", swaps);
	put("class/block/sda/size", "8\n");
	held = "sda";
	before = count();
	assert_int_equal(count(), before);
	/* Used more, a mount in memory, the same once more for others. */
	put("swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/sdb1 partition 100 50 -2\n");
	put("7/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 1 0:44 / /t rw - tmpfs t rw\n");
	put_link("7/ns/mnt", "mnt:[7]");
	assert_int_equal(count(), before);

	put("7/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 1 8:2 / /t rw - xfs x rw\n");
	now = count();
	assert_int_not_equal(now, before);
	put("swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	assert_int_not_equal(count(), now);
	put("swaps", swaps);
	assert_int_equal(count(), now);
	held = "";
	assert_int_not_equal(count(), now);
	held = "sda";
	put("class/block/dm-0/size", "8\n");
	assert_int_not_equal(count(), now);
	held = "";
}

static void test_swap(void **state)
{
	(void)state;
	put("self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	put("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
		     "/no/such/swap\\040file file\t\t1048572\t\t0\t\t-2\n");
	resolve("", 1);
	assert_string_equal(watch_refusal(&list)->text,
			    "/no/such/swap file (swap): not found under this name any more");
}

static void test_reach(void **state)
{
	static const struct {
		const char *name, *sysfs, *why;
	} cases[] = {
		{ "sda1",
		  "/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda/"
		  "sda1",
		  NULL },
		{ "nvme0n1p2", "/sys/devices/pci0000:00/0000:00:06.0/nvme/nvme0/nvme0n1/nvme0n1p2",
		  NULL },
		/* With several paths, an NVMe disk belongs to its subsystem. */
		{ "nvme0n1", "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", NULL },
		{ "vda", "/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda", NULL },
		{ "pmem0", "/sys/devices/LNXSYSTM:00/ndbus0/region0/namespace0.0/block/pmem0",
		  NULL },
		{ "sdb", "/sys/devices/platform/host3/session1/target3:0:0/3:0:0:1/block/sdb",
		  "iSCSI" },
		{ "nvme1n1", "/sys/devices/virtual/nvme-fabrics/ctl/nvme1/nvme1n1", "network" },
		{ "sdc",
		  "/sys/devices/pci0000:00/0000:00:1c.0/0000:01:00.0/net/eth0/ctlr_0/host5/"
		  "rport-5:0-"
		  "1/target5:0:0/5:0:0:0/block/sdc",
		  "FCoE" },
		{ "nbd0p1", "/sys/devices/virtual/block/nbd0/nbd0p1", "nbd" },
		{ "rbd1", "/sys/devices/rbd/1/block/rbd1", "Ceph" },
		{ "drbd0", "/sys/devices/virtual/block/drbd0", "DRBD" },
		{ "bcache0p1", "/sys/devices/virtual/block/bcache0/bcache0p1", "bcache" },
		{ "zram0", "/sys/devices/virtual/block/zram0", "memory" },
		{ "zd16", "/sys/devices/virtual/block/zd16", "ZFS" },
		{ "odd0", "/sys/devices/virtual/block/odd0", "made by this system" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = reach_obstacle(cases[i].name, cases[i].sysfs);

		if (cases[i].why && (!why || !strstr(why, cases[i].why)))
			fail_msg("%s: %s", cases[i].name, why ? why : "reachable");
		if (!cases[i].why && why)
			fail_msg("%s: %s", cases[i].name, why);
	}
	assert_null(reach_removable(cases[0].sysfs));
	assert_non_null(
		reach_removable("/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host4/"
				"target4:0:0/4:0:0:0/block/sdc"));
	assert_non_null(reach_removable(
		"/sys/devices/pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0"));
}

/* An NVMe disk of a subsystem is where its controllers are. */
static void test_reach_of_a_subsystem(void **state)
{
	char path[PATH_MAX];

	(void)state;
	put("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1/partition", "1\n");
	put_link("devices/virtual/nvme-subsystem/nvme-subsys0/nvme3",
		 "../../nvme-fabrics/ctl/nvme3");
	put("devices/virtual/nvme-fabrics/ctl/nvme3/transport", "tcp\n");
	put_link("class/block/nvme0n1p1",
		 "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	reach_path(proc, "nvme0n1p1", path);
	assert_non_null(strstr(path, "/devices/virtual/nvme-fabrics/ctl/nvme3"));
	assert_non_null(strstr(reach_obstacle("nvme0n1p1", path), "network"));
	reach_path(proc, "nvme9n1", path);
	assert_string_equal(path, "");
}

/* By a name that nothing else has, as the partitions of a disk and those of its copy have the same.
 */
static void test_tags(void **state)
{
	struct tag_bearer bearers[] = {
		{ "sda1", { "11-01", "", "aaaa" } },   { "sdb1", { "11-01", "", "bbbb" } },
		{ "sda2", { "11-02", "cc", "dddd" } }, { "sdb2", { "11-02", "CC", "dddd" } },
		{ "sda3", { "11-03", "", "eeee" } },   { "sdc", { "", "f1", "ffff" } },
		{ "sdd", { "", "f2", "ffff" } },       { "sde", { "", "", "" } },
	};
	const struct tags tags = { bearers, sizeof(bearers) / sizeof(*bearers), 0, true };
	char tag[64], why[TAG_WHY_SIZE];

	(void)state;
	assert_true(tags_find(&tags, "sda3", tag, sizeof(tag), why));
	assert_string_equal(tag, "PARTUUID=11-03");
	assert_true(tags_find(&tags, "sdb1", tag, sizeof(tag), why));
	assert_string_equal(tag, "UUID=bbbb");
	assert_true(tags_find(&tags, "sdd", tag, sizeof(tag), why));
	assert_string_equal(tag, "UUID_SUB=f2");
	assert_false(tags_find(&tags, "sda2", tag, sizeof(tag), why));
	assert_string_equal(why, "kernel B could not tell it from sdb2, which has the same UUIDs");
	assert_false(tags_find(&tags, "sde", tag, sizeof(tag), why));
	assert_non_null(strstr(why, "no UUID"));
	assert_false(tags_find(&tags, "gone", tag, sizeof(tag), why));
	assert_non_null(strstr(why, "no UUID"));
	assert_false(tags_find(&tags, "sda3", tag, 8, why));
}

static void test_mapping_targets(void **state)
{
	unsigned major, minor;
	uint64_t sector;

	(void)state;
	assert_int_equal(mapping_target("linear", "8:3 2048", &major, &minor, &sector, &err), 0);
	assert_int_equal(major, 8);
	assert_int_equal(minor, 3);
	assert_int_equal(sector, 2048);
	assert_int_equal(mapping_target("crypt",
					"aes-xts-plain64 :64:logon:cryptsetup:x-d0 0 259:5 32768 "
					"2 allow_discards sector_size:4096",
					&major, &minor, &sector, &err),
			 0);
	assert_int_equal(major, 259);
	assert_int_equal(minor, 5);
	assert_int_equal(sector, 32768);
	assert_int_equal(mapping_target("linear", "8:3", &major, &minor, &sector, &err), -ENOTSUP);
	assert_int_equal(
		mapping_target("striped", "2 128 8:3 0 8:4 0", &major, &minor, &sector, &err),
		-ENOTSUP);
}

/* Of which an idle one may change behind the driver's back, and where that shows. */
static void test_mapping_states(void **state)
{
	static const char *const stateless[] = { "linear", "striped", "crypt", "snapshot-origin" };
	static const char *const headed[] = { "thin", "thin-pool", "cache", "writecache",
					      "era",  "clone",	   "raid",  "mirror" };
	static const char *const scattered[] = { "snapshot", "snapshot-merge", "vdo", "integrity",
						 "of another year" };

	(void)state;
	for (size_t i = 0; i < sizeof(stateless) / sizeof(*stateless); i++)
		assert_int_equal(mapping_target_state(stateless[i]), MAPPING_STATELESS);
	for (size_t i = 0; i < sizeof(headed) / sizeof(*headed); i++)
		assert_int_equal(mapping_target_state(headed[i]), MAPPING_HEADED);
	for (size_t i = 0; i < sizeof(scattered) / sizeof(*scattered); i++)
		assert_int_equal(mapping_target_state(scattered[i]), MAPPING_SCATTERED);
}

/* This machine as it is. */
static void test_here(void **state)
{
	const struct watch_source here = { "/proc", &devices_running, "" };

	(void)state;
	if (watch_resolve(&here, "", &list, &err)) {
		/* Without being root, or in a container. */
		if (err.code != EACCES && err.code != EPERM && err.code != ENOENT)
			fail_msg("%s", err.text);
		print_message("the disks here may not be read: %s\n", err.text);
		skip();
	}
	for (size_t i = 0; i < list.count; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(&watch[i], &watch[k], sizeof(watch[i]));
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_silent),
		test(test_doubts),
		test(test_many_doubts),
		test(test_namespaces),
		test(test_namespace_of_a_thread),
		test(test_leftover),
		test(test_idle),
		test(test_advice),
		test(test_loop),
		test(test_census),
		test(test_swap),
		test(test_reach),
		test(test_here),
		test(test_reach_of_a_subsystem),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_mapping_targets),
		cmocka_unit_test(test_mapping_states),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
