/* A capture made by hand: packets said in order, written as pcapng (or as
 * several), and judged by the code under test.
 *
 * Connections are null-protected after a handshake of real Initial packets,
 * unless tape_conn_tls() or tape_protect() gives them keys. Everything is in IPv4 between relay
 * 10.0.0.1:4433 and clients 10.0.0.<n>:20000. Time passes 1 ms a packet. */
#ifndef FANBENCH_PCAP_T_TAPE_H
#define FANBENCH_PCAP_T_TAPE_H

#include "pcap-tools/decrypt/keys.h"
#include "pcap-tools/judge.h"
#include "pcap-tools/t/words.h"

enum { TAPE_CLIENT, TAPE_SERVER };

struct tape_frame {
  uint64_t time_ns;
  unsigned file;
  size_t len;
  uint8_t *data;
};

struct tape {
  uint64_t now_ns;
  struct tape_frame *frames;
  size_t n, room;
  unsigned n_conns;
  const char *alpn;          /* of the next ClientHello; NULL: moqt-20 */
  struct word client_params; /* transport parameters of the next ClientHello; len 0: wide limits */
  char secrets[32768];       /* goes into a Decryption Secrets Block */
};

struct tape_conn {
  struct tape *tape;
  unsigned host;               /* last byte of the client's address */
  struct qp_cid odcid, cid[2]; /* cid[side]: what packets to that side carry */
  struct qp_cid retried;       /* the ID of a Retry; len 0: none */
  uint8_t random[32];
  uint32_t version;       /* of QUIC */
  struct qp_keys keys[2]; /* 1-RTT, if protected */
  bool key_phase;
  uint64_t pn[2];   /* next 1-RTT number */
  unsigned file[2]; /* capture that shows what a side sends; the same by default */
  bool split;       /* file[] differ, and each packet is in both: 0.1 ms later in the other */
};

struct tape_packet {
  uint64_t pn;     /* 0: the side's next number; else this one, and the next follows it */
  unsigned pn_len; /* 0: 4 */
  struct word frames;
  bool bad_checksum, partial_checksum, spoil_tag;
  /* on the wire instead of the connection's own, 0 or NULL = as it is: the client's
   * host and port, the relay's last address byte, the destination ID */
  unsigned host, port, relay;
  const struct qp_cid *dcid;
  bool lost; /* split connections: only the sender's capture has it */
};

struct tape *tape_new(void);
void tape_free(struct tape *t);

/* A connection with its handshake said. */
struct tape_conn tape_conn(struct tape *t);
/* Another one from the same client address and port. */
struct tape_conn tape_conn_again(const struct tape_conn *older);
/* The same as tape_conn(), but the server has not answered. */
struct tape_conn tape_conn_unanswered(struct tape *t);
/* The same with real protection; the key log goes into the capture. */
struct tape_conn tape_conn_tls(struct tape *t, uint16_t suite);
/* The same in that version of QUIC. */
struct tape_conn tape_conn_version(struct tape *t, uint16_t suite, uint32_t version);
/* A connection nothing is said of yet: its IDs may be changed before tape_shake(). */
struct tape_conn tape_conn_silent(struct tape *t);
/* Real protection for it; the key log goes into the capture. Before anything else is begun. */
void tape_protect(struct tape_conn *c, uint16_t suite);
/* ClientHello and ServerHello. */
void tape_shake(struct tape_conn *c, uint16_t suite);
/* A Retry packet; its tag is right. The client's next Initial goes to `scid`. */
void tape_say_retry(struct tape_conn *c, const struct qp_cid *scid, bool spoil_tag);
/* Captured at both ends: what a side sends is first in files[side]. */
struct tape_conn tape_conn_split(struct tape *t, unsigned client_file, unsigned server_file);
void tape_conn_free(struct tape_conn *c);

/* pkt_1rtt(&conn, TAPE_SERVER, .pn = 7, .frames = FRAMES(w_stream(3, 0, "abc"))) */
void tape_say(struct tape_conn *c, unsigned side, struct tape_packet packet);
#define pkt_1rtt(conn, side, ...) tape_say(conn, side, (struct tape_packet){__VA_ARGS__})
/* An Initial packet of that side. */
void tape_say_initial(struct tape_conn *c, unsigned side, uint64_t pn, struct word frames);
void tape_say_initial_with(struct tape_conn *c, unsigned side, uint64_t pn, struct word token,
                           struct word frames);
/* A 0-RTT packet; its secret goes into the capture. */
void tape_say_0rtt(struct tape_conn *c, uint64_t pn, struct word frames);
/* Switches to the next key phase of both sides (protected connections). */
void tape_update_keys(struct tape_conn *c);
/* Says the last frame again as seen in another capture, `later_ns` after. */
void tape_also_in(struct tape *t, unsigned file, uint64_t later_ns);

/* Makes one datagram of the last n, as a capture on the sender's machine shows what
 * segmentation offload cuts later. */
void tape_glue(struct tape *t, size_t n);

/* Makes the UDP checksum of a changed frame right again. */
void tape_fix_checksum(struct tape_frame *frame);

/* Writes the frames of one capture. snap: bytes kept of each frame, 0 = all. */
void tape_write(const struct tape *t, const char *path, unsigned file, size_t snap);

/* Judges the tape as bare captures; fails the test on any error. */
struct judge_report *tape_judge(const struct tape *t, unsigned n_files);
const struct judge_check *tape_check(const struct judge_report *r, const char *name);

/* One judgement: the result, and at least that many items looked at. */
void tape_expect(const struct tape *t, const char *check, enum judge_result result,
                 uint64_t examined);
/* A failing check whose first finding has this field and holds this text in `actual`. */
void tape_expect_finding(const struct tape *t, const char *check, const char *field,
                         const char *actual);

/* Makes a directory under /tmp that is gone after the test program. */
const char *tape_dir(void);

#endif
