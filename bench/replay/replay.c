#include "bench/replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/replay/executor.h"
#include "bench/replay/field.h"
#include "bench/replay/killed.h"

#define EXECUTORS 2 /* native, then the kernel's */

struct replay {
  FILE *file, *tell;
  struct journal_head head;
  struct dp_native *shape; /* for the names and sizes of arrays alone */
  struct journal_array arrays[JOURNAL_ARRAYS];
  struct executor *executors[EXECUTORS];
  struct outcome run, outcomes[EXECUTORS];
  struct replay_result *result;
  struct journal_item item;
  uint8_t *body; /* of the item */
  size_t room;
  uint64_t now_ns;
  const char *wrong; /* with the journal; NULL = nothing */
  int wrong_rc;      /* 0 = 2 */
  bool cut, ended;
};

/* ---- findings ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void differ(struct replay *r, const char *fmt, ...) {
  if (r->result->differences++ >= REPLAY_TOLD)
    return;
  va_list args;
  va_start(args, fmt);
  fprintf(r->tell, "  packet %" PRIu64 " at %" PRIu64 ".%06" PRIu64 " ms: ", r->result->packets,
          r->now_ns / 1000000, r->now_ns % 1000000);
  vfprintf(r->tell, fmt, args);
  fputc('\n', r->tell);
  va_end(args);
}

/* Index of the first byte that differs, or the shorter length. */
static size_t first_difference(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
  size_t i = 0;
  while (i < a_len && i < b_len && a[i] == b[i])
    i++;
  return i;
}

/* The run's and an executor's copy. */
static void compare_copy(struct replay *r, const char *name, const struct outcome_copy *was,
                         const struct outcome_copy *is) {
  char field[FIELD_ROOM];
  static const char *const heads[] = {"slot", "generation", "interface"};
  const uint32_t a[] = {was->head.slot, was->head.gen, was->head.ifindex};
  const uint32_t b[] = {is->head.slot, is->head.gen, is->head.ifindex};
  for (size_t i = 0; i < 3; i++)
    if (a[i] != b[i])
      differ(r, "copy for subscriber %u: %s: run %u, %s %u", was->head.slot, heads[i], a[i], name,
             b[i]);
  if (was->head.pn != is->head.pn)
    differ(r, "copy for subscriber %u: joint number: run %" PRIu64 ", %s %" PRIu64, was->head.slot,
           was->head.pn, name, is->head.pn);
  const size_t at = first_difference(was->frame, was->len, is->frame, is->len);
  if (was->len != is->len)
    differ(r, "copy for subscriber %u: length: run %u, %s %u", was->head.slot, was->len, name,
           is->len);
  else if (at < was->len)
    differ(r, "copy for subscriber %u: %s: run %02x, %s %02x", was->head.slot,
           field_of_frame(was->frame, was->len, at, field), was->frame[at], name, is->frame[at]);
}

static void compare_outcome(struct replay *r, const char *name, const struct outcome *is) {
  const struct outcome *was = &r->run;
  if (is->failed)
    differ(r, "%s could not run it, or gave the packet back changed", name);
  if (was->reason != is->reason)
    differ(r, "reason: run %s, %s %s", fb_packet_reason_name(was->reason), name,
           is->reason < FB_PACKET_REASON_COUNT ? fb_packet_reason_name(is->reason) : "none");
  if (was->n_copies != is->n_copies)
    differ(r, "copies: run %zu, %s %zu", was->n_copies, name, is->n_copies);
  for (size_t i = 0; i < was->n_copies && i < is->n_copies; i++)
    compare_copy(r, name, &was->copies[i], &is->copies[i]);
}

