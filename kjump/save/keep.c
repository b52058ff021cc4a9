/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel B out of a file may fail in ways that one which boots does not. So it gets one try, of
 * which a marker on the disk tells should nobody come back, and its file stays only if it answers.
 */
#include "kjump/save/keep.h"

#include <errno.h>
#include <stdio.h>

#include "kjump/load/again.h"
#include "kjump/load/state.h"
#include "kjump/paths.h"
#include "text/human.h"

static bool is_on_trial(const struct loader *loader)
{
	return loader->state.from_file && !loader->state.proven;
}

int keep_begin(const struct config *config, struct loader *loader, struct error *err)
{
	struct config booting = *config;
	int ret = loader_ensure(config, loader, err);

	if (ret || !is_on_trial(loader) || !again_mark(err))
		return ret;
	message("%s; kernel B is not taken from %s but booted", err->text, PATH_KEPT);
	again_unmark();
	loader_close(loader);
	booting.always_boot = true;
	ret = loader_drop(err);
	return ret ? ret : loader_ensure(&booting, loader, err);
}

static bool is_answer(const struct outcome *outcome)
{
	switch (outcome->result) {
	case RESULT_SAVED:
	case RESULT_ABORTED:
	case RESULT_RESTORED:
	case RESULT_DRY_RUN:
		return !(outcome->flags & OUTCOME_WRITER_DIED);
	default:
		return false;
	}
}

int keep_end(struct loader *loader, int ret, const struct outcome *outcome, struct error *err)
{
	struct error ignored;

	if (!is_on_trial(loader))
		return ret;
	if (ret && ret != -ESTALE) {
		/* It was not entered. */
		again_unmark();
		return ret;
	}
	if (ret || !is_answer(outcome)) {
		if (!ret)
			error_set(err, ESTALE, "kernel B out of %s: %s", PATH_KEPT,
				  *outcome->message ? outcome->message : "no answer");
		again_discard();
		return -ESTALE;
	}
	again_unmark();
	loader->state.proven = true;
	/* After a restore what is loaded is another thing, and dropped. */
	if (outcome->result != RESULT_RESTORED)
		state_write(PATH_STATE, &loader->state, &ignored);
	return 0;
}

void keep_file(const struct config *config, const struct outcome *outcome, bool quiet)
{
	struct error err = { 0 };
	char text[HUMAN_SIZE];
	struct state state;
	uint64_t size;

	if (config->always_boot || outcome->flags & OUTCOME_B_GONE || !is_answer(outcome) ||
	    outcome->result == RESULT_RESTORED || state_read(PATH_STATE, &state, &err) ||
	    state.from_file || state.kept)
		return;
	if (again_keep(&state, &size, &err))
		message("%s; the next system that kernel B is loaded in has to boot it", err.text);
	else if (!quiet)
		printf("kernel B kept in %s, %s: it need not boot again\n", PATH_KEPT,
		       human_bytes(size, text));
	/* Once for each kernel B that boots: what stands against it will the next time, too. */
	state.kept = true;
	if (state_write(PATH_STATE, &state, &err))
		message("%s", err.text);
}
