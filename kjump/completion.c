/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion of command lines by bash, zsh and fish.
 */
#include "kjump/completion.h"

#include <ctype.h>
#include <string.h>

#include "common/error.h"

/* What the value of an option, or an operand, is by the word that the help has for it. */
static bool is_file(const char *word)
{
	return strstr(word, "FILE") || strstr(word, "DEVICE");
}

static bool is_release(const char *word)
{
	return strstr(word, "RELEASE");
}

/* Operands that are words themselves: "create|status". */
static bool is_choice(const char *word)
{
	return islower((unsigned char)*word) && strchr(word, '|');
}

/* These words with blanks between them. */
static void print_choices(const char *words, FILE *out)
{
	for (; *words; words++)
		fputc(*words == '|' ? ' ' : *words, out);
}

static bool is_optional(const struct option_entry *entry)
{
	return entry->value && *entry->value == '[';
}

static bool takes_word(const struct option_entry *entry)
{
	return entry->value && *entry->value != '[';
}

/* TEXT between single quotes, with a backslash before each character of SPECIAL, on one line. */
static void print_quoted(const char *text, const char *special, FILE *out)
{
	for (const char *c = text; *c; c++) {
		if (*c == '\'')
			fputs("'\\''", out);
		else if (*c == '\n')
			fputc(' ', out);
		else
			fprintf(out, "%s%c", strchr(special, *c) ? "\\" : "", *c);
	}
}

#define FOR_EACH_OPTION(entry, table)                                                              \
	for (const struct option_entry *entry = (table)->entries;                                  \
	     entry < (table)->entries + (table)->count; entry++)                                   \
		if ((table)->accepts & OPTION_BIT(entry - (table)->entries))

/* --- bash ------------------------------------------------------------------------------------- */

static void bash_command(const struct command *command, FILE *out)
{
	char help[COMMAND_HELP_SIZE];
	const struct option_table table = command_options(command, help);

	fprintf(out, "    %s)\n        words='", command->name);
	FOR_EACH_OPTION(entry, &table)
	{
		fprintf(out, "--%s ", entry->key.name);
		if (is_optional(entry) && strcmp(entry->value, "[=no]") == 0)
			fprintf(out, "--%s=no ", entry->key.name);
		if (entry->letter)
			fprintf(out, "-%c ", entry->letter);
	}
	if (is_choice(command->operands))
		print_choices(command->operands, out);
	fputs("'\n        case $previous in\n", out);
	FOR_EACH_OPTION(entry, &table)
	{
		if (takes_word(entry))
			fprintf(out, "        --%s) words='' value=%s ;;\n", entry->key.name,
				is_file(entry->value) ? "file" : "none");
	}
	fprintf(out, "        esac\n        [ -n \"$value\" ] || value=%s\n        ;;\n",
		is_file(command->operands)	? "file"
		: is_release(command->operands) ? "release"
						: "none");
}