static void compare_records(struct replay *r, const char *a_name, const struct outcome *a,
                            const char *b_name, const struct outcome *b) {
  char field[FIELD_ROOM];
  size_t i = 0;
  while (i < a->records_len && i < b->records_len) {
    size_t a_len, b_len;
    memcpy(&a_len, a->records + i, sizeof a_len);
    memcpy(&b_len, b->records + i, sizeof b_len);
    i += sizeof a_len;
    const size_t at = first_difference(a->records + i, a_len, b->records + i, b_len);
    if (a_len != b_len) {
      differ(r, "record: length: %s %zu, %s %zu", a_name, a_len, b_name, b_len);
      return;
    }
    if (at < a_len)
      differ(r, "record: %s: %s %02x, %s %02x", field_of_record(a->records + i, a_len, at, field),
             a_name, a->records[i + at], b_name, b->records[i + at]);
    i += a_len;
  }
  if (a->records_len != b->records_len)
    differ(r, "records: %s %zu bytes, %s %zu", a_name, a->records_len, b_name, b->records_len);
}

static size_t count_records(const struct outcome *o) {
  size_t n = 0, len;
  for (size_t i = 0; i < o->records_len; i += sizeof len + len, n++)
    memcpy(&len, o->records + i, sizeof len);
  return n;
}

static uint64_t word_at(const uint8_t *bytes, size_t at, size_t len) {
  uint64_t word = 0;
  memcpy(&word, bytes + at, len - at < sizeof word ? len - at : sizeof word);
  return word;
}

/* Words that a run of datapath `user` counts its own way. */
static bool own_count(const struct replay *r, uint32_t array, size_t offset) {
  const size_t at = offset % r->arrays[array].each;
  if (r->head.by != JOURNAL_BY_USER)
    return false;
  if (array == JOURNAL_COUNTERS)
    return at >= offsetof(struct fb_counters, ks_ready) &&
           at <= offsetof(struct fb_counters, ks_raced);
  return array == JOURNAL_UPSTREAM_STATE && at >= offsetof(struct fb_upstream_state, ks_ready) &&
         at <= offsetof(struct fb_upstream_state, ks_raced);
}

/* Bytes of an array that the run has, or another executor. */
static void compare_bytes(struct replay *r, uint32_t array, size_t offset, size_t len,
                          const char *was_name, const uint8_t *was, const char *is_name,
                          const uint8_t *is) {
  char field[FIELD_ROOM];
  const struct journal_array *a = &r->arrays[array];
  if (is == NULL) {
    differ(r, "%s: %s cannot be read there", a->name, is_name);
    return;
  }
  for (size_t at = 0; at < len; at += 8) {
    const uint64_t x = word_at(was, at, len), y = word_at(is, at, len);
    if (x == y || own_count(r, array, offset + at))
      continue;
    size_t k = 0;
    while ((x >> (8 * k) & 0xff) == (y >> (8 * k) & 0xff))
      k++;
    differ(r, "%s: %s %#" PRIx64 ", %s %#" PRIx64 " (8 bytes)",
           field_of_array(array, a->name, a->each, offset + at + k, field), was_name, x, is_name,
           y);
  }
}

/* ---- the journal ---------------------------------------------------------------------------------- */

/* False at the end of the file, or with r->wrong. */
static bool next_item(struct replay *r) {
  if (fread(&r->item, 1, sizeof r->item, r->file) != sizeof r->item) {
    r->cut = !r->ended;
    return false;
  }
  if (r->ended || r->item.kind == 0 || r->item.kind >= JOURNAL_KINDS) {
    r->wrong = r->ended ? "something stands behind its end" : "it has an item of no known kind";
    return false;
  }
  if (r->item.len > r->room) {
    uint8_t *grown = realloc(r->body, r->item.len);
    if (grown == NULL) {
      r->wrong = "there is no memory for an item";
      return false;
    }
    r->body = grown;
    r->room = r->item.len;
  }
  r->cut = fread(r->body, 1, r->item.len, r->file) != r->item.len;
  return !r->cut;
}

static bool has(struct replay *r, size_t len) {
  if (r->item.len < len)
    r->wrong = "an item is too short";
  return r->item.len >= len;
}

static void do_set(struct replay *r) {
  for (size_t e = 0; e < EXECUTORS && !r->wrong; e++)
    if (r->item.array >= JOURNAL_ARRAYS ||
        !r->executors[e]->set(r->executors[e], r->item.array, r->item.offset, r->body, r->item.len))
      r->wrong = "it sets what is not there";
}

