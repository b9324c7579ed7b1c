#include "pcap-tools/t/tape.h"

#include <wolfssl/options.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

#include <cmocka.h>

enum { START_S = 1700000000, RELAY_PORT = 4433, CLIENT_PORT = 20000 };

struct tape *tape_new(void) {
  struct tape *t = calloc(1, sizeof *t);
  t->now_ns = (uint64_t)START_S * 1000000000u;
  return t;
}

void tape_free(struct tape *t) {
  for (size_t i = 0; i < t->n; i++)
    free(t->frames[i].data);
  free(t->frames);
  free(t);
}

/* ---- below QUIC --------------------------------------------------------- */

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum) {
  for (size_t i = 0; i < len; i++)
    sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

static void put16(uint8_t *p, unsigned v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static void add_frame(struct tape *t, unsigned file, uint64_t time_ns, const uint8_t *data,
                      size_t len) {
  if (t->n == t->room) {
    t->room = t->room ? t->room * 2 : 64;
    t->frames = realloc(t->frames, t->room * sizeof *t->frames);
  }
  struct tape_frame *f = &t->frames[t->n++];
  *f = (struct tape_frame){.time_ns = time_ns, .file = file, .len = len, .data = malloc(len)};
  memcpy(f->data, data, len);
}

static void say_udp(struct tape_conn *c, unsigned side, const uint8_t *payload, size_t len,
                    const struct tape_packet *p) {
  struct tape *t = c->tape;
  uint8_t f[14 + 20 + 8 + 65536] = {0};
  uint8_t *ip = f + 14, *udp = ip + 20;
  uint8_t ends[2][4] = {{10, 0, 0, (uint8_t)(p->host ? p->host : c->host)},
                        {10, 0, 0, (uint8_t)(p->relay ? p->relay : 1)}};
  unsigned ports[2] = {p->port ? p->port : CLIENT_PORT, RELAY_PORT};
  put16(f + 12, 0x0800);
  ip[0] = 0x45;
  put16(ip + 2, (unsigned)(28 + len));
  ip[8] = 64;
  ip[9] = 17;
  memcpy(ip + 12, ends[side], 4);
  memcpy(ip + 16, ends[!side], 4);
  put16(ip + 10, 0xffff ^ sum16(ip, 20, 0));
  put16(udp, ports[side]);
  put16(udp + 2, ports[!side]);
  put16(udp + 4, (unsigned)(8 + len));
  memcpy(udp + 8, payload, len);
  uint32_t pseudo = sum16(ip + 12, 8, (uint32_t)(17 + 8 + len));
  put16(udp + 6, p->partial_checksum ? pseudo : 0xffff ^ sum16(udp, 8 + len, pseudo));
  if (p->bad_checksum)
    udp[7] ^= 0x55;
  t->now_ns += 1000000;
  add_frame(t, c->file[side], t->now_ns, f, 42 + len);
  if (c->split && !p->lost)
    tape_also_in(t, c->file[!side], 100000);
}

void tape_fix_checksum(struct tape_frame *frame) {
  uint8_t *ip = frame->data + 14, *udp = ip + 20;
  size_t len = frame->len - 34;
  put16(udp + 6, 0);
  put16(udp + 6, 0xffff ^ sum16(udp, len, sum16(ip + 12, 8, (uint32_t)(17 + len))));
}

void tape_glue(struct tape *t, size_t n) {
  struct tape_frame *first = &t->frames[t->n - n];
  for (size_t i = 1; i < n; i++) {
    struct tape_frame *f = &first[i];
    first->data = realloc(first->data, first->len + f->len - 42);
    memcpy(first->data + first->len, f->data + 42, f->len - 42);
    first->len += f->len - 42;
    free(f->data);
  }
  t->n -= n - 1;
  uint8_t *ip = first->data + 14;
  put16(ip + 2, (unsigned)first->len - 14);
  put16(ip + 10, 0);
  put16(ip + 10, 0xffff ^ sum16(ip, 20, 0));
  put16(ip + 24, (unsigned)first->len - 34);
  tape_fix_checksum(first);
}

void tape_also_in(struct tape *t, unsigned file, uint64_t later_ns) {
  struct tape_frame f = t->frames[t->n - 1];
  add_frame(t, file, f.time_ns + later_ns, f.data, f.len);
}

/* ---- QUIC packets ------------------------------------------------------- */

/* RFC 3610 with 12 bytes of nonce, 16 of tag, one block after the other. */
static void seal_ccm(struct qp_keys *k, const uint8_t *nonce, const uint8_t *header,
                     size_t header_len, const uint8_t *in, size_t len, uint8_t *out) {
  uint8_t x[16] = {0x7a}, a[16] = {2}, s[16], front[256] = {(uint8_t)(header_len >> 8)};
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesSetKey(&aes, k->key, 16, NULL, AES_ENCRYPTION), 0);
  memcpy(x + 1, nonce, 12);
  memcpy(a + 1, nonce, 12);
  put16(x + 14, (unsigned)len);
  front[1] = (uint8_t)header_len;
  memcpy(front + 2, header, header_len);
  wc_AesEcbEncrypt(&aes, x, x, 16);
  for (size_t at = 0; at < header_len + 2; at += 16) {
    for (size_t i = 0; i < 16; i++)
      x[i] ^= front[at + i];
    wc_AesEcbEncrypt(&aes, x, x, 16);
  }
  for (size_t at = 0; at < len; at++) {
    x[at % 16] ^= in[at];
    if (at % 16 == 15 || at + 1 == len)
      wc_AesEcbEncrypt(&aes, x, x, 16);
    if (at % 16 == 0) {
      put16(a + 14, (unsigned)(at / 16 + 1));
      wc_AesEcbEncrypt(&aes, s, a, 16);
    }
    out[at] = in[at] ^ s[at % 16];
  }
  put16(a + 14, 0);
  wc_AesEcbEncrypt(&aes, s, a, 16);
  for (size_t i = 0; i < 16; i++)
    out[len + i] = x[i] ^ s[i];
  wc_AesFree(&aes);
}

static void seal(struct qp_keys *k, uint64_t pn, const uint8_t *header, size_t header_len,
                 const uint8_t *in, size_t len, uint8_t *out) {
  uint8_t nonce[12];
  memcpy(nonce, k->iv, 12);
  for (int i = 0; i < 8; i++)
    nonce[4 + i] ^= (uint8_t)(pn >> (56 - 8 * i));
  if (k->suite == QP_CHACHA20_POLY1305) {
    assert_int_equal(wc_ChaCha20Poly1305_Encrypt(k->key, nonce, header, (word32)header_len, in,
                                                 (word32)len, out, out + len),
                     0);
    return;
  }
  if (k->suite == QP_AES_128_CCM) {
    seal_ccm(k, nonce, header, header_len, in, len, out);
    return;
  }
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesGcmSetKey(&aes, k->key, (word32)k->key_len), 0);
  assert_int_equal(wc_AesGcmEncrypt(&aes, out, in, (word32)len, nonce, 12, out + len, 16, header,
                                    (word32)header_len),
                   0);
  wc_AesFree(&aes);
}

