/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Internal to stream/: what the small bodies may hold, as rules. One check
 * for the validator and the decoders. Lengths are checked before, with
 * sr_length_fits(): the sizes in the comments are contracts.
 */
#ifndef XC_STREAM_CHECK_H
#define XC_STREAM_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "rules.h"

/* May a body of @length octets be one of @info's records? */
bool sr_length_fits(const struct wire_record_info *info, size_t length);

/* Each returns the first rule that @body breaks, or SR_RULE_NONE. */
enum sr_rule sr_check_state(const uint8_t *body, uint32_t length); /* 4, 8 */
enum sr_rule sr_check_release(const uint8_t *body);           /* 8 octets */
enum sr_rule sr_check_hello(const uint8_t *body);             /* 16 */
enum sr_rule sr_check_pause_reason(const uint8_t *body);      /* 8 */
enum sr_rule sr_check_peer_info(const uint8_t *body);         /* 72 */
/* The first 8 of 8 + 8 n octets; the pfns aren't looked at. */
enum sr_rule sr_check_zero_pages(const uint8_t *head, uint32_t length);
enum sr_rule sr_check_frame(const uint8_t *head);    /* the first 8 octets */
enum sr_rule sr_check_tsc_info(const uint8_t *body);          /* 24 */
enum sr_rule sr_check_pv_info(const uint8_t *body);           /* 8 */
/* 8 + 16 n octets, n <= WIRE_HVM_PARAMS_NR */
enum sr_rule sr_check_hvm_params(const uint8_t *body, uint32_t length);

#endif
