/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the hardware is recorded, read from trees like /sys. */
#include "fake-sys.h"

#include <errno.h>

#include "disk/devices.h"

static bool vda_in_use(const char *name)
{
	return !strcmp(name, "vda") || !strcmp(name, "nvme0n1");
}

static void content_of(const char *name, char *text, size_t size)
{
	snprintf(text, size, "UUID=of-%s", name);
}

static void place_is(const char *root, const char *name, const char *expected)
{
	char place[160] = "";

	assert_true(devices_place(root, name, place, sizeof(place)));
	assert_string_equal(place, expected);
}

/* Disks of many kinds, with the numbers that another order of probing gives them. */
static void places(void **state)
{
	static const char *const hosts[2][2] = { { "0", "1" }, { "7", "3" } };
	char root[FAKE_SYS_PATH];

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *a = hosts[i][0], *b = hosts[i][1];
		char device[300], link[100];

		fake_sys_make(root);
		snprintf(device, sizeof(device), "pci0000:00/0000:00:03.0/virtio%s", a);
		fake_sys_disk(root, "vda", device, "2048\n");
		place_is(root, "vda", "0000:00:03.0/virtio");

		snprintf(device, sizeof(device),
			 "pci0000:00/0000:00:1f.2/ata%s/host%s/target%s:0:0/%s:0:0:1", b, a, a, a);
		fake_sys_disk(root, "sda", device, "2048\n");
		fake_sys_file(root, "2\n",
			      "devices/pci0000:00/0000:00:1f.2/ata%s/ata_port/ata%s/port_no", b, b);
		place_is(root, "sda", "0000:00:1f.2/ata2/host/target:0:0/:0:0:1");

		snprintf(device, sizeof(device), "pci0000:00/0000:00:1c.4/0000:04:00.0/nvme/nvme%s",
			 a);
		snprintf(link, sizeof(link), "nvme%sn2", a);
		fake_sys_disk(root, link, device, "2048\n");
		fake_sys_file(root, "5\n", "devices/%s/block/%s/nsid", device, link);
		place_is(root, link, "0000:04:00.0/nvme/nvme/ns5");

		snprintf(device, sizeof(device),
			 "pci0000:00/0000:00:14.0/usb%s/%s-2/%s-2:1.0/host%s/target%s:0:0/%s:0:0:0",
			 b, b, b, a, a, a);
		fake_sys_disk(root, "sdb", device, "2048\n");
		place_is(root, "sdb", "0000:00:14.0/usb/-2/-2:1.0/host/target:0:0/:0:0:0");

		snprintf(device, sizeof(device),
			 "pci0000:00/0000:02:00.0/host%s/port-%s:1/end_device-%s:1/target%s:0:9/"
			 "%s:0:9:0",
			 a, a, a, a, a);
		fake_sys_disk(root, "sdc", device, "2048\n");
		place_is(root, "sdc", "0000:02:00.0/host/port-:1/end_device-:1/target:0:9/:0:9:0");

		snprintf(device, sizeof(device), "platform/80860F14:00/mmc_host/mmc%s/mmc%s:0001",
			 a, a);
		snprintf(link, sizeof(link), "mmcblk%sboot0", a);
		fake_sys_disk(root, link, device, "2048\n");
		place_is(root, link, "/platform/80860F14:00/mmc_host/mmc/mmc:0001/boot0");

		/* VMD, and Xen, whose number is the place. */
		fake_sys_disk(root, "sdd",
			      "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/host4/x",
			      "2048\n");
		place_is(root, "sdd", "10000:e0:06.0/host/x");
		fake_sys_disk(root, "xvda", "vbd-51712", "2048\n");
		place_is(root, "xvda", "/vbd-51712");
		fake_sys_remove(root);
	}
}

/* With several controllers an NVMe disk is no child of one. */
static void subsystem(void **state)
{
	char root[FAKE_SYS_PATH];

	(void)state;
	fake_sys_make(root);
	fake_sys_disk(root, "nvme0n1", "virtual/nvme-subsystem/nvme-subsys0", "2048\n");
	fake_sys_file(root, "1\n", "class/block/nvme0n1/nsid");
	assert_false(devices_place(root, "nvme0n1", (char[8]){ "" }, 8));
	fake_sys_link(root, "devices/virtual/nvme-subsystem/nvme-subsys0/nvme10",
		      "devices/pci0000:00/0000:00:05.0/nvme/nvme10");
	fake_sys_link(root, "devices/virtual/nvme-subsystem/nvme-subsys0/nvme9",
		      "devices/pci0000:00/0000:00:04.0/nvme/nvme9");
	place_is(root, "nvme0n1", "0000:00:04.0/nvme/nvme/ns1");
	fake_sys_remove(root);
}

