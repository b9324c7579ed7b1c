/* The datapath compiled natively, in an instance of its own. */
#include <stdlib.h>
#include <string.h>

#include "bench/replay/executor.h"

struct native {
  struct executor executor;
  struct dp_native *dp;
  struct journal_array arrays[JOURNAL_ARRAYS];
  struct outcome *outcome; /* of the run that is on */
  const struct script *within;
  uint64_t access; /* of the run, that comes next */
  size_t next;     /* step of `within` */
};

static struct native *of(struct executor *e) {
  return (struct native *)e;
}

static bool set(struct executor *e, uint32_t array, size_t offset, const void *bytes, size_t len) {
  const struct journal_array *a = &of(e)->arrays[array];
  if (a->at == NULL || offset + len > a->each * a->n)
    return false;
  memcpy(a->at + offset, bytes, len);
  return true;
}

static bool cid_set(struct executor *e, const struct fb_cid_key *key,
                    const struct fb_cid_value *value) {
  return dp_native_cid_set(of(e)->dp, key, value);
}

static bool cid_del(struct executor *e, const struct fb_cid_key *key) {
  return dp_native_cid_delete(of(e)->dp, key);
}

static bool alias_set(struct executor *e, const struct fb_alias_key *key,
                      const struct fb_alias_value *value) {
  return dp_native_alias_set(of(e)->dp, key, value);
}

static bool alias_del(struct executor *e, const struct fb_alias_key *key) {
  return dp_native_alias_delete(of(e)->dp, key);
}

/* ---- runs --------------------------------------------------------------------------------------- */

static void on_access(void *user, const volatile void *word) {
  struct native *n = user;
  (void)word;
  while (n->next < n->within->n && n->within->steps[n->next].access == n->access)
    script_apply(n->within, n->next++, &n->executor);
  n->access++;
}

static void begin(struct native *n, const struct script *within) {
  n->within = within;
  n->access = 0;
  n->next = 0;
  dp_native_on_access(n->dp, within != NULL ? on_access : NULL, n);
}

/* False: it did not come to where something was to happen. */
static bool end(const struct native *n) {
  return n->within == NULL || n->next == n->within->n;
}

static bool take(struct executor *e, struct fb_take *t, const struct script *within) {
  begin(of(e), within);
  dp_native_take_stream(of(e)->dp, t);
  return end(of(e));
}

static int on_emit(void *user, const struct dp_native_copy *copy) {
  struct native *n = user;
  const struct journal_copy head = {copy->slot, copy->gen, copy->ifindex, 0, copy->pn};
  outcome_copy(n->outcome, &head, copy->frame, copy->frame_len);
  return 0;
}

static void on_record(void *user, const void *record, size_t len) {
  outcome_record(user, record, len);
}

static void run(struct executor *e, const uint8_t *frame, size_t len, uint64_t now_ns,
                const struct script *within, struct outcome *o) {
  struct native *n = of(e);
  outcome_clear(o);
  n->outcome = o;
  begin(n, within);
  o->reason = dp_native_frame(n->dp, frame, len, false, now_ns, 0);
  dp_native_drain(n->dp, 0, on_record, o);
  if (!end(n))
    o->failed = true;
}

static const uint8_t *get(struct executor *e, uint32_t array, size_t offset, size_t len) {
  const struct journal_array *a = &of(e)->arrays[array];
  return a->at != NULL && offset + len <= a->each * a->n ? a->at + offset : NULL;
}

static void close_native(struct executor *e) {
  dp_native_free(of(e)->dp);
  free(of(e));
}

struct executor *executor_native(const struct journal_head *head, const char **why) {
  struct native *n = calloc(1, sizeof *n);
  if (n != NULL)
    n->dp = dp_native_new(&head->sizes);
  if (n == NULL || n->dp == NULL) {
    *why = "no memory for an instance of the datapath";
    free(n);
    return NULL;
  }
  n->executor = (struct executor){"native",  set,  cid_set, cid_del, alias_set,
                                  alias_del, take, run,     get,     close_native};
  n->dp->defects = head->defects;
  n->dp->policy = head->policy;
  journal_arrays(n->dp, n->arrays);
  dp_native_on_emit(n->dp, on_emit, n);
  return &n->executor;
}
