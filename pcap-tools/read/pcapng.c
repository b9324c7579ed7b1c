#include "pcap-tools/read/pcapng.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/cursor.h"

enum {
  BLOCK_SHB = 0x0a0d0d0a,
  BLOCK_DSB = 0x0000000a,
  MAGIC = 0x1a2b3c4d,
  TLS_KEY_LOG = 0x544c534b,
  DSB_MAX = 256 << 20, /* a larger block of secrets is damage, not a key log */
};

struct walk {
  FILE *f;
  const char *path;
  bool swapped; /* the section's byte order is not big-endian */
  char *err;
  size_t err_len;
};

static uint32_t number(const struct walk *w, const uint8_t *p) {
  uint32_t v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
  return w->swapped ? __builtin_bswap32(v) : v;
}

static int broken(struct walk *w, long at, const char *what) {
  snprintf(w->err, w->err_len, "%s: damaged pcapng block at offset %ld: %s", w->path, at, what);
  return -1;
}

/* Reads a DSB's body of `body` bytes, the file stands behind type and length. */
static int secrets(struct walk *w, long at, uint32_t body, qp_secrets_fn *fn, void *arg) {
  if (body < 8 || body > DSB_MAX)
    return broken(w, at, "expected a secrets block of 8 bytes to 256 MiB");
  uint8_t *data = malloc(body);
  if (!data)
    return broken(w, at, "no memory for its secrets");
  int result = 0;
  if (fread(data, 1, body, w->f) != body)
    result = broken(w, at, "the file ends inside");
  else if (number(w, data + 4) > body - 8)
    result = broken(w, at, "its secrets are longer than the block");
  else if (number(w, data) == TLS_KEY_LOG)
    fn(arg, (const char *)data + 8, number(w, data + 4));
  free(data);
  return result;
}

/* Returns 1 to go on, 0 at the end, -1 on damage. */
static int block(struct walk *w, qp_secrets_fn *fn, void *arg) {
  uint8_t head[12];
  long at = ftell(w->f);
  size_t got = fread(head, 1, 8, w->f);
  if (got == 0)
    return 0;
  if (got < 8)
    return broken(w, at, "the file ends inside its first 8 bytes");
  uint32_t type = number(w, head);
  if (type == BLOCK_SHB) { /* reads the same in both byte orders */
    if (fread(head + 8, 1, 4, w->f) != 4)
      return broken(w, at, "the file ends inside the section header");
    w->swapped = false;
    if (number(w, head + 8) != MAGIC) {
      w->swapped = true;
      if (number(w, head + 8) != MAGIC)
        return broken(w, at, "expected the byte-order magic 1a2b3c4d");
    }
  }
  uint32_t len = number(w, head + 4);
  if (len < 12 || len % 4)
    return broken(w, at, "its length is below 12 or no multiple of 4");
  if (type == BLOCK_DSB && secrets(w, at, len - 12, fn, arg))
    return -1;
  if (fseek(w->f, at + (long)len, SEEK_SET))
    return broken(w, at, strerror(errno));
  return 1;
}

int qp_pcapng_secrets(const char *path, qp_secrets_fn *fn, void *arg, char *err, size_t err_len) {
  struct walk w = {.path = path, .err = err, .err_len = err_len};
  w.f = fopen(path, "rb");
  if (!w.f) {
    snprintf(err, err_len, "%s: %s", path, strerror(errno));
    return -1;
  }
  uint8_t first[4] = {0};
  int result = 0;
  if (fread(first, 1, 4, w.f) == 4 && number(&w, first) == BLOCK_SHB) {
    rewind(w.f);
    while ((result = block(&w, fn, arg)) == 1)
      ;
    if (!result) {
      /* fseek() goes past the end without a word: compare with the real size */
      long end = ftell(w.f);
      fseek(w.f, 0, SEEK_END);
      if (ftell(w.f) < end)
        result = broken(&w, ftell(w.f), "the file ends inside the last block");
    }
  }
  fclose(w.f);
  return result;
}
