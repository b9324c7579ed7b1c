#include "bench/explain/finding.h"

#include <stdlib.h>
#include <string.h>

/* Packets shown in front of the one that a finding is about, and behind it. */
enum { BEFORE = 2, BEHIND = 1 };

static bool is_capture(const char *file) {
  const size_t len = strlen(file), end = strlen(".pcapng");
  return len > end && strcmp(file + len - end, ".pcapng") == 0;
}

static const char *text_of(const json_t *row, const char *key) {
  const char *text = json_string_value(json_object_get(row, key));
  return text ? text : "";
}

static long long number_of(const json_t *row, const char *key) {
  return json_integer_value(json_object_get(row, key));
}

static void put_row(struct page *page, const json_t *row, uint64_t marked) {
  char number[48] = "number unknown";
  const json_t *width = json_object_get(row, "number_length");
  if (width)
    snprintf(number, sizeof number, "number %lld in %lld byte%s", number_of(row, "number"),
             number_of(row, "number_length"), number_of(row, "number_length") == 1 ? "" : "s");
  page_line(page, 12, "  %c %4lld  %s %s, %s, %lld B: %s",
            (uint64_t)number_of(row, "frame") == marked ? '>' : ' ', number_of(row, "frame"),
            text_of(row, "from"), text_of(row, "type"), number, number_of(row, "bytes"),
            text_of(row, "frames"));
}

static void put_rows(struct page *page, const struct trial *trial, bool on, const char *file,
                     uint64_t first, uint64_t last, uint64_t marked) {
  json_t *rows = trial_rows(trial, on, file, first, last), *row;
  size_t i;
  json_array_foreach(rows, i, row) put_row(page, row, marked);
  if (json_array_size(rows) == 0)
    page_line(page, 4, "    (no such packet)");
  json_decref(rows);
}

/* A packet that a sentence names: "frame 12", "capture/relay-pub.pcapng frame 13". */
static void put_named(struct page *page, const struct trial *trial, const char *file,
                      uint64_t place, const char *sentence) {
  const char *word = strstr(sentence, "frame ");
  char *end, other[128];
  const uint64_t frame = word ? strtoull(word + strlen("frame "), &end, 10) : 0;
  if (frame == 0 || end == word + strlen("frame "))
    return;
  snprintf(other, sizeof other, "%s", file);
  const char *capture = strstr(sentence, "capture/");
  if (capture && capture < word)
    snprintf(other, sizeof other, "%.*s", (int)strcspn(capture, " :"), capture);
  if (strcmp(other, file) == 0 && frame + BEFORE >= place && frame <= place + BEHIND)
    return; /* it is among those around */
  page_line(page, 4, "  frame %llu of %s is", (unsigned long long)frame, other);
  put_rows(page, trial, true, other, frame, frame, 0);
}

static void put_around(struct page *page, const struct trial *trial, bool on,
                       const struct judge_finding *f) {
  if (f->frame == 0)
    return;
  if (is_capture(f->file)) {
    const uint64_t first = f->frame > BEFORE ? f->frame - BEFORE : 1;
    put_rows(page, trial, on, f->file, first, f->frame + BEHIND, f->frame);
    return;
  }
  char *line = trial_line(trial, on, f->file, f->frame);
  page_line(page, 12, "  > %4llu  %s", (unsigned long long)f->frame,
            line ? line : "(no such line)");
  free(line);
}

void finding_put(struct page *page, const struct trial *trial, const struct judge_finding *f) {
  if (f->frame)
    page_line(page, 4, "%s:%llu  %s %s", f->file, (unsigned long long)f->frame, f->layer, f->field);
  else
    page_line(page, 4, "%s  %s %s", f->file, f->layer, f->field);
  page_line(page, 12, "  expected  %s", f->expected);
  page_line(page, 12, "  actual    %s", f->actual);
  page_line(page, 12, "  because   %s", f->explain);
  put_named(page, trial, f->file, f->frame, f->actual);
  put_named(page, trial, f->file, f->frame, f->explain);
  put_around(page, trial, true, f);
}

void finding_put_without(struct page *page, const struct trial *trial,
                         const struct judge_finding *f) {
  if (!f->frame)
    return;
  page_line(page, 4, "%s:%llu", f->file, (unsigned long long)f->frame);
  put_around(page, trial, false, f);
}
