/* Switches of known bugs by their name, for whoever starts a relay. */
#ifndef FANBENCH_RELAY_FANOUT_DEFECTS_H
#define FANBENCH_RELAY_FANOUT_DEFECTS_H

#include "bpf/abi/defects.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Switches the defect NAME on: with its own value when VALUE is 0 (none given).
 * The unit stands in bpf/abi/defects.h. False: there is no such defect. */
bool defects_set(struct fb_defects *defects, const char *name, uint64_t value);

/* As defects_set, from "NAME" or "NAME=VALUE", VALUE a whole number above 0. */
bool defects_set_text(struct fb_defects *defects, const char *text);

#endif
