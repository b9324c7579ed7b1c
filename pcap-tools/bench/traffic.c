/* Makes a capture of any size: what a relay with many subscribers sends and gets,
 * as its own interface shows it. For measurements; the judge finds nothing wrong
 * with it.
 *
 *   traffic [--connections N] [--packets N | --bytes N] [--size N]
 *           [--objects N] [--protection none|aes128|aes256|chacha20]
 *           [--format pcapng|pcap] >FILE
 *
 * One connection is the publisher's, the others are subscribers'. Each object fills
 * one packet of --size bytes of UDP payload (1,200); --objects (24) of them are a group on
 * a subgroup stream, the next one is a datagram. A copy goes to each subscriber, which acknowledges
 * every tenth packet. Handshakes are Initial packets and whatever 1-RTT needs; packets
 * follow each other on a line of 1 Gbit/s. The same arguments give the same bytes. */
#include <wolfssl/options.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

#include "pcap-tools/decrypt/keys.h"
#include "pcap-tools/t/words.h"

enum { CLIENT, SERVER };
enum {
  UP_ALIAS = 1,      /* video; the next one is chat */
  DOWN_ALIAS = 7,    /* the same */
  ACK_EVERY = 10,    /* packets */
  LIMIT_EVERY = 200, /* packets, for new flow control limits */
  LINK = 14 + 20 + 8,
  PACKET_MAX = 2048,
};
static const uint64_t WINDOW = 1 << 20, STREAMS = 1000;

struct conn {
  struct qp_cid odcid, cid[2]; /* cid[side]: what packets to that side carry */
  uint8_t random[32];
  struct qp_keys keys[2], initial[2];
  Aes *aes[2];
  uint64_t pn[2];
  uint32_t address; /* of the client */
  uint16_t port;
  uint64_t stream, stream_bytes, sent, streams, acked, taken;
};

static struct {
  unsigned long long connections, packets, bytes, size, objects;
  uint16_t suite; /* 0: none */
  bool pcap;
} opt = {.connections = 4, .packets = 100000, .size = 1200, .objects = 24};

static struct conn *conns;
static uint64_t now_ns = 1700000000000000000u, written, said;

/* ---- files ------------------------------------------------------------------ */

static void put(const void *data, size_t len) {
  if (fwrite(data, 1, len, stdout) != len)
    exit(0); /* the reader has had enough */
  written += len;
}

static void block(uint32_t type, const void *fixed, size_t fixed_len, const void *data,
                  size_t len) {
  static const uint8_t zeros[4];
  size_t pad = (4 - len % 4) % 4;
  uint32_t total = (uint32_t)(12 + fixed_len + len + pad);
  put(&type, 4);
  put(&total, 4);
  put(fixed, fixed_len);
  if (len)
    put(data, len);
  put(zeros, pad);
  put(&total, 4);
}

static void record(const uint8_t *frame, size_t len) {
  now_ns += len * 8; /* the line carries 1 Gbit/s */
  said++;
  if (opt.pcap) {
    uint32_t head[4] = {(uint32_t)(now_ns / 1000000000u), (uint32_t)(now_ns % 1000000000u),
                        (uint32_t)len, (uint32_t)len};
    put(head, sizeof head);
    put(frame, len);
    return;
  }
  uint32_t epb[5] = {0, (uint32_t)(now_ns >> 32), (uint32_t)now_ns, (uint32_t)len, (uint32_t)len};
  block(6, epb, sizeof epb, frame, len);
}

static size_t secret_line(char *text, const struct conn *c, const char *label,
                          const struct qp_secret *s) {
  char *p = text + sprintf(text, "%s ", label);
  for (int i = 0; i < 32; i++)
    p += sprintf(p, "%02x", c->random[i]);
  *p++ = ' ';
  for (int i = 0; i < s->len; i++)
    p += sprintf(p, "%02x", s->data[i]);
  *p++ = '\n';
  return (size_t)(p - text);
}

