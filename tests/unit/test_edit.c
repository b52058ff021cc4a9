/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One word put into the files of others, and taken out again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kjump/setup/edit.h"

#define WORD "rd.kjump.resume=UUID=1-2"

/* EDIT makes AFTER of BEFORE, nothing more of that, and BEFORE of it again. */
static void turns(const struct edit *edit, const char *word, const char *before, const char *after)
{
	struct error err = { 0 };
	char *text, *again;

	if (edit->apply(before, word, true, &text, &err))
		fail_msg("'%s': %s", before, err.text);
	assert_string_equal(text, after);
	assert_int_equal(edit->apply(text, word, true, &again, &err), 0);
	assert_string_equal(again, after);
	free(again);
	assert_int_equal(edit->apply(text, word, false, &again, &err), 0);
	assert_string_equal(again, before);
	free(again);
	free(text);
}

/* The same for what cannot be put back: it was another word, or unquoted. */
static void becomes(const struct edit *edit, const char *word, bool add, const char *before,
		    const char *after)
{
	struct error err = { 0 };
	char *text;

	if (edit->apply(before, word, add, &text, &err))
		fail_msg("'%s': %s", before, err.text);
	assert_string_equal(text, after);
	free(text);
}

static void refuses(const struct edit *edit, const char *word, const char *text, const char *why)
{
	struct error err = { 0 };
	char *ret = NULL;

	if (edit->apply(text, word, true, &ret, &err) != -EINVAL)
		fail_msg("'%s' becomes '%s'", text, ret);
	if (!strstr(err.text, why))
		fail_msg("'%s': no '%s'", err.text, why);
}

static void test_grub(void **state)
{
	(void)state;
	turns(&edit_grub, WORD, "A=1\nGRUB_CMDLINE_LINUX=\"quiet\"\nB=2\n",
	      "A=1\nGRUB_CMDLINE_LINUX=\"quiet " WORD "\"\nB=2\n");
	turns(&edit_grub, WORD, "GRUB_CMDLINE_LINUX=\"\"\n", "GRUB_CMDLINE_LINUX=\"" WORD "\"\n");
	turns(&edit_grub, WORD, "GRUB_CMDLINE_LINUX='a b'  # why\n",
	      "GRUB_CMDLINE_LINUX='a b " WORD "'  # why\n");
	turns(&edit_grub, WORD, "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX x\"\n",
	      "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX x " WORD "\"\n");
	turns(&edit_grub, WORD, "GRUB_CMDLINE_LINUX=\"a dyndbg=\\\"x -- y\\\" -- init\"",
	      "GRUB_CMDLINE_LINUX=\"a dyndbg=\\\"x -- y\\\" " WORD " -- init\"");
	/* The last one counts; others, comments and uses are none. */
	turns(&edit_grub, WORD,
	      "# GRUB_CMDLINE_LINUX=$(odd)\nGRUB_CMDLINE_LINUX_DEFAULT=`x`\nGRUB_CMDLINE_LINUX=a\n"
	      "GRUB_CMDLINE_LINUX=\"b\"\nX=$GRUB_CMDLINE_LINUX\n",
	      "# GRUB_CMDLINE_LINUX=$(odd)\nGRUB_CMDLINE_LINUX_DEFAULT=`x`\nGRUB_CMDLINE_LINUX=a\n"
	      "GRUB_CMDLINE_LINUX=\"b " WORD "\"\nX=$GRUB_CMDLINE_LINUX\n");
	becomes(&edit_grub, WORD, true, "GRUB_CMDLINE_LINUX=quiet # x\n",
		"GRUB_CMDLINE_LINUX=\"quiet " WORD "\" # x\n");
	becomes(&edit_grub, WORD, true, "GRUB_CMDLINE_LINUX=\n",
		"GRUB_CMDLINE_LINUX=\"" WORD "\"\n");
	becomes(&edit_grub, WORD, true, "X=1", "X=1\nGRUB_CMDLINE_LINUX=\"" WORD "\"\n");
	becomes(&edit_grub, WORD, true,
		"GRUB_CMDLINE_LINUX=\"rd.kjump.resume=/dev/x a rd.kjump.resume=/dev/y\"\n",
		"GRUB_CMDLINE_LINUX=\"" WORD " a\"\n");
	becomes(&edit_grub, WORD, false, "GRUB_CMDLINE_LINUX=\"rd.kjump.resume=UUID=1-23\"\n",
		"GRUB_CMDLINE_LINUX=\"rd.kjump.resume=UUID=1-23\"\n");
	becomes(&edit_grub, WORD, false, "GRUB_CMDLINE_LINUX=\"" WORD " a\"\n",
		"GRUB_CMDLINE_LINUX=\"a\"\n");
}

