/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report tells what a machine is like, and not whose it is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/report/report.h"
#include "tests/unit/fake-root.h"

/* --- one line -----------------------------------------------------------------------------------
 */

static void becomes(struct redact *redact, const char *line, const char *wanted)
{
	char *text = redact_line(redact, line);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void stays(const char *line)
{
	struct redact redact = { 0 };

	becomes(&redact, line, line);
	redact_free(&redact);
}

static void test_patterns(void **state)
{
	struct redact redact = { 0 };

	(void)state;
	becomes(&redact, "target = UUID=0f3c1c52-7d1e-4a2a-9a53-3d7a3d1b2c11",
		"target = UUID=<uuid-1>");
	becomes(&redact, "mounted 0F3C1C52-7D1E-4A2A-9A53-3D7A3D1B2C11.", "mounted <uuid-1>.");
	becomes(&redact, "UUID=1A2B-3C4D /boot", "UUID=<uuid-2> /boot");
	becomes(&redact, "PV 9Jwn0a-MKzT-mTyx-U6MY-fhlO-TUWC-EGtPfL", "PV <uuid-3>");
	becomes(&redact, "LVM-9Jwn0aMKzTmTyxU6MYfhlOTUWCEGtPfL9Jwn0aMKzTmTyxU6MYfhlOTUWC1GtPfL",
		"LVM-<uuid-4>");
	becomes(&redact, "b08dfa6083e7567a1921a715000001fb", "<uuid-5>");
	becomes(&redact, "eth0: 52:54:00:12:34:56, up", "eth0: <address-1>, up");
	becomes(&redact, "ib0 80:00:00:48:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1",
		"ib0 <address-2>");
	becomes(&redact, "from 192.168.17.4: no", "from <address-3>: no");
	becomes(&redact, "to fe80::5054:ff:fe12:3456 and 2001:db8:0:0:1:0:0:1.",
		"to <address-4> and <address-5>.");
	becomes(&redact, "LABEL=\"Anna's disk\" and LABEL=xy,ro",
		"LABEL=\"<label-1>\" and LABEL=<label-2>,ro");
	becomes(&redact, "LABEL=root on vg/root", "LABEL=root on vg/root");
	becomes(&redact, "/dev/disk/by-id/ata-SSD_S4EW0001-part1: gone",
		"/dev/disk/by-id/<serial-1>: gone");
	becomes(&redact, "/home/berta/x, /media/carla/y", "/home/<user-1>/x, /media/<user-2>/y");
	becomes(&redact, "usb 1-1: SerialNumber: 4C5300", "usb 1-1: SerialNumber: <serial-2>");
	becomes(&redact, "naa.5000c500a1b2c3d4", "naa.<serial-3>");
	redact_free(&redact);
}

/* What a report is read for. */
static void test_what_stays(void **state)
{
	static const char *const lines[] = {
		"00100000-bfffffff : System RAM",
		"0000:00:1f.2 class 0x010601 id 0x8086:0x2922 ahci",
		"2026-11-18 11:06:40  hibernation  restored   700.0 MiB",
		"2026-11-18T11:06:40+0100",
		"6.12.57+deb13-amd64, #1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2026-11-05)",
		"RIP: 0010:kernel_kexec+0x12/0x90 RSP: 0018:ffffc90000a7be20",
		"Node 0, zone   Normal  15315   9141   4349",
		"listens on 127.0.0.1 and ::",
		"initramfs-6.12.57+deb13-amd64.img",
		"/dev/mapper/vg-root on / type ext4 (rw,relatime)",
		"a cold B needs 123456789012345678901234567890 pages",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		stays(lines[i]);
}

static void test_words(void **state)
{
	struct redact redact = { 0 };

	(void)state;
	assert_int_equal(redact_learn(&redact, REDACT_USER, "alma"), 0);
	assert_int_equal(redact_learn(&redact, REDACT_HOST, "wonderland"), 0);
	assert_int_equal(redact_learn(&redact, REDACT_HOST, "wonderland.example.org\n"), 0);
	becomes(&redact, "Alma's vg_alma, thalmann", "<user-1>'s vg_<user-1>, thalmann");
	/* The longer one counts, and parts of words where the name is long enough for that. */
	becomes(&redact, "wonderland.example.org: mywonderlandvg", "<host-2>: my<host-1>vg");
	/* What names nobody. */
	for (const char *const *word = (const char *const[]){ "localhost", "root", "x", "0000", " ",
							      "To be filled by O.E.M.", NULL };
	     *word; word++)
		assert_int_equal(redact_learn(&redact, REDACT_SERIAL, *word), 0);
	becomes(&redact, "root at localhost x 0000", "root at localhost x 0000");
	redact_free(&redact);
}

static void test_cmdline(void **state)
{
	struct redact redact = { 0 };
	char *text = redact_cmdline(
		&redact, "BOOT_IMAGE=/vmlinuz root=/dev/sda2 ro quiet net-password=hunter22 "
			 "\"wifi.psk=corr ect\" rd.kjump.resume=UUID=x rd.kjump.again "
			 "nvme_core.default_ps_max_latency_us=0 lonelyword "
			 "-- --token=abcdefg");

	(void)state;
	assert_non_null(text);
	assert_string_equal(text, "BOOT_IMAGE=/vmlinuz root=/dev/sda2 ro quiet net-password=... "
				  "wifi.psk=... rd.kjump.resume=UUID=x rd.kjump.again "
				  "nvme_core.default_ps_max_latency_us=0 ... ");
	free(text);
	/* Nor anywhere else. */
	becomes(&redact, "login with hunter22, corr ect", "login with <value-1>, <value-2>");
	redact_free(&redact);
}

/* A root elsewhere is named by who may have it; a mount option may be a password. */
static void test_roots(void **state)
{
	static const char *const shown[] = {
		"root=/dev/sda2 ",
		"root=UUID=x ",
		"resume=PARTLABEL=swap ",
		"root=zfs:pool/root ",
		"rootflags=subvol=@,degraded ",
		"rootflags=data=ordered,errors=panic ",
	};
	static const char *const hidden[][2] = {
		{ "root=cifs://joe:secret@server/share", "root=... " },
		{ "root=iscsi:user:secret@server::3260::target", "root=... " },
		{ "resume=joe:secret", "resume=... " },
		{ "rootflags=username=joe,password=Tr0ub4dor,ro", "rootflags=...,...,ro " },
		{ "rootflags=credentials", "rootflags=... " },
	};
	struct redact redact = { 0 };
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		text = redact_cmdline(&redact, shown[i]);
		assert_string_equal(text, shown[i]);
		free(text);
	}
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		text = redact_cmdline(&redact, hidden[i][0]);
		assert_string_equal(text, hidden[i][1]);
		free(text);
	}
	redact_free(&redact);
}

