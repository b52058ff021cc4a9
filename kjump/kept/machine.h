/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine that kernel B has found when it booted, as far as its memory knows it. */
#ifndef KJUMP_KEPT_MACHINE_H
#define KJUMP_KEPT_MACHINE_H

#include "common/error.h"
#include "image/format.h"

/*
 * acpi, pci and disks of *RET from SYS (/sys): the ACPI tables but the one that the firmware writes
 * to, all PCI functions with their BARs, and all disks that are not at a USB with their partitions.
 * No disk is opened.
 */
int kept_machine_read(const char *sys, struct kept_identity *ret, struct error *err);

/* What differs, in words that follow "since it was made: "; NULL when nothing does. */
const char *kept_difference(const struct kept_identity *then, const struct kept_identity *now);

#endif