static void no_disks(void **state)
{
	static const char *const names[] = { "sr0", "fd0", "nvme0c0n1", "vda1", "loop0", "dm-0" };
	char root[FAKE_SYS_PATH], place[160];

	(void)state;
	fake_sys_make(root);
	for (int i = 0; i < 4; i++)
		fake_sys_disk(root, names[i], names[i], "2048\n");
	fake_sys_file(root, "1\n", "class/block/nvme0c0n1/hidden");
	fake_sys_file(root, "1\n", "class/block/vda1/partition");
	fake_sys_file(root, "2048\n", "class/block/loop0/size");
	fake_sys_file(root, "2048\n", "class/block/dm-0/size");
	for (int i = 0; i < 6; i++)
		assert_false(devices_place(root, names[i], place, sizeof(place)));
	fake_sys_remove(root);
}

static void pci(void **state)
{
	static const char bars[] = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
				   "0x00000000febf1000 0x00000000febf1fff 0x0000000000040200\n";
	char root[FAKE_SYS_PATH];
	struct devices_source source = { .sys = root, .in_use = vda_in_use, .content = content_of };
	struct devices devices = { 0 };
	struct error err = { 0 };

	(void)state;
	fake_sys_make(root);
	assert_int_equal(mkdir(strcat(strcpy((char[64]){ "" }, root), "/class"), 0700), 0);
	assert_int_equal(devices_read(&source, DEVICES_ALL, &devices, &err), -ENOENT);
	assert_non_null(strstr(err.text, "class/block"));

	fake_sys_file(root, "", "class/block/.keep");
	assert_int_equal(devices_read(&source, DEVICES_ALL, &devices, &err), 0);
	assert_int_equal(devices.pci_count, 0);

	fake_sys_pci(root, "10000:e1:1f.7", "0x8086 0x2922 0x1af4 0x1100 0x010601 0x02", "ahci",
		     bars);
	fake_sys_pci(root, "0000:00:03.0", "0x1af4 0x1042 0x1af4 0x1100 0x010000 0x01",
		     "virtio-pci", "");
	fake_sys_pci(root, "0000:00:00.0", "0x8086 0x29c0 0x1af4 0x1100 0x060000 0x00", NULL, "");
	fake_sys_pci(root, "0000:00:04.0", "0x8086 0x1 0x0 0x0 0x020000 0x00", "vf", "");
	fake_sys_link(root, "bus/pci/devices/0000:00:04.0/physfn", "bus/pci/devices/0000:00:03.0");
	assert_int_equal(devices_read(&source, DEVICES_ALL, &devices, &err), 0);
	assert_int_equal(devices.pci_count, 4);
	assert_int_equal(devices_read(&source, DEVICES_DRIVEN, &devices, &err), 0);
	assert_int_equal(devices.pci_count, 2);

	const struct pci_record *ahci = &devices.pci[1];

	assert_string_equal(devices.pci[0].driver, "virtio-pci");
	assert_int_equal(ahci->domain, 0x10000);
	assert_int_equal(ahci->bus, 0xe1);
	assert_int_equal(ahci->device, 0x1f);
	assert_int_equal(ahci->function, 7);
	assert_int_equal(ahci->vendor, 0x8086);
	assert_int_equal(ahci->id, 0x2922);
	assert_int_equal(ahci->subvendor, 0x1af4);
	assert_int_equal(ahci->subid, 0x1100);
	assert_int_equal(ahci->class, 0x01060102);
	assert_int_equal(ahci->bars[0].size, 0);
	assert_int_equal(ahci->bars[1].start, 0xfebf1000);
	assert_int_equal(ahci->bars[1].size, 0x1000);
	assert_string_equal(ahci->driver, "ahci");
	devices_free(&devices);
	fake_sys_remove(root);
}

static const struct disk_record *find(const struct devices *devices, const char *name)
{
	for (size_t i = 0; i < devices->disk_count; i++)
		if (!strcmp(devices->disks[i].name, name))
			return &devices->disks[i];
	fail_msg("%s is not there", name);
	return NULL;
}

static void make_disks(const char *root)
{
	fake_sys_disk(root, "vda", "pci0000:00/0000:00:03.0/virtio0", "2048\n");
	fake_sys_file(root, " disk \x1b[1m\n", "class/block/vda/serial");
	fake_sys_disk(root, "vdb", "pci0000:00/0000:00:04.0/virtio1", "4096\n");
	fake_sys_file(root, "\n", "class/block/vdb/serial");
	fake_sys_disk(root, "nvme0n1", "pci0000:00/0000:00:05.0/nvme/nvme0", "8192\n");
	fake_sys_file(root, "eui.0123\n", "class/block/nvme0n1/wwid");
	fake_sys_file(root, "S1\n", "class/block/nvme0n1/device/serial");
	fake_sys_disk(root, "sdz", "pci0000:00/0000:00:06.0/host0", "0\n"); /* a card reader */
	fake_sys_disk(root, "vdc", "pci0000:00/0000:00:07.0/virtio2", "512\n");
}

