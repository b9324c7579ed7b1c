#include "pcap-tools/track/crypt.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

/* 1-RTT keys of one direction. */
struct phases {
  struct qp_keys previous, now, next;
  bool bit;            /* Key Phase of `now` */
  uint32_t generation; /* of `now` */
  uint32_t misses;     /* packets with the phase of `now` in a row that it did not open */
};

struct qp_crypt {
  const struct qp_keylog *keylog;
  struct qp_cid initial_cid; /* that the Initial keys come from */
  struct qp_keys initial[2], handshake[2], early;
  struct phases app[2];
  uint32_t blind[2]; /* packets for which every suite was tried */
  /* handshake messages; at most HANDSHAKE_MAX bytes of each are read */
  struct qp_reasm crypto[2][QP_SPACE_COUNT];
  uint64_t read[2][QP_SPACE_COUNT];
};

enum { HANDSHAKE_MAX = 1 << 18, PACKET_MAX = 1 << 16 };

/* One buffer for all connections: only one packet is open at a time. */
static uint8_t plain[PACKET_MAX];

struct qp_crypt *qp_crypt_new(const struct qp_keylog *keylog) {
  struct qp_crypt *c = qp_alloc(1, sizeof *c);
  c->keylog = keylog;
  return c;
}

void qp_crypt_free(struct qp_crypt *c) {
  if (!c)
    return;
  for (int side = 0; side < 2; side++) {
    qp_keys_clear(&c->initial[side]);
    qp_keys_clear(&c->handshake[side]);
    qp_keys_clear(&c->app[side].previous);
    qp_keys_clear(&c->app[side].now);
    qp_keys_clear(&c->app[side].next);
    for (int space = 0; space < QP_SPACE_COUNT; space++)
      qp_reasm_clear(&c->crypto[side][space]);
  }
  qp_keys_clear(&c->early);
  free(c);
}

void qp_crypt_initial(struct qp_crypt *c, const struct qp_cid *dcid) {
  c->initial_cid = *dcid;
  qp_keys_clear(&c->initial[QP_CLIENT]);
  qp_keys_clear(&c->initial[QP_SERVER]);
}

/* Derived when they are needed: most of its life a connection has no Initial packets.
 * The version may change in the handshake, RFC 9368 2.3. */
static struct qp_keys *initial_keys(struct qp_crypt *c, unsigned side, uint32_t version) {
  struct qp_secret secrets[2];
  struct qp_keys *keys = &c->initial[side];
  if (!keys->ready || keys->version != version) {
    qp_initial_secrets(version, &c->initial_cid, &secrets[QP_CLIENT], &secrets[QP_SERVER]);
    qp_keys_derive(keys, version, QP_AES_128_GCM, &secrets[side]);
  }
  return keys;
}

/* What the handshake needed and may be had again. */
static void forget_handshake(struct qp_crypt *c) {
  for (unsigned side = 0; side < 2; side++) {
    qp_keys_clear(&c->initial[side]);
    qp_keys_clear(&c->handshake[side]);
  }
}

/* A packet after removal of its header protection. */
struct bared {
  uint8_t header[1 + 4 + 2 + 2 * QP_CID_MAX + 8 + 8 + 4 + 1024];
  size_t header_len;
  unsigned pn_len;
  uint64_t truncated;
};

static bool bare(struct qp_keys *keys, const struct qp_header *h, struct bared *b) {
  uint8_t mask[5];
  if (h->pn_at + 4 > sizeof b->header || h->len < h->pn_at + 4 + 16)
    return false;
  qp_keys_mask(keys, h->start + h->pn_at + 4, mask);
  memcpy(b->header, h->start, h->pn_at + 4);
  b->header[0] ^= mask[0] & (h->type == QP_1RTT ? 0x1f : 0x0f);
  b->pn_len = (b->header[0] & 3u) + 1;
  b->truncated = 0;
  for (unsigned i = 0; i < b->pn_len; i++) {
    b->header[h->pn_at + i] ^= mask[1 + i];
    b->truncated = b->truncated << 8 | b->header[h->pn_at + i];
  }
  b->header_len = h->pn_at + b->pn_len;
  return true;
}

static bool try_open(struct qp_keys *keys, const struct qp_header *h, const struct bared *b,
                     uint64_t pn, struct qp_opened *o) {
  size_t len = h->len - b->header_len;
  if (!keys->ready || len > sizeof plain ||
      !qp_keys_open(keys, pn, b->header, b->header_len, h->start + b->header_len, len, plain))
    return false;
  *o = (struct qp_opened){.first = b->header[0],
                          .pn_len = b->pn_len,
                          .pn = pn,
                          .payload = plain,
                          .len = len - QP_TAG_LEN};
  return true;
}

