/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Fuzzes the back channel.
 */
#include "fuzz_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_stream(data, size, SR_BACK, WIRE_LIBXL);
}