static void put_front(void) {
  static const uint32_t shb[4] = {0x1a2b3c4d, 0x00000001, 0xffffffff, 0xffffffff};
  static const uint32_t idb[5] = {1, 0, 0x00010009, 9, 0}; /* Ethernet, if_tsresol 9 */
  static const uint32_t pcap[6] = {0xa1b23c4d, 0x00040002, 0, 0, 262144, 1};
  static const char *const labels[2] = {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
  if (opt.pcap) {
    put(pcap, sizeof pcap);
    return;
  }
  block(0x0a0d0d0a, shb, sizeof shb, "", 0);
  if (opt.suite) {
    char *text = malloc(512 * opt.connections);
    size_t n = 0;
    for (size_t i = 0; i < opt.connections; i++)
      for (int side = 0; side < 2; side++)
        n += secret_line(text + n, &conns[i], labels[side], &conns[i].keys[side].secret);
    uint32_t dsb[2] = {0x544c534b, (uint32_t)n};
    block(0x0a, dsb, sizeof dsb, text, n);
    free(text);
  }
  block(1, idb, sizeof idb, "", 0);
}

/* ---- below QUIC ---------------------------------------------------------------- */

static void put16(uint8_t *p, unsigned v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static uint32_t sum16(const uint8_t *p, size_t len, uint64_t sum) {
  for (; len > 1; p += 2, len -= 2)
    sum += (unsigned)p[0] << 8 | p[1];
  if (len)
    sum += (unsigned)p[0] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint32_t)sum;
}

/* frame: LINK bytes of room, then the UDP payload of len bytes. */
static void send_udp(const struct conn *c, unsigned side, uint8_t *frame, size_t len) {
  uint8_t *ip = frame + 14, *udp = ip + 20;
  uint32_t relay = 0x0a000001, ends[2] = {c->address, relay};
  unsigned ports[2] = {c->port, 4433};
  memset(frame, 0, LINK);
  put16(frame + 12, 0x0800);
  ip[0] = 0x45;
  put16(ip + 2, (unsigned)(28 + len));
  ip[8] = 64;
  ip[9] = 17;
  for (int i = 0; i < 2; i++) {
    uint32_t a = ends[i == 0 ? side : !side];
    put16(ip + 12 + 4 * i, a >> 16);
    put16(ip + 14 + 4 * i, a & 0xffff);
  }
  put16(ip + 10, 0xffff ^ sum16(ip, 20, 0));
  put16(udp, ports[side]);
  put16(udp + 2, ports[!side]);
  put16(udp + 4, (unsigned)(8 + len));
  put16(udp + 6, 0xffff ^ sum16(udp, 8 + len, sum16(ip + 12, 8, 17 + 8 + len)));
  record(frame, LINK + len);
}

/* ---- packets -------------------------------------------------------------------- */

static void seal(struct conn *c, struct qp_keys *k, Aes *aes, uint64_t pn, uint8_t *packet,
                 size_t header_len, size_t body) {
  uint8_t nonce[12], mask[5], *p = packet + header_len;
  (void)c;
  memcpy(nonce, k->iv, 12);
  for (int i = 0; i < 8; i++)
    nonce[4 + i] ^= (uint8_t)(pn >> (56 - 8 * i));
  if (k->suite == QP_CHACHA20_POLY1305)
    wc_ChaCha20Poly1305_Encrypt(k->key, nonce, packet, (word32)header_len, p, (word32)body, p,
                                p + body);
  else
    wc_AesGcmEncrypt(aes, p, p, (word32)body, nonce, 12, p + body, 16, packet, (word32)header_len);
  qp_keys_mask(k, p, mask); /* numbers have 4 bytes: the sample begins behind them */
  packet[0] ^= mask[0] & (packet[0] & 0x80 ? 0x0f : 0x1f);
  for (int i = 0; i < 4; i++)
    p[i - 4] ^= mask[1 + i];
}

static Aes *aes_of(const struct qp_keys *k) {
  Aes *aes = calloc(1, sizeof *aes);
  wc_AesInit(aes, NULL, INVALID_DEVID);
  wc_AesGcmSetKey(aes, k->key, (word32)k->key_len);
  return aes;
}

/* The body of a 1-RTT packet goes to frame + front(); the rest is filled in here. */
static size_t front(const struct conn *c, unsigned side) {
  return (size_t)LINK + 1 + c->cid[!side].len + 4;
}

static void send_1rtt(struct conn *c, unsigned side, uint8_t *frame, size_t body) {
  const struct qp_cid *to = &c->cid[!side];
  uint8_t *packet = frame + LINK;
  size_t header_len = 1 + (size_t)to->len + 4;
  uint64_t pn = c->pn[side]++;
  packet[0] = 0x43;
  memcpy(packet + 1, to->data, to->len);
  put16(packet + 1 + to->len, (unsigned)(pn >> 16 & 0xffff));
  put16(packet + 3 + to->len, (unsigned)(pn & 0xffff));
  if (opt.suite)
    seal(c, &c->keys[side], c->aes[side], pn, packet, header_len, body);
  else
    memset(packet + header_len + body, 0, 16);
  send_udp(c, side, frame, header_len + body + 16);
}

static void say(struct conn *c, unsigned side, struct word frames) {
  uint8_t frame[PACKET_MAX];
  while (frames.len < 4)
    frames.b[frames.len++] = 0;
  memcpy(frame + front(c, side), frames.b, frames.len);
  send_1rtt(c, side, frame, frames.len);
}

static void say_initial(struct conn *c, unsigned side, struct word frames) {
  uint8_t frame[PACKET_MAX], *packet = frame + LINK;
  const struct qp_cid *to = side == CLIENT ? &c->odcid : &c->cid[CLIENT], *from = &c->cid[side];
  size_t length = 4 + frames.len + 16;
  uint8_t two[2] = {(uint8_t)(0x40 | length >> 8), (uint8_t)length};
  struct word header = JOIN(w_hex("c3 00000001"), w_bytes(&to->len, 1), w_bytes(to->data, to->len),
                            w_bytes(&from->len, 1), w_bytes(from->data, from->len), w_hex("00"),
                            w_bytes(two, 2), w_hex("00000000"));
  memcpy(packet, header.b, header.len);
  memcpy(packet + header.len, frames.b, frames.len);
  Aes *aes = aes_of(&c->initial[side]);
  seal(c, &c->initial[side], aes, 0, packet, header.len, frames.len);
  wc_AesFree(aes);
  free(aes);
  send_udp(c, side, frame, header.len + frames.len + 16);
}

/* ---- connections ------------------------------------------------------------------ */

static struct word message(uint8_t type, struct word body) {
  uint8_t len[3] = {0, (uint8_t)(body.len >> 8), (uint8_t)body.len};
  return JOIN(w_bytes(&type, 1), w_bytes(len, 3), body);
}

static struct word two(size_t v) {
  uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
  return w_bytes(b, 2);
}

/* 1 MiB for a connection and a stream, 1,000 streams, datagrams of any size. */
static struct word params(void) {
  return w_hex(
      "04 04 80100000 05 04 80100000 06 04 80100000 07 04 80100000"
      "08 02 43e8 09 02 43e8 20 04 8000ffff");
}

static void handshake(struct conn *c) {
  uint16_t suite = opt.suite ? opt.suite : QP_AES_128_GCM;
  struct word p = params(), random = {.len = 32};
  struct word ext = JOIN(w_hex("0010 000a 0008 07 6d6f71742d3230 0039"), two(p.len), p);
  struct word hello = message(1, JOIN(w_hex("0303"), w_bytes(c->random, 32), w_hex("00 0002"),
                                      two(suite), w_hex("0100"), two(ext.len), ext));
  struct word answer =
      message(2, JOIN(w_hex("0303"), random, w_hex("00"), two(suite), w_hex("00 0000")));
  struct qp_secret s[2];
  qp_initial_secrets(QP_VERSION_1, &c->odcid, &s[CLIENT], &s[SERVER]);
  for (int side = 0; side < 2; side++)
    qp_keys_derive(&c->initial[side], QP_VERSION_1, QP_AES_128_GCM, &s[side]);
  say_initial(c, CLIENT, FRAMES(w_crypto(0, hello), w_padding(1000)));
  say_initial(c, SERVER, FRAMES(w_ack(0, 0), w_crypto(0, answer), w_padding(1000)));
  qp_keys_clear(&c->initial[CLIENT]);
  qp_keys_clear(&c->initial[SERVER]);
  struct qp_cid spare[2] = {c->cid[CLIENT], c->cid[SERVER]}; /* for path changes that never come */
  spare[CLIENT].data[0] ^= 0x10;
  spare[SERVER].data[0] ^= 0x10;
  say(c, CLIENT, w_new_cid(1, 0, spare[CLIENT].data, spare[CLIENT].len));
  say(c, SERVER,
      FRAMES(w_hex("1e"), w_ack(0, 0), w_new_cid(1, 0, spare[SERVER].data, spare[SERVER].len)));
}

static void make_keys(struct conn *c, uint32_t number) {
  for (unsigned side = 0; opt.suite && side < 2; side++) {
    struct qp_secret s = {.len = opt.suite == QP_AES_256_GCM ? 48 : 32};
    memcpy(s.data, &number, 4);
    s.data[4] = (uint8_t)(1 + side);
    qp_keys_derive(&c->keys[side], QP_VERSION_1, opt.suite, &s);
    c->aes[side] = aes_of(&c->keys[side]);
  }
}

static void make_conn(struct conn *c, uint32_t number) {
  static const uint8_t lens[3] = {8, 8, 20};
  struct qp_cid *ids[3] = {&c->odcid, &c->cid[CLIENT], &c->cid[SERVER]};
  for (unsigned i = 0; i < 3; i++) {
    ids[i]->len = lens[i];
    memset(ids[i]->data, (int)(0x11 * (i + 1)), lens[i]);
    ids[i]->data[0] = (uint8_t)(0xc0 | i);
    memcpy(ids[i]->data + 1, &number, 4);
  }
  memcpy(c->random, &number, 4);
  memset(c->random + 4, 0x5a, 28);
  c->address = 0x0a010000 + (number >> 4);
  c->port = (uint16_t)(20000 + (number & 15));
  c->streams = STREAMS;
  c->acked = WINDOW; /* as a limit in bytes */
  make_keys(c, number);
}

static struct word on(uint64_t stream, uint64_t off, struct word m) {
  return w_stream_of(stream, off, m, false);
}

static void join(struct conn *c) {
  static const char *const tracks[2] = {"video", "chat"};
  if (c == conns) {
    say(c, SERVER, FRAMES(on(3, 0, m_setup())));
    say(c, CLIENT, FRAMES(on(2, 0, m_setup())));
  } else {
    say(c, CLIENT, FRAMES(on(2, 0, m_setup())));
    say(c, SERVER, FRAMES(on(3, 0, m_setup())));
  }
  c->stream = c == conns ? 6 : 7;
  for (unsigned i = 0; i < 2; i++) {
    uint64_t stream = 4 * i + (c == conns ? 1 : 0), id = 2 * i + (c == conns ? 1 : 0);
    unsigned asks = c == conns ? SERVER : CLIENT;
    uint64_t alias = (c == conns ? UP_ALIAS : DOWN_ALIAS) + i;
    say(c, asks, FRAMES(on(stream, 0, m_subscribe(id, tracks[i], p_next_group()))));
    say(c, !asks, FRAMES(on(stream, 0, m_subscribe_ok(alias, p_none()))));
  }
}

/* ---- objects ------------------------------------------------------------------------ */

/* Receiver's packets: ACKs, and limits in time. */
static void answer(struct conn *c, unsigned sender) {
  uint64_t n = c->pn[sender];
  if (++c->taken % ACK_EVERY)
    return;
  struct word w = w_ack(0, n - 1);
  if (c->taken % LIMIT_EVERY == 0) {
    c->acked = c->sent + WINDOW;
    c->streams = c->stream / 4 + STREAMS;
    w = JOIN(w, w_frame1(0x10, c->acked), w_frame1(0x13, c->streams));
  }
  say(c, !sender, w);
}

struct object {
  uint64_t group, number;
  bool datagram;
};

/* STREAM or DATAGRAM with one object that fills the packet; alias as a vi64. */
static struct word first_bytes(const struct object *o, uint64_t alias) {
  return o->datagram ? JOIN(w_hex("00"), w_vi64(alias + 1), w_vi64(o->group), w_vi64(o->number),
                            w_hex("01"))
         : o->number ? (struct word){0}
                     : o_header(alias, o->group, 0, 1);
}

static void fill(uint8_t *p, size_t len, const struct object *o) {
  memset(p, (int)(o->group * 31 + o->number), len);
  if (len > 8)
    memcpy(p, &o->group, 8);
}

static void send_object(struct conn *c, unsigned side, const struct object *o, size_t payload) {
  uint8_t frame[PACKET_MAX];
  uint8_t *p = frame + front(c, side);
  struct word head = first_bytes(o, c == conns ? UP_ALIAS : DOWN_ALIAS);
  if (!o->datagram)
    head = JOIN(head, w_hex("00"), w_vi64(payload));
  size_t data = head.len + payload;
  struct word type = o->datagram
                         ? JOIN(w_varint(0x31), w_varint(data))
                         : JOIN(w_varint(o->number + 1 == opt.objects ? 0x0f : 0x0e),
                                w_varint(c->stream), w_varint(c->stream_bytes), w_varint(data));
  memcpy(p, type.b, type.len);
  memcpy(p + type.len, head.b, head.len);
  fill(p + type.len + head.len, payload, o);
  if (!o->datagram) {
    c->stream_bytes += data;
    c->sent += data;
    if (o->number + 1 == opt.objects) {
      c->stream += 4;
      c->stream_bytes = 0;
    }
  }
  send_1rtt(c, side, frame, type.len + data);
  answer(c, side);
}

static void stop_now(const char *why) {
  fprintf(stderr, "traffic: %s\n", why);
  exit(2);
}

static bool enough(void) {
  return opt.bytes ? written >= opt.bytes : said >= opt.packets;
}

static void send_to_all(const struct object *o, size_t payload) {
  send_object(&conns[0], CLIENT, o, payload);
  for (size_t i = 1; i < opt.connections; i++)
    send_object(&conns[i], SERVER, o, payload);
}

static void flow(void) {
  size_t payload = opt.size - 1 - 20 - 4 - 16 - 40;
  for (struct object o = {0}; !enough(); o.group++) {
    for (o.number = 0; o.number < opt.objects; o.number++)
      send_to_all(&o, payload);
    send_to_all(&(struct object){.group = o.group, .datagram = true}, payload);
  }
  for (size_t i = 0; i < opt.connections; i++)
    say(&conns[i], CLIENT, FRAMES(w_close_app(0)));
}

static unsigned long long number(const char *name, const char *text, unsigned long long least) {
  char *end;
  unsigned long long v = text ? strtoull(text, &end, 10) : 0;
  if (text && !*end && v >= least)
    return v;
  fprintf(stderr, "traffic: %s needs a number of at least %llu\n", name, least);
  exit(2);
}

static void option(const char *name, const char *value) {
  static const struct {
    const char *name;
    uint16_t suite;
  } suites[] = {{"none", 0},
                {"aes128", QP_AES_128_GCM},
                {"aes256", QP_AES_256_GCM},
                {"chacha20", QP_CHACHA20_POLY1305}};
  if (!strcmp(name, "--connections"))
    opt.connections = number(name, value, 2);
  else if (!strcmp(name, "--packets"))
    opt.packets = number(name, value, 1);
  else if (!strcmp(name, "--bytes"))
    opt.bytes = number(name, value, 1);
  else if (!strcmp(name, "--objects"))
    opt.objects = number(name, value, 1);
  else if (!strcmp(name, "--size"))
    opt.size = number(name, value, 200);
  else if (!strcmp(name, "--format") && value && !strcmp(value, "pcap"))
    opt.pcap = true;
  else if (!strcmp(name, "--protection") && value) {
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
      if (!strcmp(value, suites[i].name)) {
        opt.suite = suites[i].suite;
        return;
      }
    stop_now("--protection is none, aes128, aes256 or chacha20");
  } else if (strcmp(name, "--format") != 0 || !value || strcmp(value, "pcapng") != 0) {
    stop_now("unknown option; the front of its source lists them");
  }
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i += 2)
    option(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
  if (opt.size > 1452 || (opt.pcap && opt.suite))
    stop_now("--size is at most 1452; --format pcap has no room for keys");
  static char buffer[1 << 20];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  conns = calloc(opt.connections, sizeof *conns);
  for (size_t i = 0; i < opt.connections; i++)
    make_conn(&conns[i], (uint32_t)i);
  put_front();
  for (size_t i = 0; i < opt.connections; i++) {
    handshake(&conns[i]);
    join(&conns[i]);
  }
  flow();
  return fflush(stdout) ? 1 : 0;
}
