/* Writes one JSON document, indented, members in the order of the calls.
 *
 * Why not jansson's writer: shares need a fixed number of digits and counters
 * all 64 bits; it has neither. Reading is jansson's.
 *
 * key is the member's name inside an object and NULL inside an array and at
 * the top. Nothing is checked: calls must nest. Errors stay in the FILE
 * (ferror). */
#ifndef FANBENCH_REPORT_JSON_H
#define FANBENCH_REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report_json {
  FILE *to;
  unsigned depth;
  bool more; /* the open object or array has a member already */
};

void report_json_object(struct report_json *json, const char *key);
void report_json_object_end(struct report_json *json);
void report_json_array(struct report_json *json, const char *key);
void report_json_array_end(struct report_json *json);
/* NULL writes null. */
void report_json_text(struct report_json *json, const char *key, const char *text);
void report_json_count(struct report_json *json, const char *key, uint64_t n);
/* Parts per million as 0.000000 to 1.000000. */
void report_json_share(struct report_json *json, const char *key, uint32_t ppm);
void report_json_bool(struct report_json *json, const char *key, bool yes);
void report_json_null(struct report_json *json, const char *key);

#endif
