/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Fuzzes whole xl streams, header first.
 */
#include "fuzz_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_stream(data, size, SR_FORWARD, WIRE_XL);
}
