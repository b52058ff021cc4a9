/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC32C (Castagnoli, reflected polynomial 0x82f63b78), initial value and final XOR all ones, as
 * in iSCSI (RFC 3720, appendix B.4) and ext4. For metadata; what pages hold has page_hash().
 */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC32C of SIZE bytes, going on from CRC: start with 0; crc32c(crc32c(0, a, n), b, m) is the
 * checksum of a and b one after the other.
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

/* The same without the crc32 instruction: for CPUs that lack it, and to test one by the other. */
uint32_t crc32c_table(uint32_t crc, const void *bytes, size_t size);

#endif