/* header: with 4 number bytes at its end. Writes the protected packet; its length. */
static size_t protect(struct qp_keys *k, struct word header, unsigned pn_len, uint64_t pn,
                      const struct word *frames, uint8_t *out) {
  uint8_t mask[5];
  size_t pn_at = header.len - pn_len;
  struct word body = *frames;
  while (body.len + pn_len < 4)
    body.b[body.len++] = 0;
  memcpy(out, header.b, header.len);
  seal(k, pn, header.b, header.len, body.b, body.len, out + header.len);
  qp_keys_mask(k, out + pn_at + 4, mask);
  out[0] ^= mask[0] & (header.b[0] & 0x80 ? 0x0f : 0x1f);
  for (unsigned i = 0; i < pn_len; i++)
    out[pn_at + i] ^= mask[1 + i];
  return header.len + body.len + 16;
}

static struct word number(uint64_t pn, unsigned len) {
  struct word w = {.len = len};
  for (unsigned i = 0; i < len; i++)
    w.b[i] = (uint8_t)(pn >> (8 * (len - 1 - i)));
  return w;
}

static struct word cid_word(const struct qp_cid *cid) {
  return w_bytes(cid->data, cid->len);
}

static void log_secret(struct tape_conn *c, const char *label, const struct qp_secret *s) {
  char *p = c->tape->secrets + strlen(c->tape->secrets);
  p += sprintf(p, "%s ", label);
  for (int i = 0; i < 32; i++)
    p += sprintf(p, "%02x", c->random[i]);
  *p++ = ' ';
  for (int i = 0; i < s->len; i++)
    p += sprintf(p, "%02x", s->data[i]);
  sprintf(p, "\n");
}

