/* SPDX-License-Identifier: GPL-2.0-or-later */
#define DIGEST_CODE digest_scalar
#include "image/digest-code.h"
