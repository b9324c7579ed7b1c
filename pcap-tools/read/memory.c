#include "pcap-tools/read/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t bytes) {
  fprintf(stderr, "judge: no memory for %zu bytes; judge fewer or smaller captures\n", bytes);
  exit(3);
}

void qp_grow(void **array, size_t *room, size_t want, size_t size) {
  size_t bytes;
  if (want <= *room)
    return;
  size_t more = *room ? *room * 2 : size < 128 ? 4 : 1; /* many arrays stay at one */
  if (more < want)
    more = want;
  void *p = __builtin_mul_overflow(more, size, &bytes) ? NULL : realloc(*array, bytes);
  if (!p)
    out_of_memory(more * size);
  *array = p;
  *room = more;
}

void *qp_alloc(size_t n, size_t size) {
  void *p = calloc(n ? n : 1, size);
  if (!p)
    out_of_memory(n * size);
  return p;
}

void *qp_alloc_plain(size_t bytes) {
  void *p = malloc(bytes ? bytes : 1);
  if (!p)
    out_of_memory(bytes);
  return p;
}

char *qp_copy_text(const char *text) {
  char *p = strdup(text);
  if (!p)
    out_of_memory(strlen(text) + 1);
  return p;
}

char *qp_text(const char *format, ...) {
  va_list args;
  char *text = NULL;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0)
    out_of_memory(strlen(format));
  return text;
}