/* A packet with a long header; token: of an Initial, NULL for other types. */
static void say_long(struct tape_conn *c, unsigned side, unsigned type, const struct word *token,
                     struct qp_keys *keys, uint64_t pn, const struct word *frames) {
  uint8_t out[WORD_MAX + 256];
  /* the client does not know the server's ID in its first flight */
  const struct qp_cid *to = side == TAPE_SERVER ? &c->cid[TAPE_CLIENT]
                            : c->retried.len    ? &c->retried
                                                : &c->odcid;
  const struct qp_cid *from = &c->cid[side];
  bool v2 = c->version == QP_VERSION_2;
  uint8_t first = (uint8_t)(0xc3 | ((type + v2) & 3) << 4);
  size_t length = 4 + frames->len + 16;
  struct word version = v2 ? w_hex("6b3343cf") : w_hex("00000001"), none = {.len = 0};
  struct word header =
      JOIN(w_bytes(&first, 1), version, w_bytes(&to->len, 1), cid_word(to), w_bytes(&from->len, 1),
           cid_word(from), token ? JOIN(w_varint(token->len), *token) : none,
           number(0x4000 | length, 2), number(pn, 4));
  size_t n = protect(keys, header, 4, pn, frames, out);
  say_udp(c, side, out, n, &(struct tape_packet){0});
}

void tape_say_initial_with(struct tape_conn *c, unsigned side, uint64_t pn, struct word token,
                           struct word frames) {
  struct qp_secret secrets[2];
  struct qp_keys keys = {0};
  qp_initial_secrets(c->version, c->retried.len ? &c->retried : &c->odcid, &secrets[0],
                     &secrets[1]);
  assert_int_equal(qp_keys_derive(&keys, c->version, QP_AES_128_GCM, &secrets[side]), 0);
  say_long(c, side, 0, &token, &keys, pn, &frames);
  qp_keys_clear(&keys);
}

void tape_say_initial(struct tape_conn *c, unsigned side, uint64_t pn, struct word frames) {
  tape_say_initial_with(c, side, pn, (struct word){.len = 0}, frames);
}

void tape_say_0rtt(struct tape_conn *c, uint64_t pn, struct word frames) {
  struct qp_secret s = {.len = 32, .data = {0x0e}};
  struct qp_keys keys = {0};
  assert_int_equal(qp_keys_derive(&keys, c->version, QP_AES_128_GCM, &s), 0);
  log_secret(c, "CLIENT_EARLY_TRAFFIC_SECRET", &s);
  say_long(c, TAPE_CLIENT, 1, NULL, &keys, pn, &frames);
  qp_keys_clear(&keys);
}

