/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody has to know who looks for a fault in another one's machine, in one text, without
 * what tells whose it is (redact.h).
 */
#ifndef KJUMP_REPORT_REPORT_H
#define KJUMP_REPORT_REPORT_H

#include "common/error.h"
#include "kjump/report/part.h"

/*
 * Write all of it to report->out. What cannot be read is said there, with the reason. ENOMEM, or
 * EIO when OUT takes no more.
 */
int report_write(struct report *report, struct error *err);

/* Learn what names this machine, its disks and its people. ENOMEM. */
int secrets_learn(struct report *report, struct error *err);

/* The parts, by what they are about. */
void report_system(struct report *report);
void report_memory(struct report *report);
void report_disks(struct report *report);
void report_devices(struct report *report);
void report_modules(struct report *report);
void report_journal(struct report *report);
void report_kernel_log(struct report *report);

#endif
