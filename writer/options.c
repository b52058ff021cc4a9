/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-write. */
#include "writer/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/abi.h"
#include "common/error.h"
#include "seal/aead.h"
#include "text/options.h"
#include "writer/save.h"

#define VMCORE "vmcore:"

static const char usage[] =
	"usage: kjump-write [--source devmem]\n"
	"       kjump-write --source vmcore:FILE --output|--base IMAGE [OPTION...]\n"
	"\n"
	"Save the memory of the machine that jumped into this kernel, as its mailbox asks: run by\n"
	"init of the image-writer kernel, which acts on the exit code. Or save a core file of a\n"
	"whole machine as an image, which can be read like any other, but never be restored.\n"
	"\n";
static const char exit_codes[] = "\n"
				 "Exit codes:\n"
				 "   0  saved; devmem: power the machine off\n"
				 "  10  devmem: saved, or a dry run: jump back\n"
				 "   1  not saved; devmem: the mailbox says why, jump back\n"
				 "   5  devmem: no valid request, nothing was written: jump back\n"
				 "   2  wrong usage\n";

static int set_source(void *field, size_t size, const char *value, struct error *err)
{
	const char **vmcore = field;

	(void)size;
	if (!strcmp(value, "devmem"))
		*vmcore = NULL;
	else if (!strncmp(value, VMCORE, strlen(VMCORE)) && value[strlen(VMCORE)])
		*vmcore = value + strlen(VMCORE);
	else
		return error_set(err, EINVAL, "neither devmem nor vmcore:FILE: '%.60s'", value);
	return 0;
}

static int set_workers(void *field, size_t size, const char *value, struct error *err)
{
	long number;
	int ret = key_parse_number(value, 1, SAVE_WORKERS_MAX, &number, err);

	(void)size;
	if (!ret)
		*(unsigned *)field = (unsigned)number;
	return ret;
}

static int set_cipher(void *field, size_t size, const char *value, struct error *err)
{
	uint32_t *cipher = field;

	(void)size;
	for (*cipher = 1; aead_name(*cipher); ++*cipher)
		if (!strcasecmp(value, aead_name(*cipher)))
			return 0;
	return error_set(err, EINVAL, "neither AES-256-GCM nor XChaCha20-Poly1305: '%.60s'", value);
}

static const struct key_type cipher = { set_cipher, NULL };
static const struct key_type source = { set_source, NULL };
static const struct key_type workers = { set_workers, NULL };

#define FIELD(name, type, field) KEY(name, type, struct write_options, field)

static const struct option_entry entries[] = {
	{ FIELD("source", source, vmcore), 0, "SOURCE",
	  "devmem (default) or vmcore:FILE, an ELF core" },
	{ FIELD("output", key_pointer, output), 0, "IMAGE",
	  "file (made, and as large as it needs to be) or\nclaimed device" },
	{ FIELD("base", key_pointer, base), 0, "IMAGE",
	  "in place of --output: what holds an image already;\npages that it has are not written "
	  "again;\nthe four newest images stay" },
	{ FIELD("level", key_level, level), 0, "N",
	  "zstd level, -20 to 19 (default: 1), 0: not\n"
	  "compressed, or auto: as high as the device leaves\ntime for" },
	{ FIELD("workers", workers, workers), 0, "N",
	  "compression threads (default: one for each CPU)" },
	{ FIELD("seal", key_pointer, seal), 0, "FILE",
	  "seal the image with the sender's key in FILE; one that\nis sealed can only be the base "
	  "of "
	  "sealed ones" },
	{ FIELD("cipher", cipher, cipher), 0, "NAME",
	  "AES-256-GCM or XChaCha20-Poly1305 (default: the\nfaster one here)" },
	{ FIELD("all", key_switch, all), 0, NULL, "save free pages too" },
	{ FIELD("force", key_switch, force), 0, NULL,
	  "overwrite what IMAGE holds; never the source, nor a file\nthat others may read" },
	{ FIELD("died", key_pointer, died), 0, "STATUS",
	  "devmem: the writer before ended with this status:\nmark its image stale, and tell A" },
	{ FIELD("quiet", key_switch, quiet), 'q', NULL, "no progress" },
	{ FIELD("help", key_switch, help), 'h', NULL, "show this and exit" },
	{ FIELD("version", key_switch, version), 'V', NULL, "show the version and exit" },
};

static const struct option_table table = {
	.entries = entries,
	.count = sizeof(entries) / sizeof(*entries),
	.accepts = ~0ULL,
	.help = "kjump-write --help",
};

static const struct option_texts texts = { "kjump-write", usage, exit_codes };

/* Was anything given but --source, which is entry 0, and --died? */
static bool has_more(const struct options_given *given)
{
	for (size_t i = 1; i < table.count; i++) {
		if (given->values[i] && strcmp(entries[i].key.name, "died"))
			return true;
	}
	return false;
}

int write_options_parse(int argc, char **argv, struct write_options *ret)
{
	const struct write_options unset = { .level = LEVEL_DEFAULT };
	struct options_given given;

	*ret = unset;
	if (options_collect(&table, argc, argv, &given) || options_apply(&table, &given, ret))
		return EXIT_USAGE;
	if (ret->help || ret->version)
		return options_show(&table, &texts, ret->version);
	if (given.operand_count)
		return options_misuse(&table, "takes no arguments: ", given.operands[0]);
	if (!ret->vmcore && has_more(&given))
		return options_misuse(
			&table, "only --source vmcore:FILE takes options; the mailbox has them",
			"");
	if (ret->vmcore && ret->died)
		return options_misuse(&table, "--died is for the mailbox alone", "");
	if (ret->vmcore && !ret->output && !ret->base)
		return options_misuse(&table, "no --output", "");
	if (ret->output && ret->base)
		return options_misuse(&table, "--output and --base: one of them", "");
	if (ret->cipher && !ret->seal)
		return options_misuse(&table, "--cipher without --seal", "");
	return -1;
}