static void print_bash(const struct command *const *commands, size_t count, FILE *out)
{
	fputs("# bash completion for kjump, from the tables of its options\n"
	      "_kjump() {\n"
	      "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "    local words= value= commands='",
	      out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s ", commands[i]->name);
	fputs("help --help --version -h -V'\n"
	      "    COMPREPLY=()\n"
	      "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "        COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
	      "        return\n"
	      "    fi\n"
	      "    case ${COMP_WORDS[1]} in\n"
	      "    help) words=${commands%help --help*} ;;\n",
	      out);
	for (size_t i = 0; i < count; i++)
		bash_command(commands[i], out);
	fputs("    esac\n"
	      "    if [[ $value = none || -z $value || $current = -* ]]; then\n"
	      "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	      "    elif [ \"$value\" = release ]; then\n"
	      "        COMPREPLY=($(compgen -W \"$(ls /lib/modules 2> /dev/null)\" -- "
	      "\"$current\"))\n"
	      "    else\n"
	      "        compopt -o filenames 2> /dev/null\n"
	      "        local IFS=$'\\n'\n"
	      "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
	      "    fi\n"
	      "}\n"
	      "complete -F _kjump kjump\n",
	      out);
}

/* --- zsh -------------------------------------------------------------------------------------- */

static void zsh_option(const struct option_entry *entry, FILE *out)
{
	fputs(" \\\n            '", out);
	if (entry->letter)
		fprintf(out, "(-%c --%s)'{-%c,--%s}'", entry->letter, entry->key.name,
			entry->letter, entry->key.name);
	else
		fprintf(out, "--%s", entry->key.name);
	fputs(is_optional(entry) ? "=-" : takes_word(entry) ? "=" : "", out);
	fputc('[', out);
	print_quoted(entry->help, "[]:\\", out);
	fputc(']', out);
	if (is_optional(entry))
		fputs(strcmp(entry->value, "[=no]") ? "::list:" : "::value:(yes no)", out);
	else if (takes_word(entry))
		fprintf(out, ":%s:%s", entry->value, is_file(entry->value) ? "_files" : "");
	fputc('\'', out);
}

static void zsh_command(const struct command *command, FILE *out)
{
	char help[COMMAND_HELP_SIZE];
	const struct option_table table = command_options(command, help);

	fprintf(out, "    %s)\n        _arguments -s", command->name);
	FOR_EACH_OPTION(entry, &table)
	{
		zsh_option(entry, out);
	}
	if (is_file(command->operands))
		fputs(" \\\n            '*:file or device:_files'", out);
	else if (is_release(command->operands))
		fputs(" \\\n            '1:kernel:(/lib/modules/*(N:t))'", out);
	else if (is_choice(command->operands)) {
		fputs(" \\\n            '1:verb:(", out);
		print_choices(command->operands, out);
		fputs(")'", out);
	}
	fputs("\n        ;;\n", out);
}

static void print_zsh(const struct command *const *commands, size_t count, FILE *out)
{
	fputs("#compdef kjump\n"
	      "# zsh completion for kjump, from the tables of its options\n"
	      "_kjump() {\n"
	      "    local -a commands=(\n",
	      out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "        '%s:", commands[i]->name);
		print_quoted(commands[i]->summary, ":\\", out);
		fputs("'\n", out);
	}
	fputs("        'help:describe a command'\n"
	      "    )\n"
	      "    if (( CURRENT == 2 )); then\n"
	      "        _describe command commands\n"
	      "        compadd -- --help --version\n"
	      "        return\n"
	      "    fi\n"
	      "    local command=$words[2]\n"
	      "    shift words\n"
	      "    (( CURRENT-- ))\n"
	      "    case $command in\n"
	      "    help) _describe command commands ;;\n",
	      out);
	for (size_t i = 0; i < count; i++)
		zsh_command(commands[i], out);
	fputs("    esac\n"
	      "}\n"
	      "_kjump \"$@\"\n",
	      out);
}

/* --- fish ------------------------------------------------------------------------------------- */

static void fish_command(const struct command *command, FILE *out)
{
	char help[COMMAND_HELP_SIZE];
	const struct option_table table = command_options(command, help);

	fprintf(out, "complete -c kjump -n __fish_use_subcommand -a %s -d '", command->name);
	print_quoted(command->summary, "", out);
	fputs("'\n", out);
	FOR_EACH_OPTION(entry, &table)
	{
		fprintf(out, "complete -c kjump -n '__fish_seen_subcommand_from %s' -l %s",
			command->name, entry->key.name);
		if (entry->letter)
			fprintf(out, " -s %c", entry->letter);
		if (takes_word(entry))
			fputs(is_file(entry->value) ? " -r -F" : " -x", out);
		fputs(" -d '", out);
		print_quoted(entry->help, "", out);
		fputs("'\n", out);
	}
	if (is_file(command->operands))
		fprintf(out, "complete -c kjump -n '__fish_seen_subcommand_from %s' -F\n",
			command->name);
	else if (is_release(command->operands))
		fprintf(out,
			"complete -c kjump -n '__fish_seen_subcommand_from %s' "
			"-a '(ls /lib/modules 2> /dev/null)'\n",
			command->name);
	else if (is_choice(command->operands)) {
		fprintf(out, "complete -c kjump -n '__fish_seen_subcommand_from %s' -a '",
			command->name);
		print_choices(command->operands, out);
		fputs("'\n", out);
	}
}

static void print_fish(const struct command *const *commands, size_t count, FILE *out)
{
	fputs("# fish completion for kjump, from the tables of its options\n"
	      "complete -c kjump -f\n"
	      "complete -c kjump -n __fish_use_subcommand -s h -l help -d 'show the commands'\n"
	      "complete -c kjump -n __fish_use_subcommand -s V -l version -d 'show the version'\n"
	      "complete -c kjump -n __fish_use_subcommand -a help -d 'describe a command'\n"
	      "complete -c kjump -n '__fish_seen_subcommand_from help' -a '",
	      out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
	fputs("'\n", out);
	for (size_t i = 0; i < count; i++)
		fish_command(commands[i], out);
}

int completion_print(const struct command *const *commands, size_t count, const char *shell,
		     FILE *out)
{
	if (!strcmp(shell, "bash"))
		print_bash(commands, count, out);
	else if (!strcmp(shell, "zsh"))
		print_zsh(commands, count, out);
	else if (!strcmp(shell, "fish"))
		print_fish(commands, count, out);
	else {
		message("--completion: '%s' is neither bash nor zsh nor fish", shell);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}
