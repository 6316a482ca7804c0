/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internationalised domain names, as they come with SMTPUTF8: DNS knows them by their A-labels
 * ("xn--mnchen-3ya" for "münchen"), and asking for those is the only thing done to them here.
 */
#pragma once

#include "dns_name.h"

#include <stdbool.h>

/*
 * dns_name_fold(), for text that may also be in UTF-8: its U-labels become A-labels (RFC 8616 4, by
 * IDNA2008 and the non-transitional mapping of UTS 46, so that "Ü" is "ü", and "ß" is not "ss").
 * False, and name empty, also when it cannot be converted: no UTF-8, a character that no domain may
 * have, a label or a name that gets too long.
 */
bool idn_fold(struct span text, char name[static DNS_NAME_SIZE]);