static void do_table(struct replay *r) {
  struct {
    struct fb_cid_key key;
    struct fb_cid_value value;
  } cid = {0};
  struct {
    struct fb_alias_key key;
    struct fb_alias_value value;
  } alias = {0};
  const bool ids = r->item.kind == JOURNAL_CID_SET || r->item.kind == JOURNAL_CID_DEL;
  const bool adds = r->item.kind == JOURNAL_CID_SET || r->item.kind == JOURNAL_ALIAS_SET;
  const size_t key_len = ids ? sizeof cid.key : sizeof alias.key;
  const size_t value_len = !adds ? 0 : ids ? sizeof cid.value : sizeof alias.value;
  if (!has(r, key_len + value_len))
    return;
  memcpy(ids ? (void *)&cid.key : (void *)&alias.key, r->body, key_len);
  memcpy(ids ? (void *)&cid.value : (void *)&alias.value, r->body + key_len, value_len);
  for (size_t i = 0; i < EXECUTORS; i++) {
    struct executor *e = r->executors[i];
    const bool good = ids    ? adds ? e->cid_set(e, &cid.key, &cid.value) : e->cid_del(e, &cid.key)
                         : adds ? e->alias_set(e, &alias.key, &alias.value)
                             : e->alias_del(e, &alias.key);
    if (!good)
      differ(r, "%s of %s: the run could, %s could not", adds ? "adding" : "removing",
             ids ? "a connection ID" : "an alias", e->name);
  }
}

static void do_take(struct replay *r) {
  struct fb_take was, is;
  if (!has(r, sizeof was))
    return;
  memcpy(&was, r->body, sizeof was);
  r->result->takes++;
  for (size_t i = 0; i < EXECUTORS; i++) {
    is = was;
    is.result = ~0u;
    if (!r->executors[i]->take(r->executors[i], &is) || is.result != was.result)
      differ(r, "take_stream of ordinal %" PRIu64 ": result: run %u, %s %u", (uint64_t)was.ordinal,
             was.result, r->executors[i]->name, is.result);
  }
}

static void do_frame(struct replay *r) {
  r->result->packets++;
  if (r->item.array != (uint32_t)r->result->packets) {
    r->wrong =
        "its runs do not follow each other, so their order is not known; what to do: run the "
        "scenario again with --journal";
    r->wrong_rc = 3;
    return;
  }
  r->now_ns = r->item.offset;
  outcome_clear(&r->run);
  for (size_t i = 0; i < EXECUTORS; i++)
    r->executors[i]->run(r->executors[i], r->body, r->item.len, r->now_ns, &r->outcomes[i]);
}

static void do_copy(struct replay *r) {
  struct journal_copy head;
  if (!has(r, sizeof head))
    return;
  memcpy(&head, r->body, sizeof head);
  if (head.error != 0)
    differ(r, "copy for subscriber %u: the run could not send it: %s", head.slot,
           strerror((int)head.error));
  outcome_copy(&r->run, &head, r->body + sizeof head, r->item.len - sizeof head);
  r->result->copies++;
  r->result->bytes += r->item.len - sizeof head;
}

/* What a socket does not tell is the executor's; the other one has to agree with it. */
static void adopt_head(struct outcome_copy *was, const struct outcome_copy *is) {
  static const uint8_t ip6[2] = {0x86, 0xdd};
  memcpy(was->frame, is->frame, 12);
  if (was->len == is->len && memcmp(was->frame + 12, ip6, 2) == 0)
    memcpy(was->frame + 15, is->frame + 15, 3);
}

