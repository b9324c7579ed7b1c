#include "bench/shrink/reduce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/memory.h"
#include "bench/shrink/steps.h"

struct reduction {
  struct model *model;
  const struct reduce_asker *asker;
  char *name;        /* of the scenario */
  char *text;        /* of the model as it is */
  struct edit *done; /* in this order */
  size_t n_done;
  uint64_t *known; /* sorted hashes of texts that do not fail */
  size_t n_known;
  uint64_t asked, most;
  bool stopped;
};

/* ---- edits ------------------------------------------------------------------------------------ */

struct edit *edits_add(struct edits *edits) {
  edits->all = plan_grow(edits->all, edits->n, sizeof *edits->all);
  return &edits->all[edits->n++];
}

void edits_free(struct edits *edits) {
  for (size_t i = 0; i < edits->n; i++)
    edit_free(&edits->all[i]);
  free(edits->all);
  *edits = (struct edits){0};
}

struct model *reduction_model(struct reduction *r) {
  return r->model;
}

/* ---- texts ------------------------------------------------------------------------------------ */

/* "a/b/small.yaml" -> "small" */
static char *stem_of(const char *path) {
  const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path;
  const char *dot = strrchr(from, '.');
  char *stem = plan_copy_text(from);
  if (dot && dot != from)
    stem[dot - from] = '\0';
  return stem;
}

char *reduce_text(const struct reduction *r, const char *about, size_t *len) {
  char *body = model_text(r->model, r->name, about, len), *text = NULL;
  if (body && asprintf(&text, "%s%s", body, r->asker->tail) < 0)
    text = NULL;
  free(body);
  if (text)
    *len = strlen(text);
  return text;
}

static char *text_now(const struct reduction *r) {
  size_t len;
  char *text = reduce_text(r, "", &len);
  if (!text)
    abort(); /* as plan_new() does */
  return text;
}

static size_t count_lines(const char *text) {
  size_t n = 0;
  for (; *text; text++)
    n += *text == '\n';
  return n;
}

struct reduce_size reduce_size(const struct reduction *r) {
  const struct model *m = r->model;
  const struct plan *plan = m->plan;
  struct reduce_size size = {.duration_ns = plan->duration_ns, .lines = count_lines(r->text)};
  for (size_t i = 0; i < plan->n_nodes; i++)
    size.nodes += model_has_node(m, (int)i);
  for (size_t i = 0; i < plan->n_links; i++) {
    if (!model_has_link(m, i))
      continue;
    size.links++;
    size.faults += plan->links[i].n_forward_faults + plan->links[i].n_backward_faults;
  }
  for (size_t i = 0; i < plan->n_tracks; i++)
    size.tracks += model_has_track(m, (int)i);
  for (size_t i = 0; i < plan->n_subscriptions; i++)
    size.subscriptions += model_has_subscription(m, i);
  for (size_t i = 0; i < plan->n_events; i++)
    size.events += model_has_event(m, i);
  return size;
}

static bool is_scenario(const struct reduction *r, const char *text) {
  struct plan_error why = {0};
  struct plan *plan = plan_parse(text, strlen(text), r->asker->path, NULL, 0, &why);
  if (plan)
    plan_free(plan);
  else
    plan_error_free(&why);
  return plan != NULL;
}

/* FNV-1a. */
static uint64_t hash(const char *text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (; *text; text++)
    h = (h ^ (unsigned char)*text) * 0x100000001b3u;
  return h;
}

