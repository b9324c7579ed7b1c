/* The text of one value -> a number in the plan's units, and back.
 *
 * A parser returns NULL and sets its results, or returns what it expected
 * ("a time such as 250ms") and leaves them alone. Decimals are exact: a value
 * that is no whole number of the plan's unit is refused. */
#ifndef FANBENCH_SCENARIO_UNIT_H
#define FANBENCH_SCENARIO_UNIT_H

#include <stdint.h>

/* ns us ms s min h; "0" alone. */
const char *plan_unit_time(const char *text, uint64_t *ns);
/* bit kbit mbit gbit, powers of 1,000; "0" alone. */
const char *plan_unit_rate(const char *text, uint64_t *bps);
/* B kB MB GB KiB MiB GiB; a number alone is bytes. */
const char *plan_unit_size(const char *text, uint64_t *bytes);
/* 0% to 100%, at most four decimals; "0" alone. Parts per million. */
const char *plan_unit_share(const char *text, uint32_t *ppm);
/* Decimal digits. */
const char *plan_unit_count(const char *text, uint64_t *count);
/* "N" (lo = hi) or "A..B", each read by `one`; A above B is refused. */
const char *plan_unit_range(const char *text, const char *(*one)(const char *, uint64_t *),
                            uint64_t *lo, uint64_t *hi);

/* The shortest spelling with a whole number that reads back as the same value. */
struct plan_unit_text {
  char text[32];
};
struct plan_unit_text plan_unit_time_text(uint64_t ns);
struct plan_unit_text plan_unit_rate_text(uint64_t bps);
struct plan_unit_text plan_unit_size_text(uint64_t bytes);
struct plan_unit_text plan_unit_share_text(uint32_t ppm);

#endif
