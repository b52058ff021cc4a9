/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines: one table says what the options of a program are, what they set, and what the
 * help says of them.
 */
#ifndef TEXT_OPTIONS_H
#define TEXT_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "text/keys.h"

#define OPTIONS_MAX 64

struct option_entry {
	struct key key;	   /* the long name, and the field that the option sets */
	char letter;	   /* the short name, or 0 */
	const char *value; /* "FILE"; NULL: takes none, and sets "yes"; "[=no]": may take one */
	const char *help;  /* lines, with '\n' between them */
};

/* A program, or a command of one. */
struct option_table {
	const struct option_entry *entries; /* at most OPTIONS_MAX */
	size_t count;
	unsigned long long accepts; /* bit N: entry N has a meaning here */
	const char *help;	    /* what to type for the help: "kjump help load" */
};

/* What was given: the last value of each entry, or NULL; then the other words. */
struct options_given {
	const char *values[OPTIONS_MAX];
	char **operands;
	int operand_count;
};

#define OPTION_BIT(index) (1ULL << (index))

/*
 * Take ARGV apart, ARGV[0] being the program's or the command's name. Nothing is set yet. Returns
 * EXIT_DONE, or EXIT_USAGE after a message. Not to be called by two threads (getopt).
 */
int options_collect(const struct option_table *table, int argc, char **argv,
		    struct options_given *ret);

/*
 * Set the fields of OBJECT from what was given. Returns EXIT_DONE, or EXIT_USAGE after a message.
 */
int options_apply(const struct option_table *table, const struct options_given *given,
		  void *object);

/* Say that TEXT and OBJECT (which may be "") are wrong, and what to type. Returns EXIT_USAGE. */
int options_misuse(const struct option_table *table, const char *text, const char *object);

/* The lines of the help about the options of TABLE. */
void options_print(const struct option_table *table, FILE *out);

/* What a program prints to be looked at, besides its options. */
struct option_texts {
	const char *program;
	const char *usage;	/* what comes before the options */
	const char *exit_codes; /* what comes behind them */
};

/* --version, or else --help. Returns EXIT_DONE. */
int options_show(const struct option_table *table, const struct option_texts *texts, bool version);

#endif
