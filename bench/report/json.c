#include "bench/report/json.h"

#include <inttypes.h>

#include "bench/report/text.h"

static void new_line(struct report_json *json) {
  fprintf(json->to, "\n%*s", (int)(2 * json->depth), "");
}

static void begin_value(struct report_json *json, const char *key) {
  if (json->more)
    fputc(',', json->to);
  if (json->depth)
    new_line(json);
  json->more = true;
  if (key) {
    report_text_json(json->to, key);
    fputs(": ", json->to);
  }
}

static void open_with(struct report_json *json, const char *key, char bracket) {
  begin_value(json, key);
  fputc(bracket, json->to);
  json->depth++;
  json->more = false;
}

static void close_with(struct report_json *json, char bracket) {
  json->depth--;
  if (json->more)
    new_line(json);
  fputc(bracket, json->to);
  json->more = true;
  if (!json->depth)
    fputc('\n', json->to);
}

void report_json_object(struct report_json *json, const char *key) {
  open_with(json, key, '{');
}

void report_json_object_end(struct report_json *json) {
  close_with(json, '}');
}

void report_json_array(struct report_json *json, const char *key) {
  open_with(json, key, '[');
}

void report_json_array_end(struct report_json *json) {
  close_with(json, ']');
}

void report_json_text(struct report_json *json, const char *key, const char *text) {
  if (!text) {
    report_json_null(json, key);
    return;
  }
  begin_value(json, key);
  report_text_json(json->to, text);
}

void report_json_count(struct report_json *json, const char *key, uint64_t n) {
  begin_value(json, key);
  fprintf(json->to, "%" PRIu64, n);
}

void report_json_share(struct report_json *json, const char *key, uint32_t ppm) {
  char buf[REPORT_TEXT_NUMBER];
  begin_value(json, key);
  fputs(report_text_share(buf, ppm), json->to);
}

void report_json_bool(struct report_json *json, const char *key, bool yes) {
  begin_value(json, key);
  fputs(yes ? "true" : "false", json->to);
}

void report_json_null(struct report_json *json, const char *key) {
  begin_value(json, key);
  fputs("null", json->to);
}