/* --- a whole machine ----------------------------------------------------------------------------
 */

/* Each of these is planted in some file below, and must not be in the report. */
static const char *const secrets[] = {
	"wonderland",	"example.org",	    "alice",	   "Liddell",  "queen",
	"hearts",	"SN-4711-0815",	    "S4EWNX0R",	   "52:54:00", "0f3c1c52",
	"1a2b-3c4d",	"b08dfa6083e7567a", "hunter22",	   "teaparty", "croquet",
	"192.168.17.4", "looking glass",    "tok3nt0k3n",  "flamingo", "K1TCH3N",
	"dormouse",	"march-hare",	    "march--hare", "cheshire",
};

static int gossip(struct preflight *checked, struct error *note_of_it)
{
	(void)checked;
	error_set(note_of_it, 0,
		  "/home/alice/image (ext4 on LABEL=\"Queen of Hearts\") on wonderland");
	return PREFLIGHT_DOUBT;
}

static void plant(void)
{
	put("/etc/hostname", "wonderland.example.org\n");
	put("/proc/sys/kernel/hostname", "wonderland\n");
	put("/etc/machine-id", "b08dfa6083e7567a1921a715000001fb\n");
	put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
			   "alice:x:1000:1000:Alice Liddell,,,:/home/alice:/bin/sh\n"
			   "short:x\n"
			   "queen:x:1001:1001::/home/hearts:/bin/sh\n"
			   "dormouse:x:70001:70001::/nonexistent:/bin/sh\n");
	put("/proc/sys/kernel/domainname", "march-hare\n");
	put("/home/cheshire/file", "");
	put("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\n");
	put("/proc/sys/kernel/osrelease", "6.12.57+deb13-amd64\n");
	put("/boot/config-6.12.57+deb13-amd64", "CONFIG_KEXEC=y\nCONFIG_SMP=y\n");
	put("/boot/vmlinuz-6.12.57+deb13-alice", "");
	put("/proc/cmdline",
	    "root=UUID=0f3c1c52-7d1e-4a2a-9a53-3d7a3d1b2c11 ro "
	    "resume=/dev/mapper/march--hare--vg-swap "
	    "rootflags=subvol=/@dormouse,subvolid=cheshire "
	    "rd.kjump.resume=LABEL=croquet quiet vpn.password=hunter22 teaparty\n");
	put("/etc/kjump.conf", "target = LABEL=croquet\nlevel = auto\n"
			       "cmdline = console=ttyS0 token=tok3nt0k3n\npasword = flamingo\n");
	put("/sys/class/dmi/id/product_name", "Looking 2000\n");
	put("/sys/class/dmi/id/product_serial", "SN-4711-0815\n");
	put("/sys/class/net/eth0/address", "52:54:00:12:34:56\n");
	put("/sys/class/block/nvme0n1/size", "2000409264\n");
	put("/sys/class/block/nvme0n1/serial", "S4EWNX0R123456\n");
	put("/sys/class/block/dm-0/size", "1000\n");
	put("/sys/class/block/dm-0/dm/name", "wonderland--vg-root\n");
	put("/sys/class/block/dm-0/dm/uuid", "CRYPT-LUKS2-b08dfa6083e7567a1921a715000001fb-x\n");
	put("/sys/class/block/dm-0/slaves/nvme0n1", "");
	put("/dev/disk/by-label/looking\\x20glass", "");
	put("/dev/disk/by-uuid/1a2b-3c4d", "");
	put("/proc/iomem", "00001000-0009fbff : System RAM\n");
	put("/proc/meminfo", "MemTotal:       24683652 kB\n");
	put("/proc/self/mountinfo",
	    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/mapper/wonderland--vg-root rw\n"
	    "23 22 8:17 / /media/alice/looking\\040glass rw - vfat /dev/sdb1 rw,uid=1000\n"
	    "24 22 0:50 / /mnt rw - cifs //192.168.17.4/x rw,password=hunter22\n");
	put("/proc/modules", "kjump 45056 0 - Live 0x0000000000000000 (OE)\nnvme 1 0 - Live 0x0\n");
	put("/var/lib/kjump/history.jsonl",
	    "{\"time\":1795001000,\"event\":\"failed\",\"cause\":\"/home/hearts/x: in use\"}\n");
	put("/dev/kmsg",
	    "6,1,100,-;Command line: root=/dev/sda1 vpn.password=hunter22\n"
	    "6,2,5140900,-;EXT4-fs (dm-0): mounted filesystem "
	    "0f3c1c52-7d1e-4a2a-9a53-3d7a3d1b2c11\n"
	    " SUBSYSTEM=block\n DEVICE=wonderland\n"
	    "4,3,5140901,-;------------[ cut here ]------------\n"
	    "4,4,5140902,-;RIP: 0010:hop+0x1/0x2\n"
	    "4,5,5140903,-;---[ end trace 0000000000000000 ]---\n"
	    "4,6,5140904,-;K1TCH3N sink is of no interest\n"
	    "30,7,5140905,-;systemd[1]: Hostname set to <wonderland>, K1TCH3N failed.\n"
	    "12,8,5140906,-;kjump: saving for alice\n"
	    "5,9,5140907,-;audit: type=1100 acct=\"K1TCH3N\" res=failed\n");
	put("/usr/bin/journalctl", "#!/bin/sh\n"
				   "case \"$*\" in *--no-hostname*) ;; *) echo K1TCH3N ;; esac\n"
				   "echo '2026-11-18T11:06:40+0100 kjump[12]: queen hibernates at '"
				   "192.168.17.4\n");
}