void tape_say(struct tape_conn *c, unsigned side, struct tape_packet p) {
  uint8_t out[WORD_MAX + 256];
  unsigned pn_len = p.pn_len ? p.pn_len : 4;
  uint64_t pn = p.pn ? p.pn : c->pn[side];
  c->pn[side] = pn + 1;
  uint8_t first = (uint8_t)(0x40 | (pn_len - 1) | (c->key_phase ? 4 : 0));
  struct word header =
      JOIN(w_bytes(&first, 1), cid_word(p.dcid ? p.dcid : &c->cid[!side]), number(pn, pn_len));
  size_t n;
  if (c->keys[side].ready) {
    n = protect(&c->keys[side], header, pn_len, pn, &p.frames, out);
  } else {
    memcpy(out, header.b, header.len);
    memcpy(out + header.len, p.frames.b, p.frames.len);
    n = header.len + p.frames.len;
    while (n < header.len + 4)
      out[n++] = 0;
    memset(out + n, 0, 16);
    n += 16;
  }
  if (p.spoil_tag)
    out[n - 1] ^= 1;
  say_udp(c, side, out, n, &p);
}

/* ---- handshake ---------------------------------------------------------- */

static struct word u16(size_t v) {
  return number(v, 2);
}

static struct word tls_message(uint8_t type, struct word body) {
  return JOIN(w_bytes(&type, 1), number(body.len, 3), body);
}

static struct word client_hello(const struct tape_conn *c) {
  const char *name = c->tape->alpn ? c->tape->alpn : "moqt-20";
  size_t n = strlen(name);
  struct word alpn = JOIN(w_hex("0010"), u16(n + 3), u16(n + 1), number(n, 1), w_bytes(name, n));
  /* 1 MiB for all, 256 KiB for a stream, 1,000 streams, max_datagram_frame_size 65535 */
  struct word wide = w_hex(
      "04 04 80100000 05 04 80040000 06 04 80040000 07 04 80040000"
      "08 02 43e8 09 02 43e8 20 04 8000ffff");
  struct word params = c->tape->client_params.len ? c->tape->client_params : wide;
  struct word ext = JOIN(alpn, w_hex("0039"), u16(params.len), params);
  return tls_message(1, JOIN(w_hex("0303"), w_bytes(c->random, 32), w_hex("00 0002 1301 0100"),
                             u16(ext.len), ext));
}

static struct word server_hello(uint16_t suite) {
  struct word random = {.len = 32};
  return tls_message(2, JOIN(w_hex("0303"), random, w_hex("00"), u16(suite), w_hex("00 0000")));
}

static struct qp_cid make_cid(unsigned kind, unsigned conn, uint8_t len) {
  struct qp_cid cid = {.len = len};
  memset(cid.data, (int)(0x10 * kind), len);
  cid.data[0] = (uint8_t)(0xc0 | kind);
  cid.data[1] = (uint8_t)conn;
  return cid;
}

static struct tape_conn begin(struct tape *t) {
  unsigned n = ++t->n_conns;
  struct tape_conn c = {.tape = t, .host = n + 1, .version = QP_VERSION_1};
  c.odcid = make_cid(1, n, 8);
  c.cid[TAPE_CLIENT] = make_cid(2, n, 8);
  c.cid[TAPE_SERVER] = make_cid(3, n, 20);
  memset(c.random, (int)n, sizeof c.random);
  c.pn[0] = c.pn[1] = 1;
  return c;
}

void tape_shake(struct tape_conn *c, uint16_t suite) {
  tape_say_initial(c, TAPE_CLIENT, 0, FRAMES(w_crypto(0, client_hello(c)), w_padding(1000)));
  tape_say_initial(c, TAPE_SERVER, 0,
                   FRAMES(w_ack(0, 0), w_crypto(0, server_hello(suite)), w_padding(1000)));
}

struct tape_conn tape_conn(struct tape *t) {
  struct tape_conn c = begin(t);
  tape_shake(&c, QP_AES_128_GCM);
  return c;
}

struct tape_conn tape_conn_again(const struct tape_conn *older) {
  struct tape_conn c = begin(older->tape);
  c.host = older->host;
  tape_shake(&c, QP_AES_128_GCM);
  return c;
}

struct tape_conn tape_conn_unanswered(struct tape *t) {
  struct tape_conn c = begin(t);
  tape_say_initial(&c, TAPE_CLIENT, 0, FRAMES(w_crypto(0, client_hello(&c)), w_padding(1000)));
  return c;
}

