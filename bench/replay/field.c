#include "bench/replay/field.h"

#include <stdio.h>

#include "relay/fanout/journal.h"

struct field {
  size_t at, each, n; /* n elements of `each` bytes; n = 1: no index */
  const char *name;
};
#define FIELD(type, member)                                                                        \
  { offsetof(struct type, member), sizeof(((struct type *)0)->member), 1, #member }
#define FIELDS(type, member, count)                                                                \
  { offsetof(struct type, member), sizeof(((struct type *)0)->member) / (count), count, #member }
#define END                                                                                        \
  { 0, 0, 0, NULL }

static const struct field counters[] = {
    FIELD(fb_counters, next_pn),     FIELD(fb_counters, next_stream),
    FIELD(fb_counters, data_used),   FIELD(fb_counters, sent_bytes),
    FIELD(fb_counters, hold),        FIELD(fb_counters, own_pn),
    FIELD(fb_counters, pn_limit),    FIELD(fb_counters, max_data),
    FIELD(fb_counters, max_streams), FIELD(fb_counters, credit),
    FIELD(fb_counters, oldest_ns),   FIELDS(fb_counters, decisions, 32),
    FIELD(fb_counters, copies),      FIELD(fb_counters, emit_failed),
    FIELD(fb_counters, ks_ready),    FIELD(fb_counters, ks_computed),
    FIELD(fb_counters, ks_raced),    END};
static const struct field upstream_state[] = {FIELD(fb_upstream_state, expected),
                                              FIELD(fb_upstream_state, ks_ready),
                                              FIELD(fb_upstream_state, ks_computed),
                                              FIELD(fb_upstream_state, ks_raced),
                                              FIELDS(fb_upstream_state, window, FB_WINDOW_WORDS),
                                              END};
static const struct field track_state[] = {FIELD(fb_track_state, newest_group), END};
static const struct field downs[] = {FIELD(fb_down, id), FIELD(fb_down, charged),
                                     FIELD(fb_down, limit), END};
static const struct field objects[] = {FIELD(fb_object, end), FIELD(fb_object, since_ns), END};
static const struct field streams[] = {FIELD(fb_stream, upstream),
                                       FIELD(fb_stream, upstream_gen),
                                       FIELD(fb_stream, claim),
                                       FIELD(fb_stream, ordinal),
                                       FIELD(fb_stream, frontier),
                                       FIELD(fb_stream, group),
                                       FIELD(fb_stream, subgroup),
                                       FIELD(fb_stream, track),
                                       FIELD(fb_stream, out_alias),
                                       FIELD(fb_stream, header_len),
                                       FIELD(fb_stream, priority),
                                       FIELD(fb_stream, used),
                                       FIELD(fb_stream, slow),
                                       FIELDS(fb_stream, past_gen, FB_MAX_UPSTREAMS),
                                       FIELDS(fb_stream, past_next, FB_MAX_UPSTREAMS),
                                       END};
static const struct field record[] = {FIELD(fb_record, magic),
                                      FIELD(fb_record, cpu),
                                      FIELD(fb_record, upstream),
                                      FIELD(fb_record, upstream_gen),
                                      FIELD(fb_record, pn),
                                      FIELD(fb_record, time_ns),
                                      FIELD(fb_record, payload_len),
                                      FIELD(fb_record, n_frames),
                                      FIELD(fb_record, batch),
                                      FIELD(fb_record, n_subs),
                                      END};
static const struct field record_frame[] = {FIELD(fb_frame, kind),     FIELD(fb_frame, fin),
                                            FIELD(fb_frame, admit),    FIELD(fb_frame, header),
                                            FIELD(fb_frame, len),      FIELD(fb_frame, index),
                                            FIELD(fb_frame, track),    FIELD(fb_frame, claim),
                                            FIELD(fb_frame, stream),   FIELD(fb_frame, offset),
                                            FIELD(fb_frame, group),    FIELD(fb_frame, subgroup),
                                            FIELD(fb_frame, priority), END};
static const struct field record_sub[] = {FIELD(fb_record_sub, slot),
                                          FIELD(fb_record_sub, gen),
                                          FIELD(fb_record_sub, pn),
                                          FIELD(fb_record_sub, sent),
                                          FIELD(fb_record_sub, n_taken),
                                          FIELDS(fb_record_sub, decision, FB_MAX_FRAMES),
                                          FIELD(fb_record_sub, charged),
                                          FIELDS(fb_record_sub, down, FB_MAX_FRAMES),
                                          END};
static const struct field failed[] = {FIELD(fb_failed, magic), FIELD(fb_failed, slot),
                                      FIELD(fb_failed, gen),   FIELD(fb_failed, error),
                                      FIELD(fb_failed, pn),    END};

static const struct field *const of_array[JOURNAL_ARRAYS] = {[JOURNAL_STREAMS] = streams,
                                                             [JOURNAL_COUNTERS] = counters,
                                                             [JOURNAL_UPSTREAM_STATE] =
                                                                 upstream_state,
                                                             [JOURNAL_TRACK_STATE] = track_state,
                                                             [JOURNAL_DOWNS] = downs,
                                                             [JOURNAL_OBJECTS] = objects};

/* NAME[INDEX] of what lies at `offset`, or its offset. */
static void put_field(const struct field *fields, size_t offset, const char *front, char *out) {
  for (const struct field *f = fields; f != NULL && f->name != NULL; f++) {
    if (offset < f->at || offset >= f->at + f->each * f->n)
      continue;
    const size_t i = (offset - f->at) / f->each;
    if (fields == counters && f->n == 32)
      snprintf(out, FIELD_ROOM, "%s%s[%s]", front, f->name, fb_decision_name((unsigned)i));
    else if (f->n > 1)
      snprintf(out, FIELD_ROOM, "%s%s[%zu]", front, f->name, i);
    else
      snprintf(out, FIELD_ROOM, "%s%s", front, f->name);
    return;
  }
  snprintf(out, FIELD_ROOM, "%sbyte %zu", front, offset);
}

const char *field_of_array(uint32_t array, const char *name, size_t each, size_t offset,
                           char out[FIELD_ROOM]) {
  char front[FIELD_ROOM / 2];
  snprintf(front, sizeof front, "%s[%zu].", name, offset / each);
  put_field(array < JOURNAL_ARRAYS ? of_array[array] : NULL, offset % each, front, out);
  return out;
}

const char *field_of_frame(const uint8_t *frame, size_t len, size_t offset, char out[FIELD_ROOM]) {
  static const struct field udp[] = {{0, 2, 1, "source port"},
                                     {2, 2, 1, "destination port"},
                                     {4, 2, 1, "length"},
                                     {6, 2, 1, "checksum"},
                                     END};
  static const struct field ethernet[] = {
      {0, 6, 1, "destination address"}, {6, 6, 1, "source address"}, {12, 2, 1, "type"}, END};
  const size_t ip = len > 13 && frame[12] == 0x86 ? 40 : 20;
  if (offset < 14)
    put_field(ethernet, offset, "Ethernet ", out);
  else if (offset < 14 + ip)
    put_field(NULL, offset - 14, ip == 40 ? "IPv6 " : "IPv4 ", out);
  else if (offset < 22 + ip)
    put_field(udp, offset - 14 - ip, "UDP ", out);
  else
    put_field(NULL, offset - 22 - ip, "payload ", out);
  return out;
}

const char *field_of_record(const uint8_t *bytes, size_t len, size_t offset, char out[FIELD_ROOM]) {
  char front[FIELD_ROOM / 2] = "";
  const size_t frames = offsetof(struct fb_record, frames), subs = offsetof(struct fb_record, subs);
  if (len < 4 || *(const uint32_t *)(const void *)bytes != FB_RECORD_COPY) {
    put_field(failed, offset, front, out);
  } else if (offset >= subs) {
    snprintf(front, sizeof front, "subs[%zu].", (offset - subs) / sizeof(struct fb_record_sub));
    put_field(record_sub, (offset - subs) % sizeof(struct fb_record_sub), front, out);
  } else if (offset >= frames) {
    snprintf(front, sizeof front, "frames[%zu].", (offset - frames) / sizeof(struct fb_frame));
    put_field(record_frame, (offset - frames) % sizeof(struct fb_frame), front, out);
  } else {
    put_field(record, offset, front, out);
  }
  return out;
}
