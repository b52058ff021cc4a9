/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel command lines: from A's to B's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text/cmdline.h"

#define FIXED(cpus)                                                                                \
	"nokaslr iomem=relaxed init_on_free=1 nr_cpus=" cpus                                       \
	" panic=10 oops=panic softlockup_panic=1 watchdog_thresh=60"                               \
	" sysctl.kernel.hung_task_panic=1 sysctl.kernel.hung_task_timeout_secs=1200"               \
	" printk.devkmsg=on loglevel=6 raid=noautodetect noresume"                                 \
	" initcall_blacklist=virtio_balloon_driver_init,virtio_mem_driver_init,init_balloon_drv,"  \
	"vmballoon_init,balloon_init,dax_kmem_init,dax_hmem_init acpi_no_memhotplug"               \
	" memhp_default_state=offline numa=off"

static void test_for_b(void **state)
{
	static const struct {
		const char *a;
		unsigned cpus;
		const char *extra, *b;
	} cases[] = {
		/* nothing to hand on, no console */
		{ "root=/dev/sda1 ro quiet", 1, "", FIXED("1") },
		{ "", 2, "", FIXED("2") },
		/* consoles in A's order, and added words last */
		{ "console=ttyS0,115200 quiet console=tty0", 4, "debug x=1",
		  "console=ttyS0,115200 console=tty0 " FIXED("4") " debug x=1" },
		/* what A was told about its hardware */
		{ "noapic nolapic nox2apic no5lvl no_timer_check intel_iommu=on amd_iommu=off "
		  "iommu=pt acpi=ht "
		  "pci=nomsi",
		  1, "",
		  FIXED("1") " noapic nolapic nox2apic no5lvl no_timer_check intel_iommu=on "
			     "amd_iommu=off "
			     "iommu=pt acpi=ht pci=nomsi" },
		{ "nvme_core.io_timeout=60 nvme.poll_queues=2 ahci.mobile_lpm_policy=1 "
		  "scsi_mod.scan=sync",
		  1, "",
		  FIXED("1") " nvme_core.io_timeout=60 nvme.poll_queues=2 "
			     "ahci.mobile_lpm_policy=1 scsi_mod.scan=sync" },
		/* what must not be handed on */
		{ "earlyprintk=ttyS0 acpi_rsdp=0x7ff000 mem=4G memmap=1G$4G crashkernel=256M "
		  "resume=/dev/sda2 init=/bin/sh isolcpus=1 noapictimer acpi_osi=Linux "
		  "nvme=x.y usbhid.quirks=a snd_hda_intel.x=y xscsi_mod.scan=sync i915.modeset=0 "
		  "irqpolling pcie_aspmx=off",
		  1, "", FIXED("1") },
		/* without which a disk may fail, in B as in A */
		{ "libata.force=1.00:noncq pcie_aspm=off pcie_port_pm=off root=/dev/sda1 "
		  "usb-storage.quirks=152d:0578:u usbcore.quirks=1-2:g xhci_hcd.quirks=0x80 "
		  "uas.x=1 "
		  "mpt3sas.max_queue_depth=1 megaraid_sas.msix_disable=1 sdhci.debug_quirks2=4 "
		  "mmc-core.use_spi_crc=0",
		  1, "",
		  FIXED("1") " libata.force=1.00:noncq pcie_aspm=off pcie_port_pm=off "
			     "usb-storage.quirks=152d:0578:u usbcore.quirks=1-2:g "
			     "xhci_hcd.quirks=0x80 uas.x=1 mpt3sas.max_queue_depth=1 "
			     "megaraid_sas.msix_disable=1 sdhci.debug_quirks2=4 "
			     "mmc-core.use_spi_crc=0" },
		{ "intremap=off irqpoll irqfixup nointremap pcie_aspm.policy=performance pci=noaer "
		  "iommu=soft iommu.strict=1 \"irqpoll\" \"libata.force=1:x 2:y\"",
		  1, "",
		  FIXED("1") " intremap=off irqpoll irqfixup nointremap "
			     "pcie_aspm.policy=performance pci=noaer iommu=soft iommu.strict=1 "
			     "\"irqpoll\" \"libata.force=1:x 2:y\"" },
		/* behind -- all is for init */
		{ "console=tty0 -- console=ttyS1 noapic", 1, "", "console=tty0 " FIXED("1") },
		/* quoted words stay whole */
		{ "dyndbg=\"file a.c console=x +p\" scsi_mod.x=\"a b\"", 1, "",
		  FIXED("1") " scsi_mod.x=\"a b\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char b[CMDLINE_SIZE];
		struct error err = { 0 };

		assert_int_equal(cmdline_for_b(cases[i].a, cases[i].cpus, cases[i].extra, b,
					       sizeof(b), &err),
				 0);
		assert_string_equal(b, cases[i].b);
	}
}

/* A quote that nobody closes is A's last word; it must not swallow what kernel B has to read. */
static void test_open_quote(void **state)
{
	static const char *const refused[] = { "a=\"b c", "x -- y", "--", "\"", NULL };
	char b[CMDLINE_SIZE], value[16];
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		cmdline_for_b("quiet console=tty1\" nvme.x=1 y", 2, "rd.x", b, sizeof(b), &err), 0);
	assert_true(cmdline_value(b, "nr_cpus", value, sizeof(value)));
	assert_string_equal(value, "2");
	assert_true(cmdline_parameter(b, "rd.x", value, sizeof(value)));
	for (size_t i = 0; refused[i]; i++) {
		assert_int_equal(cmdline_for_b("", 1, refused[i], b, sizeof(b), &err), -EINVAL);
		assert_non_null(strstr(err.text, "cmdline: "));
	}
	assert_int_equal(cmdline_for_b("", 1, "a=\"b c\" --x ", b, sizeof(b), &err), 0);
}

