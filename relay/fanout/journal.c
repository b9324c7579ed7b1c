#include "relay/fanout/journal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Arrays are looked at in pieces; most of them have not changed, or were never used. */
#define PIECE 16384

/* Who writes between two packets must not wait for a file. */
#define FILE_BUFFER (4u << 20)

/* ---- arrays ------------------------------------------------------------------------------- */

void journal_arrays(const struct dp_native *dp, struct journal_array arrays[JOURNAL_ARRAYS]) {
  const struct dp_native_sizes *s = &dp->sizes;
  const size_t keys = fb_keys(s->subscribers, s->upstreams);
  const size_t keystreams =
      fb_keystreams(s->subscribers, s->upstreams, s->keystreams_down, s->keystreams_up);
#define ARRAY(id, field, count, looked, is_entry, runs)                                            \
  arrays[id] = (struct journal_array){                                                             \
      #field, (uint8_t *)dp->field, sizeof *dp->field, dp->field ? (count) : 0, looked, is_entry,  \
      runs}
  arrays[JOURNAL_CONFIG] = (struct journal_array){
      "config", (uint8_t *)&dp->config, sizeof dp->config, 1, sizeof dp->config, true, false};
  ARRAY(JOURNAL_UPSTREAMS, upstreams, s->upstreams, sizeof *dp->upstreams, true, false);
  ARRAY(JOURNAL_SUBSCRIBERS, subscribers, s->subscribers, sizeof *dp->subscribers, true, false);
  ARRAY(JOURNAL_SUBSCRIPTIONS, subscriptions, (size_t)s->subscribers * s->tracks,
        sizeof *dp->subscriptions, true, false);
  ARRAY(JOURNAL_STREAMS, streams, s->streams, sizeof *dp->streams, true, true);
  arrays[JOURNAL_COPY_INDEX] =
      (struct journal_array){"copy_index", (uint8_t *)&dp->copy_index, 8, 1, 8, false, true};
  ARRAY(JOURNAL_COUNTERS, counters, s->subscribers, sizeof *dp->counters, false, true);
  ARRAY(JOURNAL_UPSTREAM_STATE, upstream_state, s->upstreams, sizeof *dp->upstream_state, false,
        true);
  ARRAY(JOURNAL_TRACK_STATE, track_state, s->tracks, sizeof *dp->track_state, false, true);
  ARRAY(JOURNAL_DOWNS, downs, (size_t)s->streams * s->subscribers, sizeof *dp->downs, false, true);
  ARRAY(JOURNAL_OBJECTS, objects, s->streams, sizeof *dp->objects, false, true);
  ARRAY(JOURNAL_KEYS, keys, keys, sizeof *dp->keys, true, false);
  ARRAY(JOURNAL_GHASH, ghash, keys, 256, true, false);
  ARRAY(JOURNAL_KEYSTREAMS, keystreams, keystreams, 96, true, false);
#undef ARRAY
}

void journal_compare_element(const struct journal_array *a, uint32_t id, const uint8_t *other,
                             size_t element, journal_changed *changed, void *arg) {
  const size_t offset = element * a->each;
  const uint8_t *one = a->at + offset, *two = other + offset;
  size_t from = 0, to = a->each;
  if (memcmp(one, two, a->look) == 0)
    return;
  if (!a->entry) {
    while (memcmp(one + from, two + from, 8) == 0)
      from += 8;
    while (memcmp(one + to - 8, two + to - 8, 8) == 0)
      to -= 8;
  }
  changed(arg, id, offset + from, to - from);
}

void journal_compare(const struct journal_array *a, uint32_t id, const uint8_t *other,
                     journal_changed *changed, void *arg) {
  const size_t piece = a->look == a->each ? (PIECE + a->each - 1) / a->each : 1;
  for (size_t i = 0; i < a->n; i += piece) {
    const size_t n = a->n - i < piece ? a->n - i : piece;
    if (n > 1 && memcmp(a->at + i * a->each, other + i * a->each, n * a->each) == 0)
      continue;
    for (size_t k = i; k < i + n; k++)
      journal_compare_element(a, id, other, k, changed, arg);
  }
}

/* ---- writing ------------------------------------------------------------------------------- */

