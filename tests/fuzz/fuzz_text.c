/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that is in memory already: kernel command lines, settings, what a kernel says of itself.
 * Nothing of it asks the system for anything, so many runs are to be had.
 *
 * Input: the text.
 */
#include "kjump/check/mkinitcpio.h"
#include "kjump/config.h"
#include "kjump/report/redact.h"
#include "memory/vmcoreinfo.h"
#include "tests/fuzz/fuzz.h"
#include "text/cmdline.h"

/* Each word fits, and is what stands there. */
static void split(const char *text)
{
	const char *cursor = text;
	char word[48];

	while (cmdline_next(&cursor, word, sizeof(word))) {
		if (strlen(word) >= sizeof(word) || !strstr(text, word) || cursor <= text)
			abort();
	}
	cursor = text;
	while (cmdline_option(&cursor, "nvme-core", word, sizeof(word)))
		if (strlen(word) >= sizeof(word))
			abort();
}

static void look_up(const char *text)
{
	char value[32], line[CMDLINE_SIZE];
	struct error err = { 0 };

	cmdline_value(text, "rd.kjump.resume", value, sizeof(value));
	cmdline_parameter(text, "rd.kjump.again", value, sizeof(value));
	cmdline_is_no(text);
	hooks_after(HOOKS_WITHOUT, text);
	if (!cmdline_for_b(text, 2, "quiet", line, sizeof(line), &err)) {
		/* Kernel B reads its own words, whatever A was told. */
		if (strlen(line) >= sizeof(line) || !cmdline_value(line, "nr_cpus", value, 32) ||
		    strcmp(value, "2"))
			abort();
	}
}

/* Each line as one of a file of settings: a name, and the rest. */
static void set(const char *text)
{
	static const char *const names[] = {
		"target", "level", "workers", "home", "verify", "jump"
	};
	char value[64];
	size_t length = strcspn(text, "\n");

	if (length >= sizeof(value))
		length = sizeof(value) - 1;
	memcpy(value, text, length);
	value[length] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct error err = { 0 };
		struct config config;

		config_default(&config);
		fuzz_good(config_set(&config, names[i], value, &err), &err);
	}
}

/* Whatever stands around a name, it is in no report. */
static void report(const char *text)
{
	struct redact redact = { 0 };
	char *line, *words;

	if (redact_learn(&redact, REDACT_HOST, "wonderland"))
		abort();
	words = redact_cmdline(&redact, text);
	line = redact_line(&redact, text);
	if (!words || !line || strcasestr(line, "wonderland"))
		abort();
	free(words);
	free(line);
	redact_free(&redact);
}

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct kernel_layout layout;
	struct error err = { 0 };
	char *text = strndup((const char *)data, size);

	if (!text)
		abort();
	fuzz_good(vmcoreinfo_parse(text, &layout, &err), &err);
	split(text);
	look_up(text);
	set(text);
	report(text);
	free(text);
	return true;
}

static const char *const seeds[] = {
	"quiet rd.kjump.resume=\"LABEL=a b\" nvme-core.x=1 console=ttyS0,115200 -- single\n",
	"OSRELEASE=6.12.0\nPAGESIZE=4096\nSYMBOL(mem_section)=ffffffff82000000\n",
	"auto\n",
	"128M\n",
	"UUID=0b497247-9e57-4f1b-896a-0787dc9f76d8\n",
	"base udev autodetect kjump filesystems\n",
	"52:54:00:12:34:56 wonderland LABEL=\"x y\" fe80::1 192.168.1.2 /by-id/x 4a7c/home/w\n",
};

static size_t fuzz_seed(unsigned number, uint8_t *data)
{
	if (number >= sizeof(seeds) / sizeof(*seeds))
		return 0;
	memcpy(data, seeds[number], strlen(seeds[number]));
	return strlen(seeds[number]);
}
