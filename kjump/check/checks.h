/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks that the table in preflight.c is made of, by subject.
 */
#ifndef KJUMP_CHECK_CHECKS_H
#define KJUMP_CHECK_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

#include "kjump/check/preflight.h"
#include "kjump/watch/resolve.h"

/* PATH in what the preflight looks at. Returns TEXT. */
char *check_path(const struct preflight *preflight, const char *path, char *text, size_t size);
#define CHECK_PATH_SIZE 512

/*
 * What to do about a problem with CODE (positive errno value) where that is not what the table
 * says; NULL where it is.
 */
const char *target_advice(int code);
const char *home_advice(int code);

/* What depends on a target that there is not. */
int check_unknown(struct error *note);

/* WHAT would have to be looked at, and only root may. Returns PREFLIGHT_UNKNOWN. */
int check_closed(struct error *note, const char *what);

/* jump.c: what this kernel and the next one jump by */
int check_permitted(struct preflight *preflight, struct error *note);
int check_jump(struct preflight *preflight, struct error *note);
int check_next_kernel(struct preflight *preflight, struct error *note);

/* kernel.c: the running kernel */
int check_hibernation(struct preflight *preflight, struct error *note);
int check_live_update(struct preflight *preflight, struct error *note);
int check_cpu0(struct preflight *preflight, struct error *note);

/* left.c: what a save switched off that was killed */
int check_left(struct preflight *preflight, struct error *note);

/* Is there a LEDGER (kjump/save/ledger.h) whose process, as PROC has it, is no more? */
bool check_is_left(const char *ledger, const char *proc);

/* suspended.c: devices that hold back what is read; comes before all that reads */
int check_suspended(struct preflight *preflight, struct error *note);

/* drivers.c: devices that have to sleep and to wake up */
int check_drivers(struct preflight *preflight, struct error *note);
int check_asleep(struct preflight *preflight, struct error *note);
int check_iommu(struct preflight *preflight, struct error *note);

/*
 * Does free page reporting stop when kernel threads freeze, in the kernel that /proc/version says
 * VERSION of?
 */
bool check_reporting_freezes(const char *version);

/* memory.c: RAM */
int check_virtio_mem(struct preflight *preflight, struct error *note);
int check_untouchable(struct preflight *preflight, struct error *note);
int check_added_memory(struct preflight *preflight, struct error *note);
int check_home(struct preflight *preflight, struct error *note);
int check_room(struct preflight *preflight, struct error *note);

/* processor.c: the processor, and what it does with memory */
int check_encrypted_memory(struct preflight *preflight, struct error *note);
int check_fred(struct preflight *preflight, struct error *note);

/* inhibitors.c: who does not want the system to sleep */
int check_inhibitors(struct preflight *preflight, struct error *note);

/* writer.c: kernel B's initramfs */
int check_writer(struct preflight *preflight, struct error *note);

/* target.c: where the image goes */
int check_target(struct preflight *preflight, struct error *note);
int check_waiting(struct preflight *preflight, struct error *note);
int check_activation(struct preflight *preflight, struct error *note);
int check_layers(struct preflight *preflight, struct error *note);
int check_size(struct preflight *preflight, struct error *note);
int check_plaintext(struct preflight *preflight, struct error *note);

/* sealed.c: the key, and what opens it at the next boot */
int check_sealed(struct preflight *preflight, struct error *note);
int check_unlocked(struct preflight *preflight, struct error *note);

/* watched.c: whether changes of disks while the system is away will be noticed */
int check_watched(struct preflight *preflight, struct error *note);

/* What to do about the doubt that counts in LIST, when that is not USUAL: nobody unmounts the root.
 */
const char *check_watched_advice(const struct watch_list *list, const char *usual);

/* boot.c: what the next boot needs to restore it */
int check_parameter(struct preflight *preflight, struct error *note);
int check_hook(struct preflight *preflight, struct error *note);

#endif