static const struct qp_numbers *numbers(const struct qp_conn *conn, unsigned side,
                                        enum qp_type type) {
  return &conn->numbers[side][qp_space_of(type)];
}

static uint64_t expand(const struct qp_conn *conn, unsigned side, enum qp_view view,
                       enum qp_type type, uint64_t truncated, unsigned pn_len) {
  const struct qp_numbers *n = numbers(conn, side, type);
  return view == QP_SENT ? qp_pn_expand(truncated, pn_len, n->largest_sent, n->sent.n > 0)
                         : qp_pn_expand(truncated, pn_len, n->largest_reached, n->reached.n > 0);
}

static bool open_with(struct qp_conn *conn, unsigned side, enum qp_view view, struct qp_keys *keys,
                      const struct qp_header *h, struct qp_opened *o) {
  struct bared b;
  if (!keys->ready || !bare(keys, h, &b))
    return false;
  return try_open(keys, h, &b, expand(conn, side, view, h->type, b.truncated, b.pn_len), o);
}

/* Without a ServerHello every suite is tried, but not for ever. */
enum { BLIND_TRIES = 64, SKIP_TRIES = 32 };

/* Installs keys from the log: of the suite that the server chose, or of the first one
 * that opens this packet. A 0-RTT packet has that of an older session. */
static bool install(struct qp_conn *conn, unsigned side, enum qp_view view, struct qp_keys *keys,
                    enum qp_secret_name name, const struct qp_header *h, struct qp_opened *o) {
  static const uint16_t all[] = {QP_AES_128_GCM, QP_CHACHA20_POLY1305, QP_AES_256_GCM,
                                 QP_AES_128_CCM};
  uint32_t version = h->version ? h->version : conn->version;
  uint16_t suite = name == QP_SECRET_CLIENT_EARLY ? 0 : conn->hello.suite;
  const struct qp_secrets *s =
      conn->hello.client_hello ? qp_keylog_find(conn->crypt->keylog, conn->hello.random) : NULL;
  if (!s || (!suite && conn->crypt->blind[side]++ >= BLIND_TRIES))
    return false;
  const bool only = suite && !s->before;
  for (; s; s = qp_keylog_before(conn->crypt->keylog, s)) {
    for (size_t i = 0; s->secret[name].len && i < sizeof all / sizeof *all; i++) {
      if (suite && suite != all[i])
        continue;
      if (!qp_keys_derive(keys, version, all[i], &s->secret[name]) &&
          open_with(conn, side, view, keys, h, o))
        return true;
      if (only)
        return false; /* the next packet may fit */
    }
  }
  qp_keys_clear(keys);
  return false;
}

/* Makes `next` the keys in use. */
static void advance(struct phases *p) {
  qp_keys_clear(&p->previous);
  p->previous = p->now;
  p->now = p->next;
  memset(&p->next, 0, sizeof p->next);
  p->bit = !p->bit;
  p->generation++;
  p->misses = 0;
}

/* The capture may lack all packets of one key phase: is this one of the phase after the
 * next, whose bit is the same? */
static bool open_skipped(struct phases *p, const struct qp_header *h, const struct bared *b,
                         uint64_t pn, struct qp_opened *o) {
  struct qp_keys second = {0};
  if (p->misses++ >= SKIP_TRIES || (!p->next.ready && qp_keys_update(&p->now, &p->next)) ||
      qp_keys_update(&p->next, &second))
    return false;
  if (!try_open(&second, h, b, pn, o)) {
    qp_keys_clear(&second);
    return false;
  }
  advance(p);
  p->next = second;
  advance(p);
  return true;
}

static bool open_phase(struct qp_conn *conn, unsigned side, enum qp_view view,
                       const struct qp_header *h, struct qp_opened *o) {
  struct phases *p = &conn->crypt->app[side];
  struct bared b;
  if (!p->now.ready)
    return install(conn, side, view, &p->now,
                   side == QP_CLIENT ? QP_SECRET_CLIENT_APP : QP_SECRET_SERVER_APP, h, o);
  if (!bare(&p->now, h, &b))
    return false;
  uint64_t pn = expand(conn, side, view, h->type, b.truncated, b.pn_len);
  bool bit = (b.header[0] & 0x04) != 0;
  if (bit == p->bit) {
    bool opened = try_open(&p->now, h, &b, pn, o);
    if (opened)
      p->misses = 0;
    else
      opened = open_skipped(p, h, &b, pn, o);
    o->generation = p->generation;
    return opened;
  }
  if (!p->next.ready)
    qp_keys_update(&p->now, &p->next);
  if (try_open(&p->next, h, &b, pn, o)) {
    advance(p);
    o->generation = p->generation;
    return true;
  }
  bool opened = try_open(&p->previous, h, &b, pn, o);
  o->generation = p->generation - 1;
  return opened;
}