static void put_bytes(struct journal_file *file, const void *bytes, size_t len) {
  if (file->full || len == 0)
    return;
  fwrite(bytes, len, 1, file->to);
  file->bytes += len;
}

bool journal_file_fills(const struct journal_file *file) {
  return !file->full && file->bytes >= file->most;
}

bool journal_file_open(struct journal_file *file, const struct journal_place *place,
                       struct journal_head *head) {
  const int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  *file = (struct journal_file){.to = fd >= 0 ? fdopen(fd, "w") : NULL,
                                .most = place->most != 0 ? place->most : JOURNAL_MOST_BYTES};
  if (file->to == NULL) {
    if (fd >= 0)
      close(fd);
    return false;
  }
  setvbuf(file->to, NULL, _IOFBF, FILE_BUFFER);
  memcpy(head->magic, JOURNAL_MAGIC, sizeof head->magic);
  head->head_len = sizeof *head;
  put_bytes(file, head, sizeof *head);
  fflush(file->to); /* also of one that is killed at once it is known what it is */
  return true;
}

static void put_zeros(struct journal_file *file, const struct journal_item *item) {
  static const uint8_t zeros[8];
  put_bytes(file, zeros, journal_body_len(item) - item->len);
}

void journal_put(struct journal_file *file, const struct journal_item *item, const void *bytes) {
  put_bytes(file, item, sizeof *item);
  put_bytes(file, bytes, item->len);
  put_zeros(file, item);
}

void journal_put_two(struct journal_file *file, enum journal_kind kind, const void *a, size_t a_len,
                     const void *b, size_t b_len) {
  const struct journal_item item = {.kind = kind, .len = (uint32_t)(a_len + b_len)};
  put_bytes(file, &item, sizeof item);
  put_bytes(file, a, a_len);
  put_bytes(file, b, b_len);
  put_zeros(file, &item);
}

void journal_put_mark(struct journal_file *file, enum journal_kind kind, uint32_t value) {
  const struct journal_item item = {.kind = kind, .array = value};
  put_bytes(file, &item, sizeof item);
}

void journal_put_frame(struct journal_file *file, uint64_t run, const void *frame, size_t len,
                       uint64_t now_ns) {
  const uint32_t number = (uint32_t)run;
  if (file->full) {
    file->count.left_out++;
    return;
  }
  file->count.runs++;
  journal_put(file, &(struct journal_item){JOURNAL_FRAME, number, now_ns, (uint32_t)len, 0}, frame);
}

void journal_put_copy(struct journal_file *file, const struct journal_copy *copy, const void *frame,
                      size_t len) {
  file->count.copies += !file->full;
  journal_put_two(file, JOURNAL_COPY, copy, sizeof *copy, frame, len);
}

static void put_piece(struct journal_file *file, uint32_t id, const uint8_t *at, size_t from,
                      size_t to) {
  if (to > from || from > 0)
    journal_put(file, &(struct journal_item){JOURNAL_WHOLE, id, from, (uint32_t)(to - from), 0},
                at + from);
}

static bool is_zero(const uint8_t *at, size_t len) {
  return len == 0 || (at[0] == 0 && memcmp(at, at + 1, len - 1) == 0);
}

void journal_put_whole(struct journal_file *file, uint32_t id, const struct journal_array *a,
                       const uint8_t *at) {
  const size_t piece = (a->each < PIECE ? PIECE / a->each : 1) * a->each, len = a->n * a->each;
  size_t from = 0, to = 0; /* what is to be written */
  for (size_t i = 0; i < len; i += piece) {
    const size_t n = len - i < piece ? len - i : piece;
    if (is_zero(at + i, n))
      continue;
    if (to < i) {
      put_piece(file, id, at, from, to);
      from = i;
    }
    to = i + n;
  }
  put_piece(file, id, at, from, to);
  if (to < len)
    put_piece(file, id, at, len, len);
}

bool journal_file_close(struct journal_file *file) {
  file->full = false;
  journal_put_two(file, JOURNAL_END, &file->count, sizeof file->count, NULL, 0);
  bool good = !ferror(file->to);
  good = fclose(file->to) == 0 && good;
  file->to = NULL;
  return good;
}
