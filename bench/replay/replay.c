#include "bench/replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/replay/compare.h"
#include "bench/replay/executor.h"
#include "bench/replay/killed.h"
#include "bench/replay/runs.h"
#include "bench/replay/unrun.h"

#define EXECUTORS 2 /* native, then the kernel's */

struct replay {
  FILE *file;
  struct journal_head head;
  struct executor *executors[EXECUTORS];
  struct runs runs;
  struct outcome outcomes[EXECUTORS];
  struct compare compare;
  struct unrun unrun;
  struct replay_result *result;
  struct journal_item item;
  uint8_t *body; /* of the item */
  size_t room;
  struct {
    uint32_t array;
    size_t to; /* what is whole until there */
  } whole;
  const char *wrong; /* with the journal; NULL = nothing */
  int wrong_rc;      /* 0 = 2 */
  bool cut, ended;
};

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
  const size_t len = journal_body_len(&r->item);
  if (len > r->room) {
    uint8_t *grown = realloc(r->body, len);
    if (grown == NULL) {
      r->wrong = "there is no memory for an item";
      return false;
    }
    r->body = grown;
    r->room = len;
  }
  r->cut = fread(r->body, 1, len, r->file) != len;
  return !r->cut;
}

static bool has(struct replay *r, size_t len) {
  if (r->item.len < len)
    r->wrong = "an item is too short";
  return r->item.len >= len;
}

static size_t count_records(const struct outcome *o) {
  size_t n = 0, len;
  for (size_t i = 0; i < o->records_len; i += sizeof len + len, n++)
    memcpy(&len, o->records + i, sizeof len);
  return n;
}

/* The state is another one now, as the journal says. */
static void note(struct replay *r) {
  const bool sets = r->item.kind == JOURNAL_SET || r->item.kind == JOURNAL_SEEN;
  runs_note(&r->runs,
            &(struct script_step){.kind = sets ? JOURNAL_SET : r->item.kind,
                                  .array = r->item.array,
                                  .offset = r->item.offset,
                                  .len = r->item.len},
            r->body);
}

/* Whether what the item names is in its array. */
static bool is_there(const struct replay *r) {
  const struct journal_item *item = &r->item;
  if (item->array >= JOURNAL_ARRAYS)
    return false;
  const size_t len = r->runs.arrays[item->array].n * r->runs.arrays[item->array].each;
  return item->offset <= len && item->len <= len - item->offset;
}

static void do_set(struct replay *r) {
  for (size_t e = 0; e < EXECUTORS && !r->wrong; e++)
    if (!is_there(r) ||
        !r->executors[e]->set(r->executors[e], r->item.array, r->item.offset, r->body, r->item.len))
      r->wrong = "it sets what is not there";
  if (!r->wrong)
    note(r);
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
      compare_differ(&r->compare, "%s of %s: the run could, %s could not",
                     adds ? "adding" : "removing", ids ? "a connection ID" : "an alias", e->name);
  }
  note(r);
}

/* ---- runs ----------------------------------------------------------------------------------------- */

static struct run *begin_run(struct replay *r, const uint8_t *frame, size_t len) {
  struct run *run = runs_begin(&r->runs, frame, len);
  if (run == NULL)
    r->wrong = "a run begins within one that is not stopped, or there is no memory for it";
  return run;
}

static void do_take(struct replay *r) {
  struct run *run = has(r, sizeof(struct fb_take)) ? begin_run(r, NULL, 0) : NULL;
  if (run == NULL)
    return;
  r->result->takes++;
  run->takes = true;
  memcpy(&run->take, r->body, sizeof run->take);
  run->number = r->compare.packet;
  run->ns = r->compare.ns;
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
  struct run *run = begin_run(r, r->body, r->item.len);
  if (run == NULL)
    return;
  r->compare.packet = run->number = r->result->packets;
  r->compare.ns = run->ns = r->item.offset;
}

static void do_stop(struct replay *r) {
  if (!(r->item.kind == JOURNAL_STOP ? runs_stop(&r->runs, r->item.offset) : runs_go(&r->runs)))
    r->wrong = "a run is stopped, or goes on, that does not run";
  else if (r->head.stops == 0)
    r->wrong = "a run is stopped, and its head says that none is";
}