/* The null AEAD of a laboratory: eight zero bytes, which an AEAD's tag does not begin with, and
 * eight of zeros or, if the header has less than four bytes of it, the number. */
static bool null_tag(const struct qp_header *h) {
  static const uint8_t zeros[QP_TAG_LEN / 2];
  return !memcmp(h->start + h->len - QP_TAG_LEN, zeros, sizeof zeros);
}

static bool null_tag_good(const struct qp_header *h, const struct qp_opened *o) {
  struct qp_cur c = qp_cur(h->start + h->len - QP_TAG_LEN / 2, QP_TAG_LEN / 2);
  uint64_t told = qp_be(&c, QP_TAG_LEN / 2);
  return told == 0 || (o->pn_len < 4 && told == o->pn);
}

static bool open_null(struct qp_conn *conn, unsigned side, enum qp_view view,
                      const struct qp_header *h, struct qp_opened *o) {
  struct qp_cur c = qp_cur(h->start + h->pn_at, h->len - h->pn_at - QP_TAG_LEN);
  o->first = h->start[0];
  o->pn_len = (o->first & 3u) + 1;
  uint64_t truncated = qp_be(&c, o->pn_len);
  if (c.bad)
    return false;
  o->pn = expand(conn, side, view, h->type, truncated, o->pn_len);
  o->null_protected = true;
  o->payload = c.p;
  o->len = qp_left(&c);
  return null_tag_good(h, o);
}

bool qp_crypt_open(struct qp_conn *conn, unsigned side, enum qp_view view,
                   const struct qp_header *h, struct qp_opened *o) {
  struct qp_crypt *c = conn->crypt;
  memset(o, 0, sizeof *o);
  switch (h->type) {
  case QP_INITIAL:
    return open_with(conn, side, view, initial_keys(c, side, h->version), h, o);
  case QP_HANDSHAKE:
    if (c->handshake[side].ready)
      return open_with(conn, side, view, &c->handshake[side], h, o);
    return install(conn, side, view, &c->handshake[side],
                   side == QP_CLIENT ? QP_SECRET_CLIENT_HANDSHAKE : QP_SECRET_SERVER_HANDSHAKE, h,
                   o);
  case QP_0RTT:
    if (c->early.ready)
      return open_with(conn, side, view, &c->early, h, o);
    return install(conn, side, view, &c->early, QP_SECRET_CLIENT_EARLY, h, o);
  case QP_1RTT:
    if (side == QP_CLIENT && c->initial[QP_CLIENT].ready)
      forget_handshake(c);
    if (conn->null_protection != 0 && null_tag(h)) {
      conn->null_protection = 1;
      return open_null(conn, side, view, h, o);
    }
    return conn->null_protection != 1 && open_phase(conn, side, view, h, o);
  default:
    return false;
  }
}

void qp_crypt_handshake(struct qp_conn *conn, unsigned side, enum qp_space space, uint64_t off,
                        const uint8_t *data, size_t len) {
  struct qp_crypt *c = conn->crypt;
  struct qp_reasm *r = &c->crypto[side][space];
  struct qp_overlap overlap;
  if (space == QP_SPACE_APP || off + len > HANDSHAKE_MAX)
    return;
  qp_reasm_add(r, off, data, len, &overlap);
  uint64_t end = qp_reasm_contiguous(r);
  static uint8_t message[HANDSHAKE_MAX];
  while (c->read[side][space] < end) {
    uint64_t at = c->read[side][space];
    size_t n = qp_reasm_read(r, at, message, (size_t)(end - at));
    size_t used = qp_hello_message(&conn->hello, message, n);
    if (!used)
      break;
    c->read[side][space] += used;
  }
  qp_reasm_drop(r, c->read[side][space]);
  const char *alpn = conn->hello.alpn_chosen[0] ? conn->hello.alpn_chosen : conn->hello.alpn;
  if (alpn[0])
    conn->moqt = !strncmp(alpn, "moqt", 4);
}