static void disks(void **state)
{
	char root[FAKE_SYS_PATH];
	struct devices_source source = { .sys = root, .in_use = vda_in_use, .content = content_of };
	struct devices devices = { 0 };
	struct error err = { 0 };

	(void)state;
	fake_sys_make(root);
	make_disks(root);
	assert_int_equal(devices_read(&source, DEVICES_ALL, &devices, &err), 0);
	assert_string_equal(find(&devices, "vdb")->content, "UUID=of-vdb");
	assert_int_equal(devices_read(&source, DEVICES_DRIVEN, &devices, &err), 0);
	assert_int_equal(devices.disk_count, 4);
	assert_string_equal(devices.disks[0].name, "vda"); /* by place */
	assert_string_equal(find(&devices, "vda")->serial, "serial disk ?[1m");
	assert_string_equal(find(&devices, "vda")->content, "UUID=of-vda");
	assert_int_equal(find(&devices, "vda")->size, 2048 * 512);
	assert_int_equal(find(&devices, "vda")->flags, DISK_IN_USE);
	assert_string_equal(find(&devices, "vdb")->serial, "");
	assert_string_equal(find(&devices, "vdb")->content, "");
	assert_int_equal(find(&devices, "vdb")->flags, 0);
	assert_string_equal(find(&devices, "nvme0n1")->serial, "wwid eui.0123");
	devices_free(&devices);
	fake_sys_remove(root);
}

/* The target is a volume on a partition. */
static void target(void **state)
{
	char root[FAKE_SYS_PATH];
	struct devices_source source = { .sys = root, .in_use = vda_in_use, .content = content_of };
	struct devices devices = { 0 };
	struct error err = { 0 };

	(void)state;
	fake_sys_make(root);
	make_disks(root);
	fake_sys_file(root, "1\n",
		      "devices/pci0000:00/0000:00:04.0/virtio1/block/vdb/vdb1/partition");
	fake_sys_link(root, "class/block/vdb1",
		      "devices/pci0000:00/0000:00:04.0/virtio1/block/vdb/vdb1");
	fake_sys_file(root, "9\n", "devices/virtual/block/dm-3/size");
	fake_sys_link(root, "class/block/dm-3", "devices/virtual/block/dm-3");
	fake_sys_link(root, "dev/block/253:3", "devices/virtual/block/dm-3");
	fake_sys_link(root, "devices/virtual/block/dm-3/slaves/vdb1",
		      "devices/pci0000:00/0000:00:04.0/virtio1/block/vdb/vdb1");
	assert_int_equal(devices_read(&source, DEVICES_DRIVEN, &devices, &err), 0);
	devices_mark_target(&source, &devices, "8:1"); /* a plain file has such a number */
	assert_int_equal(find(&devices, "vdb")->flags, 0);
	devices_mark_target(&source, &devices, "253:3");
	assert_int_equal(find(&devices, "vdb")->flags, DISK_TARGET);
	assert_string_equal(find(&devices, "vdb")->content, "UUID=of-vdb");
	assert_int_equal(find(&devices, "vda")->flags, DISK_IN_USE);
	assert_int_equal(find(&devices, "vdc")->flags, 0);
	devices_free(&devices);
	fake_sys_remove(root);
}

/* Of too many disks those in use are kept. */
static void store(void **state)
{
	static struct mailbox mailbox;
	struct devices devices = { .pci_count = MAILBOX_PCI_MAX + 2,
				   .disk_count = MAILBOX_DISK_MAX + 3 };

	(void)state;
	devices.pci = calloc(devices.pci_count, sizeof(devices.pci[0]));
	devices.disks = calloc(devices.disk_count, sizeof(devices.disks[0]));
	devices.disks[devices.disk_count - 1].flags = DISK_IN_USE;
	assert_int_equal(devices_store(&devices, &mailbox), 5);
	assert_int_equal(mailbox.pci_count, MAILBOX_PCI_MAX);
	assert_int_equal(mailbox.disk_count, MAILBOX_DISK_MAX);
	assert_int_equal(mailbox.disks[0].flags, DISK_IN_USE);
	assert_int_equal(mailbox.disks[1].flags, 0);
	devices_free(&devices);
	assert_int_equal(devices_store(&devices, &mailbox), 0);
	assert_int_equal(mailbox.pci_count + mailbox.disk_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places), cmocka_unit_test(subsystem), cmocka_unit_test(no_disks),
		cmocka_unit_test(pci),	  cmocka_unit_test(disks),     cmocka_unit_test(target),
		cmocka_unit_test(store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
