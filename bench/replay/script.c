#include "bench/replay/script.h"

#include <stdlib.h>
#include <string.h>

#include "bench/replay/executor.h"

/* False: no memory. */
static bool grow(void **at, size_t *room, size_t need, size_t each) {
  if (need <= *room)
    return true;
  void *grown = realloc(*at, 2 * need * each);
  if (grown == NULL)
    return false;
  *at = grown;
  *room = 2 * need;
  return true;
}

void script_add(struct script *s, const struct script_step *step, const void *bytes) {
  if (!grow((void **)&s->steps, &s->room, s->n + 1, sizeof *s->steps) ||
      !grow((void **)&s->bytes, &s->bytes_room, s->len + step->len, 1)) {
    s->failed = true;
    return;
  }
  s->steps[s->n] = *step;
  s->steps[s->n++].at = s->len;
  memcpy(s->bytes + s->len, bytes, step->len);
  s->len += step->len;
}

void script_cut(struct script *s, size_t n) {
  if (n < s->n)
    s->len = s->steps[n].at;
  s->n = n;
  s->failed = false;
}

void script_free(struct script *s) {
  free(s->steps);
  free(s->bytes);
  *s = (struct script){0};
}

bool script_apply(const struct script *s, size_t step, struct executor *e) {
  const struct script_step *at = &s->steps[step];
  const uint8_t *bytes = s->bytes + at->at;
  struct fb_cid_key cid;
  struct fb_cid_value cid_value;
  struct fb_alias_key alias;
  struct fb_alias_value alias_value;
  switch (at->kind) {
  case JOURNAL_CID_SET:
    memcpy(&cid, bytes, sizeof cid);
    memcpy(&cid_value, bytes + sizeof cid, sizeof cid_value);
    return e->cid_set(e, &cid, &cid_value);
  case JOURNAL_CID_DEL:
    memcpy(&cid, bytes, sizeof cid);
    return e->cid_del(e, &cid);
  case JOURNAL_ALIAS_SET:
    memcpy(&alias, bytes, sizeof alias);
    memcpy(&alias_value, bytes + sizeof alias, sizeof alias_value);
    return e->alias_set(e, &alias, &alias_value);
  case JOURNAL_ALIAS_DEL:
    memcpy(&alias, bytes, sizeof alias);
    return e->alias_del(e, &alias);
  default:
    return e->set(e, at->array, at->offset, bytes, at->len);
  }
}
