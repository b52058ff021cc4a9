/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which differences of the hardware are refused, and by what name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "restore/hardware.h"

#define GIB (UINT64_C(1) << 30)

enum { CHIPSET, AHCI, BLOCK_A, BLOCK_B, NIC, USB, PCI_COUNT };
enum { SDA, VDA, VDB, VDC, DISK_COUNT };

/* A, and C unless a test changes it. */
struct both {
	struct pci_record pci_was[PCI_COUNT], pci_is[PCI_COUNT];
	struct disk_record disks_was[DISK_COUNT], disks_is[DISK_COUNT];
	struct image_index index;
	struct devices here;
};

static struct pci_record function_of(uint8_t device, uint16_t vendor, uint16_t id, uint32_t class,
				     const char *driver)
{
	struct pci_record ret = {
		.device = device, .vendor = vendor, .id = id, .class = class << 8
	};

	ret.bars[1].start = 0xfe000000 + device * 0x1000u;
	ret.bars[1].size = 0x1000;
	strcpy(ret.driver, driver);
	return ret;
}

static struct disk_record disk_of(const char *name, const char *place, const char *serial,
				  const char *content, uint32_t flags)
{
	struct disk_record ret = { .size = GIB, .flags = flags };

	strcpy(ret.name, name);
	strcpy(ret.place, place);
	strcpy(ret.serial, serial);
	strcpy(ret.content, content);
	return ret;
}