static void test_limit(void **state)
{
	const size_t fixed = strlen(FIXED("1"));
	char extra[64], b[1024];
	struct error err = { 0 };

	(void)state;
	memset(extra, 'x', sizeof(extra));
	extra[40] = '\0';
	assert_int_equal(cmdline_for_b("", 1, extra, b, fixed + 1 + 40 + 1, &err), 0);
	assert_int_equal(strlen(b), fixed + 41);
	assert_int_equal(cmdline_for_b("", 1, extra, b, fixed + 1 + 40, &err), -E2BIG);
	assert_int_equal(err.code, E2BIG);
	/* A later and shorter word must not take the place of one that did not fit. */
	assert_int_equal(cmdline_for_b("pci=realloc,noats,nommconf,big_root_window", 1, "x", b,
				       fixed + 10, &err),
			 -E2BIG);
}

static void test_value(void **state)
{
	char value[16];

	(void)state;
	assert_true(cmdline_value("a=1 init_on_free=0 b init_on_free=1", "init_on_free", value,
				  sizeof(value)));
	assert_string_equal(value, "1");
	assert_true(cmdline_value("init-on-free=on", "init_on_free", value, sizeof(value)));
	assert_string_equal(value, "on");
	assert_true(cmdline_value("x=\"a b\" \"y=c d\"", "x", value, sizeof(value)));
	assert_string_equal(value, "a b");
	assert_true(cmdline_value("x=\"a b\" \"y=c d\"", "y", value, sizeof(value)));
	assert_string_equal(value, "c d");
	assert_true(cmdline_value("x=", "x", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(cmdline_value("xy=1 x -- x=1", "x", value, sizeof(value)));
	assert_false(cmdline_value("", "x", value, sizeof(value)));
	assert_false(cmdline_value("x=0123456789abcdef", "x", value, sizeof(value)));
}

/* As the kernel's next_arg() takes them apart; quotes in the middle of a value are no part of it.
 */
static void test_parameters(void **state)
{
	static const struct {
		const char *cmdline, *value; /* NULL: it is not there */
	} cases[] = {
		{ "quiet", NULL },
		{ "", NULL },
		{ "x", "" },
		{ "x=", "" },
		{ "\"x\"", "" },
		{ "x=1 x", "" },
		{ "x x=1", "1" },
		{ "x=1 x=2", "2" },
		{ "x=\"PARTLABEL=my disk\" quiet", "PARTLABEL=my disk" },
		{ "\"x=PARTLABEL=my disk\" quiet", "PARTLABEL=my disk" },
		{ "x=UUID=\"1-2\"", "UUID=1-2" },
		{ "x=PARTLABEL=\"my disk\"", "PARTLABEL=my disk" },
		{ "x=1 dyndbg=\"file x.c +p; x=2\"", "1" },
		{ "x=1 other=\"a x=bogus b\" x-y=3", "1" },
		{ "x=1 -- x=2", "1" },
		{ "x=1 \"--\" x=2", "1" },
		{ "x=1 --more x=2", "2" },
		{ "x=1\n\tx=2\n", "2" },
		{ "x=\"a b", "a b" },
		{ "xx=1 y.x=2 x.y=3 =x", NULL },
		{ "x=*?[a]\\x20", "*?[a]\\x20" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char value[32] = "none";

		assert_int_equal(cmdline_parameter(cases[i].cmdline, "x", value, sizeof(value)),
				 !!cases[i].value);
		if (cases[i].value)
			assert_string_equal(value, cases[i].value);
	}
}

/* What modprobe would hand over to the kernel with a module. */
static void test_options(void **state)
{
	const char *cursor =
		"nvme_core.a=1 \"nvme-core.b=2 3\" nvme.c=4 nvme_core nvme_core. "
		"nvme_core.d=\"5 6\" x=\"nvme_core.e=7 \" nvme_core.f -- nvme_core.g=8";
	static const char *const wanted[] = { "a=1", "\"b=2 3\"", "d=\"5 6\"", "f" };
	char option[32];

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		assert_true(cmdline_option(&cursor, "nvme-core", option, sizeof(option)));
		assert_string_equal(option, wanted[i]);
	}
	assert_false(cmdline_option(&cursor, "nvme-core", option, sizeof(option)));
}

static void test_words(void **state)
{
	const char *cursor = "  one\ttwo=\"2 3\"\n verylongword  four \"five";
	char word[10];

	(void)state;
	assert_true(cmdline_next(&cursor, word, sizeof(word)));
	assert_string_equal(word, "one");
	assert_true(cmdline_next(&cursor, word, sizeof(word)));
	assert_string_equal(word, "two=\"2 3\"");
	assert_true(cmdline_next(&cursor, word, sizeof(word)));
	assert_string_equal(word, "four");
	assert_true(cmdline_next(&cursor, word, sizeof(word)));
	assert_string_equal(word, "\"five");
	assert_false(cmdline_next(&cursor, word, sizeof(word)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_for_b),	   cmocka_unit_test(test_limit),
		cmocka_unit_test(test_open_quote), cmocka_unit_test(test_value),
		cmocka_unit_test(test_parameters), cmocka_unit_test(test_options),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