static void do_copy(struct replay *r) {
  struct journal_copy head;
  struct run *run = runs_top(&r->runs);
  if (!has(r, sizeof head))
    return;
  if (run == NULL) {
    r->wrong = "a copy is of no run";
    return;
  }
  memcpy(&head, r->body, sizeof head);
  if (head.error != 0)
    compare_differ(&r->compare, "copy for subscriber %u: the run could not send it: %s", head.slot,
                   strerror((int)head.error));
  outcome_copy(&run->was, &head, r->body + sizeof head, r->item.len - sizeof head);
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

/* False: there is no comparing it. */
static bool comparable(struct replay *r, const struct run *run) {
  if (run->was.failed || (!run->takes && run->was.reason >= FB_PACKET_REASON_COUNT))
    r->wrong = "a packet has no reason, or there is no memory for its copies";
  else if (!run->takes && r->head.by == JOURNAL_BY_KERNEL &&
           (run->was.reason == FB_PKT_RING_FULL || run->was.reason == FB_PKT_GSO)) {
    r->wrong = "a packet met a full ring, or was a super-packet, which no executor can be given";
    r->wrong_rc = 3;
  } else if (run->cut && !runs_rewind(&r->runs, r->executors, EXECUTORS))
    r->wrong = "there is no memory for what happened within a run";
  return r->wrong == NULL;
}

static void play_take(struct replay *r, const struct run *run, const struct script *within) {
  for (size_t i = 0; i < EXECUTORS; i++) {
    struct fb_take is = run->take;
    is.result = ~0u;
    if (!r->executors[i]->take(r->executors[i], &is, within) || is.result != run->was.reason)
      compare_differ(&r->compare, "take_stream of ordinal %" PRIu64 ": result: run %u, %s %u",
                     (uint64_t)is.ordinal, run->was.reason, r->executors[i]->name, is.result);
  }
}

static void play_frame(struct replay *r, struct run *run, const struct script *within) {
  for (size_t i = 0; i < EXECUTORS; i++)
    r->executors[i]->run(r->executors[i], run->frame, run->len, run->ns, within, &r->outcomes[i]);
  for (size_t i = 0; i < run->was.n_copies && i < r->outcomes[0].n_copies; i++)
    if (r->head.by == JOURNAL_BY_USER)
      adopt_head(&run->was.copies[i], &r->outcomes[0].copies[i]);
  for (size_t i = 0; i < EXECUTORS; i++)
    compare_outcome(&r->compare, "run", &run->was, r->executors[i]->name, &r->outcomes[i]);
  /* Only the kernel's run has records of its own left; else those of the executors must agree. */
  if (r->head.by == JOURNAL_BY_KERNEL)
    compare_records(&r->compare, "run", &run->was, "native", &r->outcomes[0]);
  compare_records(&r->compare, "native", &r->outcomes[0], "TEST_RUN", &r->outcomes[1]);
  r->result->records += count_records(&r->outcomes[0]);
}

/* The run has ended: it is played. */
static void do_reason(struct replay *r) {
  struct run *run = runs_top(&r->runs);
  if (run == NULL || run->stopped || run->ran) {
    r->wrong = "a run ends that does not run";
    return;
  }
  run->was.reason = r->item.array;
  if (!comparable(r, run))
    return;
  const struct script *within = run->within.n > 0 ? &run->within : NULL;
  r->compare.packet = run->number;
  r->compare.ns = run->ns;
  if (run->takes)
    play_take(r, run, within);
  else
    play_frame(r, run, within);
  run->ran = true;
  r->result->interrupted += within != NULL;
}

/* ---- state ---------------------------------------------------------------------------------------- */

static void compare_place(struct replay *r, uint32_t array, size_t offset, size_t len,
                          const uint8_t *was) {
  for (size_t i = 0; i < EXECUTORS; i++) {
    struct executor *e = r->executors[i];
    compare_bytes(&r->compare, array, offset, len, "run", was, e->name,
                  e->get(e, array, offset, len));
  }
}

static void do_seen(struct replay *r) {
  const struct journal_item *item = &r->item;
  const struct run *run = runs_top(&r->runs);
  if (!is_there(r)) {
    r->wrong = "it saw what is not there";
    return;
  }
  r->result->words += item->len / 8;
  if (run != NULL && !run->ran) /* it is to be stopped, and played later */
    do_set(r);
  else {
    compare_place(r, item->array, item->offset, item->len, r->body);
    note(r);
  }
}

static void on_other(void *arg, uint32_t array, size_t offset, size_t len) {
  struct replay *r = arg;
  struct executor *a = r->executors[0], *b = r->executors[1];
  compare_bytes(&r->compare, array, offset, len, a->name, a->get(a, array, offset, len), b->name,
                b->get(b, array, offset, len));
}

/* Words that one executor changed and the run did not. */
static void compare_arrays(struct replay *r, uint32_t first, uint32_t last) {
  struct executor *a = r->executors[0], *b = r->executors[1];
  for (uint32_t id = first; id <= last; id++) {
    struct journal_array array = r->runs.arrays[id];
    const size_t len = array.n * array.each;
    array.at = (uint8_t *)a->get(a, id, 0, len);
    const uint8_t *other = b->get(b, id, 0, len);
    if (len > 0 && array.at != NULL && other != NULL)
      journal_compare(&array, id, other, on_other, r);
  }
}

/* What it changed before it was stopped, and what happened then, is as it was. */
static void compare_cut(struct replay *r, const struct run *run) {
  for (size_t i = run->undo; i < r->runs.undo.n; i++) {
    const struct script_step *step = &r->runs.undo.steps[i];
    if (step->kind == JOURNAL_SET && r->runs.arrays[step->array].by_runs)
      compare_place(r, step->array, step->offset, step->len,
                    r->runs.arrays[step->array].at + step->offset);
  }
}

static void do_done(struct replay *r) {
  const struct run *run = runs_top(&r->runs);
  if (run == NULL || !run->ran) {
    r->wrong = "a run is done that has not ended";
    return;
  }
  if (run->cut)
    compare_cut(r, run);
  compare_arrays(r, JOURNAL_COPY_INDEX, JOURNAL_TRACK_STATE);
  runs_end(&r->runs);
}

/* One element at a time where elements are fetched. was: NULL = zeros. */
static void compare_whole(struct replay *r, size_t to, const uint8_t *was) {
  static const uint8_t zeros[4096];
  const uint32_t id = r->whole.array;
  const size_t each = id == JOURNAL_STREAMS ? r->runs.arrays[id].each : sizeof zeros;
  for (size_t at = r->whole.to, n; at < to; at += n) {
    n = to - at < each ? to - at : each;
    for (size_t i = 0; i < EXECUTORS; i++) {
      struct executor *e = r->executors[i];
      const uint8_t *is = e->get(e, id, at, n), *want = was ? was + at - r->whole.to : zeros;
      if (is == NULL || memcmp(is, want, n) != 0)
        compare_bytes(&r->compare, id, at, n, "run", want, e->name, is);
    }
  }
  r->whole.to = to;
}

static void do_whole(struct replay *r) {
  const struct journal_item *item = &r->item;
  if (item->array != r->whole.array) {
    r->whole.array = item->array;
    r->whole.to = 0;
  }
  if (!is_there(r) || item->offset < r->whole.to) {
    r->wrong = "an array is not whole";
    return;
  }
  compare_whole(r, item->offset, NULL);
  compare_whole(r, item->offset + item->len, r->body);
}

static void do_end(struct replay *r) {
  struct journal_end end;
  if (!has(r, sizeof end))
    return;
  memcpy(&end, r->body, sizeof end);
  r->ended = true;
  r->result->declined = end.declined;
  r->result->left_out = end.left_out;
  if (end.lost > 0) {
    r->wrong =
        "entries of it were lost, so it is not known what its runs met; what to do: run the "
        "scenario again with --journal";
    r->wrong_rc = 3;
  } else if (end.runs != r->result->packets || end.copies != r->result->copies)
    r->wrong = "its end counts other packets and copies than it has";
}

static void compare_end(struct replay *r) {
  compare_arrays(r, JOURNAL_COPY_INDEX, JOURNAL_KEYSTREAMS);
  const size_t each = r->runs.arrays[JOURNAL_STREAMS].each;
  for (size_t i = 0; i < r->runs.arrays[JOURNAL_STREAMS].n; i++)
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
    if (r->item.len >= sizeof(uint32_t) && runs_top(&r->runs) != NULL)
      outcome_record(&runs_top(&r->runs)->was, r->body, r->item.len);
    break;
  case JOURNAL_REASON:
    do_reason(r);
    break;
  case JOURNAL_SEEN:
    do_seen(r);
    break;
  case JOURNAL_DONE:
    do_done(r);
    break;
  case JOURNAL_STOP:
  case JOURNAL_GO:
    do_stop(r);
    break;
  case JOURNAL_UNRUN:
    unrun_add(&r->unrun, r->body, r->item.len, r->item.offset);
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
  if (r->runs.open == 0 && unrun_waits(&r->unrun) && r->wrong == NULL)
    r->result->tried += unrun_try(&r->unrun, r->executors, &r->compare);
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
  if (runs_open(&r->runs, &r->head.sizes)) {
    memcpy(r->compare.arrays, r->runs.arrays, sizeof r->compare.arrays);
    r->compare.own_counts = r->head.by == JOURNAL_BY_USER;
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
  unrun_free(&r->unrun);
  runs_free(&r->runs);
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
  if (r->cut) /* nobody told how many went up unrun */
    r->result->declined = r->result->tried;
  if (r->wrong == NULL) {
    compare_end(r);
    return 0;
  }
  snprintf(err, err_len, "%s: %s (at packet %" PRIu64 ")", path, r->wrong, r->result->packets);
  return r->wrong_rc != 0 ? r->wrong_rc : 2;
}

int replay_journal(const char *path, FILE *tell, struct replay_result *result, char *err,
                   size_t err_len) {
  struct replay r = {.compare.tell = tell, .result = result, .whole.array = JOURNAL_ARRAYS};
  *result = (struct replay_result){0};
  int rc = read_head(&r, path, err, err_len);
  if (rc == 0)
    rc = open_executors(&r, err, err_len);
  if (rc == 0) {
    while (step(&r))
      continue;
    rc = conclude(&r, path, err, err_len);
  }
  result->differences = r.compare.differences;
  close_replay(&r);
  return rc;
}