static char *report(void)
{
	static const struct preflight_check checks[] = { { "gossip", "none", 0, gossip },
							 { NULL, NULL, 0, NULL } };
	char path[512], *text = NULL;
	size_t size = 0;
	struct report whole = { .root = root, .config = &config, .checks = checks };

	snprintf(path, sizeof(path), "%s/usr/bin/journalctl", root);
	if (!access(path, F_OK))
		assert_int_equal(chmod(path, 0700), 0);
	whole.out = open_memstream(&text, &size);
	assert_non_null(whole.out);
	assert_int_equal(report_write(&whole, &note), 0);
	redact_free(&whole.redact);
	fclose(whole.out);
	return text;
}

static void test_no_secrets(void **state)
{
	char *text;

	(void)state;
	plant();
	text = report();
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
		if (strcasestr(text, secrets[i]))
			fail_msg("'%s' is in the report:\n%s", secrets[i], text);
	}
	free(text);
}

/* And what it is written for is there. */
static void test_content(void **state)
{
	static const char *const wanted[] = {
		"Debian GNU/Linux 13",
		"kernel: 6.12.57+deb13-amd64",
		"CONFIG_KEXEC=y",
		"model: Looking 2000",
		"root=UUID=<uuid-",
		"rd.kjump.resume=LABEL=<label-",
		"vpn.password=... ...",
		"warning  gossip: /home/<user-1>/image (ext4 on LABEL=\"<label-",
		"level = auto",
		"cmdline = console=ttyS0 token=...",
		"pasword = ... (refused)",
		"\"event\":\"failed\",\"cause\":\"/home/<user-",
		"00001000-0009fbff : System RAM",
		"MemTotal:",
		"nvme0n1 ",
		"          on nvme0n1",
		" CRYPT",
		"mounted: 254:0 ext4 /dev/mapper/<host-",
		"mounted: 8:17 vfat /dev/sdb1",
		"kjump (OE)",
		"2026-11-18T11:06:40+0100 kjump[12]: <user-",
		"[    5.140902] RIP: 0010:hop+0x1/0x2",
		"kjump: saving for <user-1>",
	};
	char *text;

	(void)state;
	plant();
	text = report();
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (!strstr(text, wanted[i]))
			fail_msg("'%s' is not in the report:\n%s", wanted[i], text);
	}
	assert_null(strstr(text, "CONFIG_SMP"));
	free(text);
}

/* A machine that has nothing of all that is reported, too. */
static void test_bare(void **state)
{
	char *text = report();

	(void)state;
	assert_non_null(strstr(text, "/etc/kjump.conf: No such file"));
	assert_non_null(strstr(text, "journalctl: No such file"));
	assert_non_null(strstr(text, "== kernel log\n/dev/kmsg: No such file"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_what_stays),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_cmdline),
		cmocka_unit_test(test_roots),
		cmocka_unit_test_setup_teardown(test_no_secrets, start, end),
		cmocka_unit_test_setup_teardown(test_content, start, end),
		cmocka_unit_test_setup_teardown(test_bare, start, end),
	};

	/* Those of whoever runs this are no part of it. */
	unsetenv("SUDO_USER");
	unsetenv("LOGNAME");
	unsetenv("USER");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
