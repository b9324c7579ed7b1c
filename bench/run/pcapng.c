#include "bench/run/pcapng.h"

#include <errno.h>
#include <string.h>

#define BLOCK_SHB          0x0A0D0D0Au
#define BLOCK_IDB          0x00000001u
#define BLOCK_ISB          0x00000005u
#define BLOCK_EPB          0x00000006u
#define BLOCK_DSB          0x0000000Au
#define BYTE_ORDER_MAGIC   0x1A2B3C4Du
#define SECRETS_TLS_KEYLOG 0x544C534Bu
#define OPT_END            0
#define OPT_SHB_USERAPPL   4
#define OPT_IF_NAME        2
#define OPT_IF_TSRESOL     9
#define OPT_ISB_IFRECV     4
#define OPT_ISB_IFDROP     5
#define TSRESOL_NS         9
#define MAX_TEXT           256 /* of one option */

/* A block of small, bounded size under construction, without its trailer. */
struct block {
  uint8_t bytes[64 + 2 * MAX_TEXT];
  uint32_t len;
};

static void put(struct block *b, const void *data, uint32_t len) {
  memcpy(b->bytes + b->len, data, len);
  b->len += len;
}

static void put16(struct block *b, uint16_t v) {
  put(b, &v, sizeof v);
}

static void put32(struct block *b, uint32_t v) {
  put(b, &v, sizeof v);
}

static void put64(struct block *b, uint64_t v) {
  put(b, &v, sizeof v);
}

static uint32_t padding(size_t len) {
  return (uint32_t)(-len & 3);
}

static void option(struct block *b, uint16_t code, const void *value, uint16_t len) {
  static const uint8_t zero[4];
  put16(b, code);
  put16(b, len);
  put(b, value, len);
  put(b, zero, padding(len));
}

static void text_option(struct block *b, uint16_t code, const char *text) {
  size_t len = strlen(text);
  option(b, code, text, (uint16_t)(len < MAX_TEXT ? len : MAX_TEXT));
}

static void end_options(struct block *b) {
  option(b, OPT_END, "", 0);
}

static struct block begin(uint32_t type) {
  struct block b = {.len = 0};
  put32(&b, type);
  put32(&b, 0); /* total length, known at the end */
  return b;
}

static int write_all(const struct pcapng_sink *to, const void *data, size_t len) {
  return len > 0 ? to->put(to->arg, data, len) : 0;
}

static int finish(struct block *b, const struct pcapng_sink *to) {
  uint32_t total = b->len + 4;
  memcpy(b->bytes + 4, &total, sizeof total);
  put32(b, total);
  return write_all(to, b->bytes, b->len);
}

int pcapng_begin(const struct pcapng_sink *to, uint16_t linktype, const char *ifname,
                 const char *application) {
  struct block shb = begin(BLOCK_SHB);
  put32(&shb, BYTE_ORDER_MAGIC);
  put16(&shb, 1);
  put16(&shb, 0);
  put64(&shb, UINT64_MAX); /* section length: not known */
  text_option(&shb, OPT_SHB_USERAPPL, application);
  end_options(&shb);
  if (finish(&shb, to) != 0)
    return -1;
  const uint8_t resolution = TSRESOL_NS;
  struct block idb = begin(BLOCK_IDB);
  put16(&idb, linktype);
  put16(&idb, 0);
  put32(&idb, 0); /* snaplen: none */
  text_option(&idb, OPT_IF_NAME, ifname);
  option(&idb, OPT_IF_TSRESOL, &resolution, sizeof resolution);
  end_options(&idb);
  return finish(&idb, to);
}

/* A block of `n` words and a body: its second word, the length, is filled in. */
static int write_large(const struct pcapng_sink *to, uint32_t *head, size_t n, const void *data,
                       uint32_t len) {
  const uint32_t pad = padding(len);
  const uint32_t total = (uint32_t)(n * sizeof *head) + len + pad + 4;
  uint8_t tail[3 + 4] = {0};
  memcpy(tail + pad, &total, sizeof total);
  head[1] = total;
  int rc = write_all(to, head, n * sizeof *head);
  if (rc == 0)
    rc = write_all(to, data, len);
  return rc == 0 ? write_all(to, tail, pad + 4) : rc;
}

int pcapng_secrets(const struct pcapng_sink *to, const char *text, size_t len) {
  if (len == 0)
    return 0;
  if (len > UINT32_MAX - 64) {
    errno = EFBIG;
    return -1;
  }
  uint32_t head[] = {BLOCK_DSB, 0, SECRETS_TLS_KEYLOG, (uint32_t)len};
  return write_large(to, head, 4, text, (uint32_t)len);
}

int pcapng_packet(const struct pcapng_sink *to, uint64_t time_ns, const uint8_t *data, uint32_t len,
                  uint32_t wire_len) {
  /* the one interface, then the time in two halves */
  uint32_t head[] = {BLOCK_EPB, 0, 0, (uint32_t)(time_ns >> 32), (uint32_t)time_ns, len, wire_len};
  return write_large(to, head, 7, data, len);
}

int pcapng_end(const struct pcapng_sink *to, uint64_t time_ns, uint64_t received,
               uint64_t dropped) {
  struct block isb = begin(BLOCK_ISB);
  put32(&isb, 0);
  put32(&isb, (uint32_t)(time_ns >> 32));
  put32(&isb, (uint32_t)time_ns);
  option(&isb, OPT_ISB_IFRECV, &received, sizeof received);
  option(&isb, OPT_ISB_IFDROP, &dropped, sizeof dropped);
  end_options(&isb);
  return finish(&isb, to);
}