struct tape_conn tape_conn_split(struct tape *t, unsigned client_file, unsigned server_file) {
  struct tape_conn c = begin(t);
  c.file[TAPE_CLIENT] = client_file;
  c.file[TAPE_SERVER] = server_file;
  c.split = true;
  tape_shake(&c, QP_AES_128_GCM);
  return c;
}

struct tape_conn tape_conn_silent(struct tape *t) {
  return begin(t);
}

struct tape_conn tape_conn_tls(struct tape *t, uint16_t suite) {
  return tape_conn_version(t, suite, QP_VERSION_1);
}

void tape_say_retry(struct tape_conn *c, const struct qp_cid *scid, bool spoil_tag) {
  static const char *const keys[2][2] = {
      {"be0c690b9f66575a1d766b54e368c84e", "461599d35d632bf2239825bb"},
      {"8fb4b01b56ac48e260fbcbcead7ccc92", "d86969bc2d7c6d9990efb04a"}};
  bool v2 = c->version == QP_VERSION_2;
  struct word front = v2 ? w_hex("cf 6b3343cf") : w_hex("ff 00000001");
  struct word retry =
      JOIN(front, w_bytes(&c->cid[TAPE_CLIENT].len, 1), cid_word(&c->cid[TAPE_CLIENT]),
           w_bytes(&scid->len, 1), cid_word(scid), w_hex("746f6b656e"));
  struct word aad = JOIN(w_bytes(&c->odcid.len, 1), cid_word(&c->odcid), retry);
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesGcmSetKey(&aes, w_hex(keys[v2][0]).b, 16), 0);
  assert_int_equal(wc_AesGcmEncrypt(&aes, NULL, NULL, 0, w_hex(keys[v2][1]).b, 12,
                                    retry.b + retry.len, 16, aad.b, (word32)aad.len),
                   0);
  wc_AesFree(&aes);
  retry.b[retry.len] ^= spoil_tag;
  say_udp(c, TAPE_SERVER, retry.b, retry.len + 16, &(struct tape_packet){0});
  if (!spoil_tag)
    c->retried = *scid;
}