static void do_reason(struct replay *r) {
  r->run.reason = r->item.array;
  if (r->run.reason >= FB_PACKET_REASON_COUNT || r->run.failed) {
    r->wrong = "a packet has no reason, or there is no memory for its copies";
    return;
  }
  if (r->head.by == JOURNAL_BY_KERNEL &&
      (r->run.reason == FB_PKT_RING_FULL || r->run.reason == FB_PKT_GSO)) {
    r->wrong = "a packet met a full ring, or was a super-packet, which no executor can be given";
    r->wrong_rc = 3;
    return;
  }
  for (size_t i = 0; i < r->run.n_copies && i < r->outcomes[0].n_copies; i++)
    if (r->head.by == JOURNAL_BY_USER)
      adopt_head(&r->run.copies[i], &r->outcomes[0].copies[i]);
  for (size_t i = 0; i < EXECUTORS; i++)
    compare_outcome(r, r->executors[i]->name, &r->outcomes[i]);
  /* Only the kernel's run has records of its own left; else those of the executors must agree. */
  if (r->head.by == JOURNAL_BY_KERNEL)
    compare_records(r, "run", &r->run, "native", &r->outcomes[0]);
  compare_records(r, "native", &r->outcomes[0], "TEST_RUN", &r->outcomes[1]);
  r->result->records += count_records(&r->outcomes[0]);
}

static void do_seen(struct replay *r) {
  const struct journal_item *item = &r->item;
  if (item->array >= JOURNAL_ARRAYS) {
    r->wrong = "it saw what is not there";
    return;
  }
  r->result->words += item->len / 8;
  for (size_t i = 0; i < EXECUTORS; i++) {
    struct executor *e = r->executors[i];
    compare_bytes(r, item->array, item->offset, item->len, "run", r->body, e->name,
                  e->get(e, item->array, item->offset, item->len));
  }
}

/* One element at a time where elements are fetched, else all that is not alike. */
static void do_whole(struct replay *r) {
  const uint32_t id = r->item.array;
  if (id >= JOURNAL_ARRAYS || r->item.len != r->arrays[id].n * r->arrays[id].each) {
    r->wrong = "an array is not whole";
    return;
  }
  const size_t each = id == JOURNAL_STREAMS ? r->arrays[id].each : r->item.len;
  for (size_t i = 0; i < EXECUTORS; i++)
    for (size_t at = 0; at < r->item.len; at += each) {
      struct executor *e = r->executors[i];
      const uint8_t *is = e->get(e, id, at, each);
      if (is == NULL || memcmp(is, r->body + at, each) != 0)
        compare_bytes(r, id, at, each, "run", r->body + at, e->name, is);
    }
}

static void do_end(struct replay *r) {
  struct journal_end end;
  if (!has(r, sizeof end))
    return;
  memcpy(&end, r->body, sizeof end);
  r->ended = true;
  r->result->declined = end.declined;
  if (end.lost > 0) {
    r->wrong =
        "entries of it were lost, so it is not known what its runs met; what to do: run the "
        "scenario again with --journal";
    r->wrong_rc = 3;
  } else if (end.runs != r->result->packets || end.copies != r->result->copies)
    r->wrong = "its end counts other packets and copies than it has";
}

static void on_other(void *arg, uint32_t array, size_t offset, size_t len) {
  struct replay *r = arg;
  struct executor *a = r->executors[0], *b = r->executors[1];
  compare_bytes(r, array, offset, len, a->name, a->get(a, array, offset, len), b->name,
                b->get(b, array, offset, len));
}

/* Words that one executor changed and the run did not. */
static void compare_arrays(struct replay *r, uint32_t first, uint32_t last) {
  struct executor *a = r->executors[0], *b = r->executors[1];
  for (uint32_t id = first; id <= last; id++) {
    struct journal_array array = r->arrays[id];
    const size_t len = array.n * array.each;
    array.at = (uint8_t *)a->get(a, id, 0, len);
    const uint8_t *other = b->get(b, id, 0, len);
    if (len > 0 && array.at != NULL && other != NULL)
      journal_compare(&array, id, other, on_other, r);
  }
}

static void compare_end(struct replay *r) {
  compare_arrays(r, JOURNAL_COUNTERS, JOURNAL_KEYSTREAMS);
  const size_t each = r->arrays[JOURNAL_STREAMS].each;
  for (size_t i = 0; i < r->arrays[JOURNAL_STREAMS].n; i++)
    on_other(r, JOURNAL_STREAMS, i * each, each);
}

