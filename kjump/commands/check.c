/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump check: would hibernation work on this machine, and if not, why.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kjump/check/preflight.h"
#include "kjump/options.h"
#include "kjump/paths.h"
#include "text/json.h"

/* The advice speaks of the settings by the name that their file has of itself. */
static const char *name_settings(const char *advice, const char *path, char *text, size_t size)
{
	const char *name = advice ? strstr(advice, PATH_CONFIG) : NULL;

	if (!name)
		return advice;
	snprintf(text, size, "%.*s%s%s", (int)(name - advice), advice, path,
		 name + strlen(PATH_CONFIG));
	return text;
}

static void print_line(const struct preflight_check *check, int result, const char *text,
		       const char *advice, bool colored)
{
	printf("%s%-8s%s %s%s%s\n", color_begin(colored, preflight_result_color(result)),
	       preflight_result_name(result), color_end(colored), check->name, *text ? ": " : "",
	       text);
	if (result < 0)
		printf("         -> %s\n", advice);
}

static void print_json(struct json *json, const struct preflight_check *check, int result,
		       const char *text, const char *advice)
{
	const char *state = preflight_result_name(result);

	if (result >= 0)
		advice = "";

	json_begin(json, check->name);
	json_text(json, "state", state, strlen(state));
	json_text(json, "text", text, strlen(text));
	json_text(json, "advice", advice, strlen(advice));
	json_end(json);
}

static int run(const struct options *options)
{
	struct preflight preflight = { .config = &options->config,
				       .operation = OP_HIBERNATE,
				       .root = "" };
	struct json json = { .out = stdout };
	const bool colored = color_wanted(options->color, stdout);
	int status = EXIT_DONE;
	char text[1024];

	if (options->json)
		json_begin(&json, NULL);
	for (const struct preflight_check *check = preflight_checks; check->name; check++) {
		struct error note = { 0 };
		int result = preflight_check(check, &preflight, &note);
		const char *advice =
			name_settings(preflight.advice, options->config.path, text, sizeof(text));

		if (result < 0)
			status = EXIT_FAILED;
		if (options->json)
			print_json(&json, check, result, note.text, advice);
		else if (!options->quiet || result)
			print_line(check, result, note.text, advice, colored);
	}
	if (options->json)
		json_end(&json);
	if (geteuid() != 0) {
		message("only root may look at everything; run it as root");
		status = EXIT_FAILED;
	}
	return status;
}

const struct command cmd_check = {
	.name = "check",
	.summary = "say whether hibernation would work here, and if not, why",
	.operands = "",
	.about = "Check everything that hibernation needs, one line each: ok, warning, problem\n"
		 "with what to do, or unknown when it could not be looked at.\n"
		 "Changes nothing, but has the jump module loaded where there is one. The exit\n"
		 "code is 0 when there is no problem.",
	.accepts = TAKES_LOAD | TAKES(TARGET) | TAKES(ALLOW_PLAINTEXT) | TAKES(ALLOW_UNWATCHED) |
		   TAKES(SEAL) | TAKES(COLOR) | TAKES(JSON),
	.run = run,
};
