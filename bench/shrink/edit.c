#include "bench/shrink/edit.h"

#include <stdlib.h>

#include "bench/scenario/memory.h"

void edit_put(struct edit *edit, void *at, const void *bytes, size_t len) {
  edit->patches = plan_grow(edit->patches, edit->n, sizeof *edit->patches);
  edit->patches[edit->n++] =
      (struct patch){.at = at, .bytes = plan_copy_bytes(bytes, len), .len = len};
}

void edit_join(struct edit *edit, const struct edit *more) {
  for (size_t i = 0; i < more->n; i++)
    edit_put(edit, more->patches[i].at, more->patches[i].bytes, more->patches[i].len);
}

static void swap(struct patch *patch) {
  unsigned char *at = patch->at;
  for (size_t i = 0; i < patch->len; i++) {
    const unsigned char was = at[i];
    at[i] = patch->bytes[i];
    patch->bytes[i] = was;
  }
}

void edit_apply(struct edit *edit) {
  for (size_t i = 0; i < edit->n; i++)
    swap(&edit->patches[i]);
}

/* Backwards, so that overlapping places come back. */
void edit_revert(struct edit *edit) {
  for (size_t i = edit->n; i > 0; i--)
    swap(&edit->patches[i - 1]);
}

void edit_free(struct edit *edit) {
  for (size_t i = 0; i < edit->n; i++)
    free(edit->patches[i].bytes);
  free(edit->patches);
  *edit = (struct edit){0};
}
