#include "bench/scenario/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p) {
  if (!p) {
    fputs("scenario: out of memory\n", stderr);
    abort();
  }
  return p;
}

void *plan_new(size_t n, size_t size) {
  return must(calloc(n ? n : 1, size ? size : 1));
}

void *plan_copy_bytes(const void *from, size_t len) {
  void *to = plan_new(1, len);
  if (len)
    memcpy(to, from, len);
  return to;
}

char *plan_copy_text(const char *text) {
  return plan_copy_bytes(text, strlen(text) + 1);
}

void *plan_grow(void *array, size_t n, size_t size) {
  /* Capacities are 0, 4, 8, 16 ...: full exactly when n is one of them. */
  if (n == 0)
    array = must(reallocarray(array, 4, size));
  else if (n >= 4 && (n & (n - 1)) == 0)
    array = must(reallocarray(array, n * 2, size));
  memset((char *)array + n * size, 0, size);
  return array;
}
