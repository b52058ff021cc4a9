/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines.
 */
#include "text/options.h"

#include <getopt.h>
#include <string.h>

#include "common/version.h"

#define COLUMN	  26  /* where the help of an option begins */
#define LONG_BASE 256 /* getopt_long()'s value for entry 0; above all letters */

static bool is_accepted(const struct option_table *table, size_t index)
{
	return table->accepts & OPTION_BIT(index);
}

/* getopt_long()'s words for the table: LETTERS has room for three characters an entry and two. */
static void translate(const struct option_table *table, struct option *options, char *letters)
{
	*letters++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < table->count; i++) {
		const struct option_entry *entry = &table->entries[i];
		int argument = !entry->value	      ? no_argument
			       : *entry->value == '[' ? optional_argument
						      : required_argument;

		options[i] = (struct option){ entry->key.name, argument, NULL, LONG_BASE + (int)i };
		if (!entry->letter)
			continue;
		*letters++ = entry->letter;
		if (argument == required_argument)
			*letters++ = ':';
	}
	options[table->count] = (struct option){ 0 };
	*letters = '\0';
}

static size_t find_index(const struct option_table *table, int character)
{
	if (character >= LONG_BASE)
		return (size_t)(character - LONG_BASE);
	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i].letter == character)
			return i;
	}
	return 0; /* not reached: getopt_long() returns letters of the table only */
}

int options_misuse(const struct option_table *table, const char *text, const char *object)
{
	message("%s%s; try '%s'", text, object, table->help);
	return EXIT_USAGE;
}

static int misuse(const struct option_table *table, const char *word, const char *problem)
{
	message("option '%s' %s; try '%s'", word, problem, table->help);
	return EXIT_USAGE;
}

int options_collect(const struct option_table *table, int argc, char **argv,
		    struct options_given *ret)
{
	struct option options[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 2];
	int character;

	*ret = (struct options_given){ 0 };
	translate(table, options, letters);
	opterr = 0;
	optind = 0; /* starts afresh, whoever parsed before */
	while ((character = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		size_t index;

		if (character == ':')
			return misuse(table, argv[optind - 1], "needs a value");
		if (character == '?')
			return misuse(table, argv[optind - 1], "is not known, or takes no value");
		index = find_index(table, character);
		if (!is_accepted(table, index))
			return misuse(table, argv[optind - 1], "has no meaning here");
		ret->values[index] = optarg ? optarg : "yes";
	}
	ret->operands = argv + optind;
	ret->operand_count = argc - optind;
	return EXIT_DONE;
}

int options_apply(const struct option_table *table, const struct options_given *given, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct key *key = &table->entries[i].key;
		struct error err = { 0 };

		if (!given->values[i] || !key_set(key, object, given->values[i], &err))
			continue;
		message("--%s: %s; try '%s'", key->name, err.text, table->help);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static void print_entry(const struct option_entry *entry, FILE *out)
{
	const char *line = entry->help;
	int width = 0;

	if (entry->letter)
		width = fprintf(out, "  -%c, --%s", entry->letter, entry->key.name);
	else
		width = fprintf(out, "      --%s", entry->key.name);
	if (entry->value)
		width += fprintf(out, "%s%s", *entry->value == '[' ? "" : " ", entry->value);
	if (width >= COLUMN) {
		fputc('\n', out);
		width = 0;
	}
	for (;;) {
		size_t length = strcspn(line, "\n");

		fprintf(out, "%*s%.*s\n", COLUMN - width, "", (int)length, line);
		if (!line[length])
			return;
		line += length + 1;
		width = 0;
	}
}

void options_print(const struct option_table *table, FILE *out)
{
	for (size_t i = 0; i < table->count; i++) {
		if (is_accepted(table, i))
			print_entry(&table->entries[i], out);
	}
}

int options_show(const struct option_table *table, const struct option_texts *texts, bool version)
{
	if (version) {
		printf("%s " KJUMP_VERSION "\n", texts->program);
		return EXIT_DONE;
	}
	fputs(texts->usage, stdout);
	options_print(table, stdout);
	fputs(texts->exit_codes, stdout);
	return EXIT_DONE;
}