/* False: the end, or r->wrong. */
static bool step(struct replay *r) {
  if (!next_item(r))
    return false;
  switch ((enum journal_kind)r->item.kind) {
  case JOURNAL_SET:
    do_set(r);
    break;
  case JOURNAL_TAKE:
    do_take(r);
    break;
  case JOURNAL_FRAME:
    do_frame(r);
    break;
  case JOURNAL_COPY:
    do_copy(r);
    break;
  case JOURNAL_RECORD:
    if (r->item.len >= sizeof(uint32_t))
      outcome_record(&r->run, r->body, r->item.len);
    break;
  case JOURNAL_REASON:
    do_reason(r);
    break;
  case JOURNAL_SEEN:
    do_seen(r);
    break;
  case JOURNAL_DONE:
    compare_arrays(r, JOURNAL_COUNTERS, JOURNAL_TRACK_STATE);
    break;
  case JOURNAL_WHOLE:
    do_whole(r);
    break;
  case JOURNAL_END:
    do_end(r);
    break;
  default:
    do_table(r);
    break;
  }
  return r->wrong == NULL;
}

/* ---- begin and end ---------------------------------------------------------------------------------- */

static int read_head(struct replay *r, const char *path, char *err, size_t err_len) {
  r->file = fopen(path, "re");
  if (r->file == NULL) {
    snprintf(err, err_len, "cannot read %s: %s", path, strerror(errno));
    return 2;
  }
  if (fread(&r->head, sizeof r->head, 1, r->file) != 1 ||
      memcmp(r->head.magic, JOURNAL_MAGIC, sizeof r->head.magic) != 0 ||
      r->head.head_len != sizeof r->head) {
    snprintf(err, err_len,
             "%s: expected the head of a journal of this build, found another one; what to do: run "
             "the scenario again with --journal",
             path);
    return 2;
  }
  return 0;
}

static int open_executors(struct replay *r, char *err, size_t err_len) {
  const char *why = "no memory";
  r->shape = dp_native_new(&r->head.sizes);
  if (r->shape != NULL) {
    journal_arrays(r->shape, r->arrays);
    r->executors[0] = executor_native(&r->head, &why);
    r->executors[1] = executor_kernel(&r->head, &why);
  }
  if (r->executors[0] != NULL && r->executors[1] != NULL)
    return 0;
  snprintf(err, err_len, "%s", why);
  return 3;
}

static void close_replay(struct replay *r) {
  for (size_t i = 0; i < EXECUTORS; i++) {
    if (r->executors[i] != NULL)
      r->executors[i]->close(r->executors[i]);
    outcome_free(&r->outcomes[i]);
  }
  outcome_free(&r->run);
  dp_native_free(r->shape);
  free(r->body);
  if (r->file != NULL)
    fclose(r->file);
}

/* 0, or an exit code with a sentence. */
static int conclude(struct replay *r, const char *path, char *err, size_t err_len) {
  r->result->killed = r->cut && r->wrong == NULL && killed_by_fault(path);
  if (r->cut && !r->result->killed && r->wrong == NULL)
    r->wrong =
        "it is cut short: its end is missing, and no fault in faults.jsonl killed its relay; "
        "what to do: run the scenario again with --journal";
  if (r->wrong == NULL) {
    compare_end(r);
    return 0;
  }
  snprintf(err, err_len, "%s: %s (at packet %" PRIu64 ")", path, r->wrong, r->result->packets);
  return r->wrong_rc != 0 ? r->wrong_rc : 2;
}

int replay_journal(const char *path, FILE *tell, struct replay_result *result, char *err,
                   size_t err_len) {
  struct replay r = {.tell = tell, .result = result};
  *result = (struct replay_result){0};
  int rc = read_head(&r, path, err, err_len);
  if (rc == 0)
    rc = open_executors(&r, err, err_len);
  if (rc == 0) {
    while (step(&r))
      continue;
    rc = conclude(&r, path, err, err_len);
  }
  close_replay(&r);
  return rc;
}
