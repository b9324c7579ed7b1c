#include "bench/replay/runs.h"

#include <stdlib.h>
#include <string.h>

bool runs_open(struct runs *runs, const struct dp_native_sizes *sizes) {
  *runs = (struct runs){.state = dp_native_new(sizes)};
  if (runs->state == NULL)
    return false;
  journal_arrays(runs->state, runs->arrays);
  return true;
}

void runs_free(struct runs *runs) {
  for (size_t i = 0; i < JOURNAL_OPEN_RUNS; i++) {
    free(runs->stack[i].frame);
    outcome_free(&runs->stack[i].was);
    script_free(&runs->stack[i].within);
  }
  script_free(&runs->undo);
  dp_native_free(runs->state);
}

struct run *runs_top(struct runs *runs) {
  return runs->open > 0 ? &runs->stack[runs->open - 1] : NULL;
}

struct run *runs_begin(struct runs *runs, const uint8_t *frame, size_t len) {
  if (runs->open == JOURNAL_OPEN_RUNS || (runs->open > 0 && !runs_top(runs)->stopped))
    return NULL;
  struct run *run = &runs->stack[runs->open];
  if (len > run->room) {
    uint8_t *grown = realloc(run->frame, len);
    if (grown == NULL)
      return NULL;
    run->frame = grown;
    run->room = len;
  }
  if (len > 0)
    memcpy(run->frame, frame, len);
  run->len = len;
  run->access = 0;
  outcome_clear(&run->was);
  script_cut(&run->within, 0);
  run->takes = run->stopped = run->cut = run->ran = false;
  run->undo = runs->undo.n;
  runs->open++;
  return run;
}

bool runs_stop(struct runs *runs, uint64_t access) {
  struct run *run = runs_top(runs);
  if (run == NULL || run->stopped || run->ran || access < run->access)
    return false;
  run->stopped = run->cut = true;
  run->access = access;
  return true;
}

bool runs_go(struct runs *runs) {
  struct run *run = runs_top(runs);
  if (run == NULL || !run->stopped)
    return false;
  run->stopped = false;
  return true;
}

/* ---- state ------------------------------------------------------------------------------------ */

/* The step that takes this one back. */
static void add_undo(struct runs *runs, const struct script_step *step, const uint8_t *bytes) {
  struct script_step back = *step;
  uint8_t entry[sizeof(struct fb_cid_key) + sizeof(struct fb_cid_value)];
  _Static_assert(sizeof(struct fb_alias_key) + sizeof(struct fb_alias_value) <= sizeof entry,
                 "an alias fits");
  if (step->kind == JOURNAL_SET) {
    script_add(&runs->undo, &back, runs->arrays[step->array].at + step->offset);
    return;
  }
  const bool ids = step->kind == JOURNAL_CID_SET || step->kind == JOURNAL_CID_DEL;
  const size_t key_len = ids ? sizeof(struct fb_cid_key) : sizeof(struct fb_alias_key);
  const size_t value_len = ids ? sizeof(struct fb_cid_value) : sizeof(struct fb_alias_value);
  memcpy(entry, bytes, key_len);
  const void *value = ids ? (const void *)dp_native_cid(runs->state, (const void *)entry)
                          : dp_native_alias(runs->state, (const void *)entry);
  if (value != NULL)
    memcpy(entry + key_len, value, value_len);
  back.kind = ids ? (value != NULL ? JOURNAL_CID_SET : JOURNAL_CID_DEL)
                  : (value != NULL ? JOURNAL_ALIAS_SET : JOURNAL_ALIAS_DEL);
  back.len = key_len + (value != NULL ? value_len : 0);
  script_add(&runs->undo, &back, entry);
}

static void keep(struct dp_native *state, const struct journal_array arrays[],
                 const struct script_step *step, const uint8_t *bytes) {
  struct fb_cid_key cid;
  struct fb_cid_value cid_value;
  struct fb_alias_key alias;
  struct fb_alias_value alias_value;
  if (step->kind == JOURNAL_SET) {
    memcpy(arrays[step->array].at + step->offset, bytes, step->len);
    return;
  }
  if (step->kind == JOURNAL_CID_SET || step->kind == JOURNAL_CID_DEL) {
    memcpy(&cid, bytes, sizeof cid);
    if (step->kind == JOURNAL_CID_DEL) {
      dp_native_cid_delete(state, &cid);
      return;
    }
    memcpy(&cid_value, bytes + sizeof cid, sizeof cid_value);
    dp_native_cid_set(state, &cid, &cid_value);
    return;
  }
  memcpy(&alias, bytes, sizeof alias);
  if (step->kind == JOURNAL_ALIAS_DEL) {
    dp_native_alias_delete(state, &alias);
    return;
  }
  memcpy(&alias_value, bytes + sizeof alias, sizeof alias_value);
  dp_native_alias_set(state, &alias, &alias_value);
}

void runs_note(struct runs *runs, const struct script_step *step, const uint8_t *bytes) {
  struct run *top = runs_top(runs);
  if (top != NULL && !top->ran)
    top->cut = true;
  if (runs->open > 0 && runs->stack[0].cut)
    add_undo(runs, step, bytes);
  for (unsigned i = 0; i < runs->open; i++)
    if (runs->stack[i].stopped) {
      struct script_step within = *step;
      within.access = runs->stack[i].access;
      script_add(&runs->stack[i].within, &within, bytes);
    }
  keep(runs->state, runs->arrays, step, bytes);
}

bool runs_rewind(struct runs *runs, struct executor *const executors[], size_t n) {
  const struct run *run = runs_top(runs);
  for (size_t i = runs->undo.n; i > run->undo; i--)
    for (size_t e = 0; e < n; e++)
      script_apply(&runs->undo, i - 1, executors[e]);
  return !runs->undo.failed && !run->within.failed;
}

void runs_end(struct runs *runs) {
  if (--runs->open == 0)
    script_cut(&runs->undo, 0);
}