void tape_protect(struct tape_conn *c, uint16_t suite) {
  static const char *const labels[2] = {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
  for (unsigned side = 0; side < 2; side++) {
    struct qp_secret s = {.len = suite == QP_AES_256_GCM ? 48 : 32};
    memset(s.data, (int)(0x40 + 2 * c->tape->n_conns + side), s.len);
    assert_int_equal(qp_keys_derive(&c->keys[side], c->version, suite, &s), 0);
    log_secret(c, labels[side], &s);
  }
}

struct tape_conn tape_conn_version(struct tape *t, uint16_t suite, uint32_t version) {
  struct tape_conn c = begin(t);
  c.version = version;
  tape_protect(&c, suite);
  tape_shake(&c, suite);
  return c;
}

void tape_conn_free(struct tape_conn *c) {
  qp_keys_clear(&c->keys[0]);
  qp_keys_clear(&c->keys[1]);
}

void tape_update_keys(struct tape_conn *c) {
  for (unsigned side = 0; side < 2; side++) {
    struct qp_keys next = {0};
    assert_int_equal(qp_keys_update(&c->keys[side], &next), 0);
    qp_keys_clear(&c->keys[side]);
    c->keys[side] = next;
  }
  c->key_phase = !c->key_phase;
}

/* ---- files -------------------------------------------------------------- */

static void put(FILE *f, const void *data, size_t len) {
  assert_int_equal(fwrite(data, 1, len, f), len);
}

static void block(FILE *f, uint32_t type, const void *fixed, size_t fixed_len, const void *data,
                  size_t len) {
  static const uint8_t zeros[4];
  size_t pad = (4 - len % 4) % 4;
  uint32_t total = (uint32_t)(12 + fixed_len + len + pad);
  put(f, &type, 4);
  put(f, &total, 4);
  put(f, fixed, fixed_len);
  if (len)
    put(f, data, len);
  put(f, zeros, pad);
  put(f, &total, 4);
}

void tape_write(const struct tape *t, const char *path, unsigned file, size_t snap) {
  static const uint32_t shb[4] = {0x1a2b3c4d, 0x00000001, 0xffffffff, 0xffffffff};
  /* Ethernet, no snap length, if_tsresol 9 */
  static const uint32_t idb[5] = {1, 0, 0x00010009, 9, 0};
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  block(f, 0x0a0d0d0a, shb, sizeof shb, "", 0);
  size_t n = strlen(t->secrets);
  if (n) {
    uint32_t dsb[2] = {0x544c534b, (uint32_t)n};
    block(f, 0x0a, dsb, sizeof dsb, t->secrets, n);
  }
  block(f, 1, idb, sizeof idb, "", 0);
  for (size_t i = 0; i < t->n; i++) {
    const struct tape_frame *p = &t->frames[i];
    size_t kept = snap && snap < p->len ? snap : p->len;
    uint32_t epb[5] = {0, (uint32_t)(p->time_ns >> 32), (uint32_t)p->time_ns, (uint32_t)kept,
                       (uint32_t)p->len};
    if (p->file == file)
      block(f, 6, epb, sizeof epb, p->data, kept);
  }
  assert_int_equal(fclose(f), 0);
}

static char dir[64];

static void remove_dir(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  if (system(command))
    fprintf(stderr, "could not remove %s\n", dir);
}

const char *tape_dir(void) {
  if (!*dir) {
    snprintf(dir, sizeof dir, "/tmp/judge-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    atexit(remove_dir);
  }
  return dir;
}

/* ---- judging ------------------------------------------------------------ */

struct judge_report *tape_judge(const struct tape *t, unsigned n_files) {
  char paths[8][96], err[512] = "";
  const char *files[8];
  struct judge_report *r = NULL;
  for (unsigned i = 0; i < n_files; i++) {
    snprintf(paths[i], sizeof paths[i], "%s/tape-%u.pcapng", tape_dir(), i);
    files[i] = paths[i];
    tape_write(t, paths[i], i, 0);
  }
  if (judge_captures(files, n_files, NULL, &r, err, sizeof err))
    fail_msg("%s", err);
  return r;
}

const struct judge_check *tape_check(const struct judge_report *r, const char *name) {
  for (size_t i = 0; i < r->n_checks; i++)
    if (!strcmp(r->checks[i].name, name))
      return &r->checks[i];
  fail_msg("no check %s", name);
  return NULL;
}

static unsigned files_of(const struct tape *t) {
  unsigned n = 0;
  for (size_t i = 0; i < t->n; i++)
    n = t->frames[i].file > n ? t->frames[i].file : n;
  return n + 1;
}

void tape_expect(const struct tape *t, const char *check, enum judge_result result,
                 uint64_t examined) {
  struct judge_report *r = tape_judge(t, files_of(t));
  const struct judge_check *c = tape_check(r, check);
  if (c->result != result && c->n_findings)
    print_error("%s: %s: expected %s, found %s (%s)\n", check, c->findings[0].field,
                c->findings[0].expected, c->findings[0].actual, c->findings[0].explain);
  assert_int_equal(c->result, result);
  if (c->examined < examined)
    fail_msg("%s: expected %llu or more examined, found %llu", check, (unsigned long long)examined,
             (unsigned long long)c->examined);
  judge_report_free(r);
}

void tape_expect_finding(const struct tape *t, const char *check, const char *field,
                         const char *actual) {
  struct judge_report *r = tape_judge(t, files_of(t));
  const struct judge_check *c = tape_check(r, check);
  assert_int_equal(c->result, JUDGE_FAIL);
  assert_string_equal(c->findings[0].field, field);
  if (!strstr(c->findings[0].actual, actual))
    fail_msg("%s: expected \"...%s...\", found \"%s\"", check, actual, c->findings[0].actual);
  judge_report_free(r);
}
