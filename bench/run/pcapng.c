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

static int write_all(FILE *to, const void *data, size_t len) {
  if (len == 0 || fwrite(data, 1, len, to) == len)
    return 0;
  if (errno == 0)
    errno = EIO;
  return -1;
}

static int finish(struct block *b, FILE *to) {
  uint32_t total = b->len + 4;
  memcpy(b->bytes + 4, &total, sizeof total);
  put32(b, total);
  return write_all(to, b->bytes, b->len);
}

int pcapng_begin(FILE *to, uint16_t linktype, const char *ifname, const char *application) {
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

/* A block whose body is too large to be copied: head, data, padding, trailer. */
static int write_large(FILE *to, struct block *head, const void *data, uint32_t len) {
  static const uint8_t zero[4];
  uint32_t total = head->len + len + padding(len) + 4;
  memcpy(head->bytes + 4, &total, sizeof total);
  if (write_all(to, head->bytes, head->len) != 0 || write_all(to, data, len) != 0 ||
      write_all(to, zero, padding(len)) != 0)
    return -1;
  return write_all(to, &total, sizeof total);
}

int pcapng_secrets(FILE *to, const char *text, size_t len) {
  if (len == 0)
    return 0;
  if (len > UINT32_MAX - 64) {
    errno = EFBIG;
    return -1;
  }
  struct block dsb = begin(BLOCK_DSB);
  put32(&dsb, SECRETS_TLS_KEYLOG);
  put32(&dsb, (uint32_t)len);
  return write_large(to, &dsb, text, (uint32_t)len);
}

int pcapng_packet(FILE *to, uint64_t time_ns, const uint8_t *data, uint32_t len,
                  uint32_t wire_len) {
  struct block epb = begin(BLOCK_EPB);
  put32(&epb, 0); /* the one interface */
  put32(&epb, (uint32_t)(time_ns >> 32));
  put32(&epb, (uint32_t)time_ns);
  put32(&epb, len);
  put32(&epb, wire_len);
  return write_large(to, &epb, data, len);
}

int pcapng_end(FILE *to, uint64_t time_ns, uint64_t received, uint64_t dropped) {
  struct block isb = begin(BLOCK_ISB);
  put32(&isb, 0);
  put32(&isb, (uint32_t)(time_ns >> 32));
  put32(&isb, (uint32_t)time_ns);
  option(&isb, OPT_ISB_IFRECV, &received, sizeof received);
  option(&isb, OPT_ISB_IFDROP, &dropped, sizeof dropped);
  end_options(&isb);
  return finish(&isb, to);
}