static int setup(void **state)
{
	struct both *both = calloc(1, sizeof(*both));

	both->pci_was[CHIPSET] = function_of(0, 0x8086, 0x29c0, 0x060000, "host");
	both->pci_was[AHCI] = function_of(31, 0x8086, 0x2922, 0x010601, "ahci");
	both->pci_was[BLOCK_A] = function_of(3, 0x1af4, 0x1042, 0x010000, "virtio-pci");
	both->pci_was[BLOCK_B] = function_of(4, 0x1af4, 0x1042, 0x010000, "virtio-pci");
	both->pci_was[NIC] = function_of(5, 0x8086, 0x10d3, 0x020000, "e1000e");
	both->pci_was[USB] = function_of(6, 0x1b36, 0x000d, 0x0c0330, "xhci_hcd");
	both->disks_was[SDA] = disk_of("sda", "0000:00:1f.0/ata1/host/target:0:0/:0:0:0",
				       "wwid t10.ATA S1", "PTUUID=11", DISK_IN_USE);
	both->disks_was[VDA] = disk_of("vda", "0000:00:03.0/virtio", "", "UUID=aa", DISK_IN_USE);
	both->disks_was[VDB] = disk_of("vdb", "0000:00:04.0/virtio", "", "UUID=bb", DISK_TARGET);
	both->disks_was[VDC] = disk_of("sdb", "0000:00:06.0/usb/-2/host", "serial U", "", 0);
	memcpy(both->pci_is, both->pci_was, sizeof(both->pci_is));
	memcpy(both->disks_is, both->disks_was, sizeof(both->disks_is));
	for (int i = 0; i < DISK_COUNT; i++)
		both->disks_is[i].flags = 0; /* nothing is in use in C */
	both->index.pci = both->pci_was;
	both->index.pci_count = PCI_COUNT;
	both->index.disks = both->disks_was;
	both->index.disk_count = DISK_COUNT;
	both->here = (struct devices){ both->pci_is, PCI_COUNT, both->disks_is, DISK_COUNT };
	*state = both;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

typedef int (*comparison)(const struct image_index *, const struct devices *, struct error *);

/* WORDS: what the refusal says, ended by NULL; none: accepted. */
static void expect(struct both *both, comparison compare, const char *const *words)
{
	struct error err = { 0 };
	int rc = compare(&both->index, &both->here, &err);

	assert_int_equal(rc, *words ? -ENODEV : 0);
	assert_int_equal(err.code, -rc);
	if (*words)
		assert_non_null(strstr(err.text, "rd.kjump.force=devices"));
	for (; *words; words++)
		if (!strstr(err.text, *words))
			fail_msg("\"%s\" is not in \"%s\"", *words, err.text);
}

#define EXPECT(both, compare, ...) expect(both, compare, (const char *const[]){ __VA_ARGS__ })

static void same(void **state)
{
	struct both *both = *state;

	EXPECT(both, hardware_same, NULL);
	EXPECT(both, hardware_there, NULL);
	assert_int_equal(hardware_warn(&both->index, &both->here), 0);
	/* An image without a record, of a kernel B that was loaded by hand. */
	both->index.pci_count = both->index.disk_count = 0;
	EXPECT(both, hardware_same, NULL);
	EXPECT(both, hardware_there, NULL);
}

static void swap_disks(struct disk_record *a, struct disk_record *b)
{
	char place[sizeof(a->place)];

	memcpy(place, a->place, sizeof(place));
	memcpy(a->place, b->place, sizeof(place));
	memcpy(b->place, place, sizeof(place));
}

/* Of one size, and without serial numbers: only what is on them tells. */
static void exchanged(void **state)
{
	struct both *both = *state;

	swap_disks(&both->disks_is[VDA], &both->disks_is[VDB]);
	EXPECT(both, hardware_same, "disk vda at 0000:00:03.0/virtio is another one",
	       "held UUID=aa, holds UUID=bb", "it is at 0000:00:04.0/virtio now", NULL);
}

/* Two disks that one place is all that is known of. */
static void one_place(void **state)
{
	struct both *both = *state;

	strcpy(both->disks_was[VDB].place, both->disks_was[VDA].place);
	strcpy(both->disks_is[VDA].place, both->disks_was[VDA].place);
	strcpy(both->disks_is[VDB].place, both->disks_was[VDA].place);
	EXPECT(both, hardware_same, NULL);
	EXPECT(both, hardware_there, NULL);
	strcpy(both->disks_is[VDB].content, "UUID=cc");
	EXPECT(both, hardware_same, "disk vdb", "is another one", NULL);
}

static void another_disk(void **state)
{
	struct both *both = *state;

	strcpy(both->disks_is[SDA].serial, "wwid t10.ATA S2");
	EXPECT(both, hardware_same, "disk sda", "was wwid t10.ATA S1, is wwid t10.ATA S2", NULL);
	/* Another kernel may know another kind of number. */
	strcpy(both->disks_is[SDA].serial, "serial S1");
	EXPECT(both, hardware_same, NULL);
	both->disks_is[SDA].serial[0] = '\0';
	EXPECT(both, hardware_same, NULL);
	both->disks_is[SDA].size -= 512;
	EXPECT(both, hardware_same, "disk sda", "had 1073741824 bytes, has 1073741312", NULL);
	both->disks_is[SDA].size += 512;
	strcpy(both->disks_is[SDA].content, "PTUUID=12");
	EXPECT(both, hardware_same, "held PTUUID=11, holds PTUUID=12", NULL);
	both->disks_is[SDA].content[0] = '\0'; /* not readable yet */
	EXPECT(both, hardware_same, NULL);
	/* Nobody has used the disk: what is on it may have changed, but not the disk. */
	strcpy(both->disks_is[VDC].content, "UUID=cc");
	EXPECT(both, hardware_same, NULL);
	strcpy(both->disks_is[VDC].serial, "serial V");
	EXPECT(both, hardware_same, "disk sdb", "was serial U, is serial V", NULL);
}

/* One left out: the others move up. */
static void left_out(void **state)
{
	struct both *both = *state;

	both->disks_is[VDB] = both->disks_is[VDC]; /* vdb is gone */
	both->here.disk_count--;
	EXPECT(both, hardware_same, NULL);
	EXPECT(both, hardware_there, "disk vdb (no serial number, 1073741824 bytes)",
	       "is not there", "0000:00:04.0/virtio", NULL);
	strcpy(both->disks_is[VDB].place, "0000:00:09.0/virtio");
	strcpy(both->disks_is[VDB].serial, "");
	strcpy(both->disks_is[VDB].content, "UUID=bb");
	EXPECT(both, hardware_there, "disk vdb", "it is at 0000:00:09.0/virtio now", NULL);
}

/* What kernel C cannot have is no reason to refuse, and what A did not use neither. */
static void out_of_reach(void **state)
{
	struct both *both = *state;

	both->here.disk_count = SDA; /* none */
	both->index.disks = &both->disks_was[SDA];
	both->index.disk_count = 1;
	EXPECT(both, hardware_there, "disk sda", NULL);
	assert_int_equal(hardware_warn(&both->index, &both->here), 1);
	both->pci_is[AHCI].driver[0] = '\0';
	EXPECT(both, hardware_there, NULL);
	assert_int_equal(hardware_warn(&both->index, &both->here), 1);

	both->index.disks = &both->disks_was[VDC];
	EXPECT(both, hardware_there, NULL);
	both->disks_was[VDC].flags = DISK_IN_USE;
	EXPECT(both, hardware_there, NULL); /* on USB */
	strcpy(both->disks_was[VDC].place, "/platform/host/session/target:0:0/:0:0:0");
	EXPECT(both, hardware_there, NULL); /* iSCSI */
	strcpy(both->disks_was[VDC].place, "/platform/80860F14:00/mmc_host/mmc/mmc:0001");
	EXPECT(both, hardware_there, "disk sdb", "mmc:0001", NULL);
}

/* Behind an expander disks are numbered as they are found, and known by their names. */
static void networked(void **state)
{
	struct both *both = *state;

	strcpy(both->disks_was[SDA].place,
	       "0000:00:1f.0/host/port-:1/end_device-:1:0/target:0:1/:0:1:0");
	strcpy(both->disks_is[SDA].place,
	       "0000:00:1f.0/host/port-:1/end_device-:1:4/target:0:5/:0:5:0");
	EXPECT(both, hardware_same, NULL);
	EXPECT(both, hardware_there, NULL);
	strcpy(both->disks_is[SDA].place,
	       "0000:00:1e.0/host/port-:1/end_device-:1:4/target:0:5/:0:5:0");
	EXPECT(both, hardware_there, "disk sda", "it is at 0000:00:1e.0", NULL);
}

static void controllers(void **state)
{
	struct both *both = *state;

	both->pci_is[AHCI].id = 0x2826; /* the firmware's switch from AHCI to RAID */
	both->pci_is[AHCI].class = 0x01040000;
	EXPECT(both, hardware_same, "PCI device 0000:00:1f.0 (ahci) is another one",
	       "was 8086:2922 (0000:0000) class 010601", "is 8086:2826 (0000:0000) class 010400",
	       NULL);
	both->pci_is[AHCI] = both->pci_was[AHCI];
	both->pci_is[AHCI].subid = 1;
	EXPECT(both, hardware_same, "0000:00:1f.0", NULL);
	both->pci_is[AHCI] = both->pci_was[AHCI];

	/* A storage controller where A has a network card. */
	both->pci_is[NIC] = both->pci_was[BLOCK_B];
	both->pci_is[NIC].device = 5;
	EXPECT(both, hardware_same, "0000:00:05.0 (e1000e)", NULL);
	/* Another network card: its driver's affair. */
	both->pci_is[NIC].class = 0x02000000;
	EXPECT(both, hardware_same, NULL);
	assert_int_equal(hardware_warn(&both->index, &both->here), 1);
	both->pci_is[NIC] = both->pci_was[NIC];

	/* USB is of that sort, unless a disk in use hangs on it. */
	both->pci_is[USB].id = 0x000e;
	EXPECT(both, hardware_same, NULL);
	both->disks_was[VDC].flags = DISK_IN_USE;
	EXPECT(both, hardware_same, "0000:00:06.0 (xhci_hcd)", NULL);
}

static void warnings(void **state)
{
	struct both *both = *state;

	both->pci_is[BLOCK_A].bars[1].start += 0x100000;
	both->pci_is[BLOCK_B].class |= 1; /* another revision */
	both->pci_is[NIC].device = 20;	  /* is not there any more */
	EXPECT(both, hardware_same, NULL);
	EXPECT(both, hardware_there, NULL);
	assert_int_equal(hardware_warn(&both->index, &both->here), 3);
	both->here.pci_count = 0;
	both->here.disk_count = 0;
	assert_int_equal(hardware_warn(&both->index, &both->here), PCI_COUNT + DISK_COUNT);
}

int main(void)
{
#define WITH_BOTH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_BOTH(same),	 WITH_BOTH(exchanged),	 WITH_BOTH(one_place),
		WITH_BOTH(another_disk), WITH_BOTH(left_out),	 WITH_BOTH(networked),
		WITH_BOTH(out_of_reach), WITH_BOTH(controllers), WITH_BOTH(warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