static void test_grub_that_takes_a_shell(void **state)
{
	static const char *const texts[] = {
		"GRUB_CMDLINE_LINUX=\"a $(cat /x)\"\n",
		"GRUB_CMDLINE_LINUX=\"a `cat /x`\"\n",
		"GRUB_CMDLINE_LINUX=\"a\n b\"\n",
		"GRUB_CMDLINE_LINUX=\"a\"'b'\n",
		"GRUB_CMDLINE_LINUX=\"a\"b\n",
		"GRUB_CMDLINE_LINUX=\"a\\\n",
		"GRUB_CMDLINE_LINUX=\"a\"; x\n",
		"GRUB_CMDLINE_LINUX=$x\n",
		"GRUB_CMDLINE_LINUX+=\" a\"\n",
		"if x; then\n  GRUB_CMDLINE_LINUX=\"a\"\nfi\n",
		"export GRUB_CMDLINE_LINUX=\"a\"\n",
		"[ x ] && GRUB_CMDLINE_LINUX=\"a\"\n",
		"GRUB_CMDLINE_LINUX=\"a\"\r\n",
		"GRUB_CMDLINE_LINUX=\"a\"\n: ${GRUB_CMDLINE_LINUX:=b} GRUB_CMDLINE_LINUX=c\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		refuses(&edit_grub, WORD, texts[i], "takes a shell");
	refuses(&edit_grub, WORD, "#\nA=1\nGRUB_CMDLINE_LINUX=$x\n", "line 3:");
}

static void test_entry(void **state)
{
	(void)state;
	turns(&edit_entry, WORD, "title x\noptions root=a ro\nlinux /x\n",
	      "title x\noptions root=a ro " WORD "\nlinux /x\n");
	turns(&edit_entry, WORD, "options    root=a $tuned_params  \r\nlinux /x\r\n",
	      "options    root=a $tuned_params " WORD "  \r\nlinux /x\r\n");
	turns(&edit_entry, WORD, "options a\noptions b", "options a\noptions b " WORD);
	turns(&edit_entry, WORD, "options x=\"a -- b\" -- c\n",
	      "options x=\"a -- b\" " WORD " -- c\n");
	becomes(&edit_entry, WORD, true, "linux /x", "linux /x\noptions " WORD "\n");
	becomes(&edit_entry, WORD, true, "options\nlinux /x\n", "options " WORD "\nlinux /x\n");
	becomes(&edit_entry, WORD, true, "options rd.kjump.resume=x\noptions b\n",
		"options " WORD "\noptions b\n");
	refuses(&edit_entry, WORD, "options $kernelopts x\n", "grubby");
}

static void test_cmdline(void **state)
{
	(void)state;
	turns(&edit_cmdline, WORD, "root=a ro\n", "root=a ro " WORD "\n");
	turns(&edit_cmdline, WORD, "root=a ro", "root=a ro " WORD);
	turns(&edit_cmdline, WORD, "# here\nroot=a\nro\n# end\n\n",
	      "# here\nroot=a\nro " WORD "\n# end\n\n");
	becomes(&edit_cmdline, WORD, true, "", WORD "\n");
	becomes(&edit_cmdline, WORD, true, "rd.kjump.resume=x\nro\n", WORD "\nro\n");
}

static void test_target(void **state)
{
	(void)state;
	turns(&edit_target, "UUID=1", "a = b\n", "a = b\ntarget = UUID=1\n");
	turns(&edit_target, "UUID=1", "# x\n#target = UUID=\n\n#level = 1\n",
	      "# x\n#target = UUID=\ntarget = UUID=1\n\n#level = 1\n");
	turns(&edit_target, "UUID=1", "", "target = UUID=1\n");
	becomes(&edit_target, "UUID=1", true, "target=UUID=2\nlevel = 1\n",
		"target = UUID=1\nlevel = 1\n");
	becomes(&edit_target, "UUID=1", true, " target =  UUID=1 \n", " target =  UUID=1 \n");
	becomes(&edit_target, "UUID=1", true, "x = 1", "x = 1\ntarget = UUID=1\n");
	becomes(&edit_target, "UUID=1", false, "target = UUID=2\n", "target = UUID=2\n");
	becomes(&edit_target, "UUID=1", false, "targets = UUID=1\n", "targets = UUID=1\n");
}

static void test_hooks(void **state)
{
	(void)state;
	turns(&edit_hooks, "kjump", "A=()\n# HOOKS=(x)\nHOOKS=(base block filesystems fsck) # y\n",
	      "A=()\n# HOOKS=(x)\nHOOKS=(base block kjump filesystems fsck) # y\n");
	becomes(&edit_hooks, "kjump", true, "HOOKS=(kjump base)\n", "HOOKS=(kjump base)\n");
	refuses(&edit_hooks, "kjump", "HOOKS=(base)\n", "filesystems");
	refuses(&edit_hooks, "kjump", "HOOKS=(base\n filesystems)\n", "takes a shell");
	refuses(&edit_hooks, "kjump", "HOOKS=\"base filesystems\"\n", "takes a shell");
	refuses(&edit_hooks, "kjump", "HOOKS=(base filesystems)\nHOOKS+=(x)\n", "line 2");
	refuses(&edit_hooks, "kjump", "HOOKS=(base $x filesystems)\n", "plain words");
	refuses(&edit_hooks, "kjump", "MODULES=()\n", "no HOOKS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grub),   cmocka_unit_test(test_grub_that_takes_a_shell),
		cmocka_unit_test(test_entry),  cmocka_unit_test(test_cmdline),
		cmocka_unit_test(test_target), cmocka_unit_test(test_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
