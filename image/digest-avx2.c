/* SPDX-License-Identifier: GPL-2.0-or-later */
#define DIGEST_CODE digest_avx2
#include "image/digest-code.h"
