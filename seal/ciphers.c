/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/ciphers.h"

const struct ciphers *ciphers_best(void)
{
#if CIPHERS_GCRYPT
	if (ciphers_gcrypt.usable())
		return &ciphers_gcrypt;
#endif
	return &ciphers_sodium;
}