/* Where it is in r->known, or would be. */
static size_t place_of(const struct reduction *r, uint64_t h) {
  size_t lo = 0, hi = r->n_known;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (r->known[mid] < h)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static bool is_known(const struct reduction *r, const char *text) {
  const uint64_t h = hash(text);
  const size_t at = place_of(r, h);
  return at < r->n_known && r->known[at] == h;
}

static void remember(struct reduction *r, const char *text) {
  const uint64_t h = hash(text);
  const size_t at = place_of(r, h);
  if (at < r->n_known && r->known[at] == h)
    return;
  r->known = plan_grow(r->known, r->n_known, sizeof *r->known);
  memmove(&r->known[at + 1], &r->known[at], (r->n_known - at) * sizeof *r->known);
  r->known[at] = h;
  r->n_known++;
}

/* ---- asking ------------------------------------------------------------------------------------- */

/* What the edit makes of it, if that is worth a question. */
static char *candidate(struct reduction *r, struct edit *edit) {
  edit_apply(edit);
  char *text = text_now(r);
  edit_revert(edit);
  if (strcmp(text, r->text) != 0 && !is_known(r, text) && is_scenario(r, text))
    return text;
  free(text);
  return NULL;
}

/* Texts that are asked about together. */
struct batch {
  char **texts;
  size_t *from; /* indexes of their edits */
  size_t n, next;
};

static bool batch_has(const struct batch *batch, const char *text) {
  for (size_t i = 0; i < batch->n; i++)
    if (strcmp(batch->texts[i], text) == 0)
      return true;
  return false;
}

static void batch_fill(struct reduction *r, struct batch *batch, struct edits *edits) {
  size_t room = r->asker->at_once;
  if (r->most && r->most - r->asked < room)
    room = (size_t)(r->most - r->asked);
  batch->n = 0;
  while (batch->n < room && batch->next < edits->n) {
    const size_t i = batch->next++;
    char *text = candidate(r, &edits->all[i]);
    if (!text || batch_has(batch, text)) {
      free(text);
      continue;
    }
    batch->texts[batch->n] = text;
    batch->from[batch->n++] = i;
  }
}

static void keep(struct reduction *r, struct edit *edit, char *text) {
  edit_apply(edit);
  remember(r, r->text); /* no way back: numbers go up and down */
  r->done = plan_grow(r->done, r->n_done, sizeof *r->done);
  r->done[r->n_done++] = *edit;
  *edit = (struct edit){0};
  free(r->text);
  r->text = text;
  if (r->asker->smaller) {
    const struct reduce_size size = reduce_size(r);
    r->asker->smaller(r->asker->arg, &size, r->asked);
  }
}

/* Index of the edit that stays; edits->n: none of these. */
static size_t batch_ask(struct reduction *r, struct batch *batch, struct edits *edits) {
  size_t stays = edits->n;
  const size_t hit =
      batch->n ? r->asker->first(r->asker->arg, batch->texts, batch->n) : REDUCE_STOP;
  if (hit == REDUCE_STOP) {
    r->stopped = r->stopped || batch->n > 0;
  } else {
    r->asked += hit < batch->n ? hit + 1 : batch->n;
    for (size_t i = 0; i < hit && i < batch->n; i++)
      remember(r, batch->texts[i]);
  }
  if (hit < batch->n) {
    stays = batch->from[hit];
    keep(r, &edits->all[stays], batch->texts[hit]);
    batch->texts[hit] = NULL;
  }
  for (size_t i = 0; i < batch->n; i++)
    free(batch->texts[i]);
  return stays;
}

size_t reduction_first(struct reduction *r, struct edits *edits) {
  struct batch batch = {.texts = plan_new(r->asker->at_once, sizeof(char *)),
                        .from = plan_new(r->asker->at_once, sizeof(size_t))};
  size_t stays = edits->n;
  while (stays == edits->n && batch.next < edits->n && !r->stopped) {
    r->stopped = r->most && r->asked >= r->most;
    if (r->stopped)
      break;
    batch_fill(r, &batch, edits);
    stays = batch_ask(r, &batch, edits);
  }
  free(batch.texts);
  free(batch.from);
  return stays;
}

/* The edits [at, at + chunk), [at + chunk, ...), ... each joined to one. */
static struct edits windows(const struct edits *edits, size_t at, size_t chunk) {
  struct edits joined = {0};
  for (size_t i = at; i < edits->n; i += chunk) {
    struct edit *one = edits_add(&joined);
    for (size_t k = i; k < i + chunk && k < edits->n; k++)
      edit_join(one, &edits->all[k]);
  }
  return joined;
}

static void drop(struct edits *edits, size_t at, size_t n) {
  if (n > edits->n - at)
    n = edits->n - at;
  for (size_t i = at; i < at + n; i++)
    edit_free(&edits->all[i]);
  memmove(&edits->all[at], &edits->all[at + n], (edits->n - at - n) * sizeof *edits->all);
  edits->n -= n;
}

void reduction_most(struct reduction *r, struct edits *edits) {
  for (size_t chunk = edits->n; chunk > 0 && !r->stopped; chunk /= 2) {
    size_t at = 0;
    while (at < edits->n && !r->stopped) {
      struct edits joined = windows(edits, at, chunk);
      const size_t hit = reduction_first(r, &joined);
      const bool none = hit == joined.n;
      edits_free(&joined);
      if (none)
        break;
      at += hit * chunk;
      drop(edits, at, chunk);
    }
  }
  edits_free(edits);
}

/* ---- the whole ---------------------------------------------------------------------------------- */

struct reduction *reduce_new(struct model *model, const struct reduce_asker *asker,
                             uint64_t most_runs) {
  struct reduction *r = plan_new(1, sizeof *r);
  *r = (struct reduction){.model = model, .asker = asker, .most = most_runs};
  r->name = stem_of(asker->path);
  r->text = text_now(r);
  return r;
}

static bool fails_now(struct reduction *r) {
  const size_t hit = is_scenario(r, r->text) ? r->asker->first(r->asker->arg, &r->text, 1) : 1;
  r->stopped = hit == REDUCE_STOP;
  r->asked += !r->stopped;
  return hit == 0;
}

enum reduce_result reduce_run(struct reduction *r) {
  if (!fails_now(r))
    return r->stopped ? REDUCE_BOUNDED : REDUCE_PASSES;
  if (!fails_now(r))
    return r->stopped ? REDUCE_BOUNDED : REDUCE_FLAKY;
  size_t before;
  do {
    before = r->n_done;
    steps_duration(r); /* first: what is short is asked about fast */
    steps_leave_out(r);
    steps_merge(r);
    steps_plain(r);
    steps_lists(r);
    steps_numbers(r);
  } while (r->n_done > before && !r->stopped);
  return r->stopped ? REDUCE_BOUNDED : REDUCE_MINIMAL;
}

uint64_t reduce_asked(const struct reduction *r) {
  return r->asked;
}

void reduce_free(struct reduction *r) {
  if (!r)
    return;
  for (size_t i = r->n_done; i > 0; i--) {
    edit_revert(&r->done[i - 1]);
    edit_free(&r->done[i - 1]);
  }
  free(r->done);
  free(r->known);
  free(r->name);
  free(r->text);
  free(r);
}
