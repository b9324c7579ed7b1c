/* The relay, sans-IO: UDP payloads, time and randomness in; UDP payloads and a
 * deadline out. One thread.
 *
 * Order of calls: relay_dial() once, then in a loop: relay_packet() for each payload of a
 * batch that was read (rings are drained before each by the relay itself), then
 * relay_batch_end(); relay_input_drained() when the sockets are empty, relay_expiry() when
 * relay_deadline() has passed. All but relay_packet() send what is to be sent through ops->send
 * before they return: a batch is acknowledged, and its ACKs count, as one (RFC 9000 13.2.1). A
 * batch is all that the sockets hold, within reason: who sends before he has read what is there
 * falls behind for good.
 *
 * Ownership: the relay keeps copies of the strings in its configuration, and
 * the pointers to ops, trace and plane. */
#ifndef FANBENCH_RELAY_FANOUT_RELAY_H
#define FANBENCH_RELAY_FANOUT_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi/defects.h"
#include "relay/fanout/plane.h"
#include "relay/fanout/trace.h"
#include "relay/quic/conn.h"

struct moqt_name;
struct relay;

struct relay_ops {
  /* Sends one UDP payload along a path. Returns 0, or -1 if it was dropped. */
  int (*send)(void *arg, const struct qc_path *path, const uint8_t *data, size_t len);
  /* What was sent so far leaves now: before the datapath sends again, whose packets have higher
   * numbers and must not overtake. NULL: send() keeps nothing back. */
  void (*flush)(void *arg);
  void (*rand)(void *arg, uint8_t *dest, size_t len);
  /* The interface and Ethernet addresses of a path whose ifindex may be 0:
   * fills in ifindex, src_mac (ours) and dst_mac (next hop). Returns 0 or -1. */
  int (*resolve)(void *arg, const struct qc_path *path, uint32_t *ifindex, uint8_t src_mac[6],
                 uint8_t dst_mac[6]);
  /* Largest IP packet of a path; 0 = not known. May be NULL. */
  uint32_t (*mtu)(void *arg, const struct qc_path *path);
  /* One line of talk for a person; no newline. */
  void (*log)(void *arg, const char *line);
};

/* The relay above this one; remote.len 0: there is none. */
struct relay_upstream {
  struct qc_path path;   /* local: with cfg.port, as the socket sends */
  const char *authority; /* "10.0.1.1:4433" */
  struct qc_tls *tls;    /* a client's */
};

/* Laboratory: to whoever connects with qc_tls_config.other_alpn a track is fanned out unasked, in
 * streams and datagrams that it may ignore. So a stack that knows no MoQT receives copies. track
 * NULL: nobody is. */
struct relay_guests {
  const struct moqt_name *track; /* kept by its owner as long as the relay lives */
  bool h3; /* they get an HTTP/3 control stream with empty SETTINGS (RFC 9114 6.2.1) */
};

struct feeder;

struct relay_config {
  const struct relay_ops *ops;
  void *ops_arg;
  const struct trace_ops *trace; /* NULL = none */
  void *trace_arg;
  struct plane *plane; /* NULL: datapath `stock` */
  /* Makes keystreams ahead, not owned; NULL = nobody. Whoever has it steps it. */
  struct feeder *feeder;
  uint64_t aead_limit; /* packets a key may seal; 0 = the cipher's (RFC 9001 6.6); for tests */
  struct qc_tls *tls;
  enum qc_protection protection;
  bool cubic;
  uint32_t policy; /* enum dp_policy; that of the plane, if there is one */
  uint64_t cache_bytes;
  uint32_t max_clients; /* at most plane->max_subscribers */
  uint16_t port;        /* host order */
  struct relay_upstream upstream;
  struct relay_guests guests;
  struct fb_defects defects; /* all 0 = none */
};

/* What a datapath of so many subscribers must be made for. ahead: with room for keystreams, which
 * a feeder makes. */
struct plane_protection relay_protection(enum qc_protection protection, enum qc_cipher cipher,
                                         uint32_t subscribers, bool ahead);

struct relay *relay_new(const struct relay_config *config); /* NULL: no memory, bad limits */
void relay_free(struct relay *relay);                       /* closes nothing on the wire */

/* Dials the upstream of the configuration, and again whenever it is lost; no-op without
 * one. Once, when packets can be sent. */
void relay_dial(struct relay *relay, uint64_t now_ns);

void relay_packet(struct relay *relay, const struct qc_path *path, const uint8_t *data, size_t len,
                  uint64_t now_ns);
void relay_batch_end(struct relay *relay, uint64_t now_ns);
/* True: call it again as soon as the sockets have been looked at once more and are still empty. */
bool relay_input_drained(struct relay *relay, uint64_t now_ns);
uint64_t relay_deadline(struct relay *relay); /* UINT64_MAX = none */
void relay_expiry(struct relay *relay, uint64_t now_ns);

/* Closes every connection with NO_ERROR, after the fan-out of each is stopped. */
void relay_stop(struct relay *relay, uint64_t now_ns);
/* What a timeline does to a relay. Keys: of every connection, now or as soon as RFC 9001 6.1
 * and 6.5 allow it (the handshake is confirmed, the update before is three PTO past), also of the
 * one to the relay above if that is just being dialled again; false if there is none. Vanish: the datapath is off for good; the owner calls
 * nothing more but relay_state(), relay_finish() and relay_free(). */
bool relay_update_keys(struct relay *relay, uint64_t now_ns);
void relay_vanish(struct relay *relay);
/* End of a run: writes the numbers whose fate is open to the trace. */
void relay_finish(struct relay *relay, uint64_t now_ns);

struct relay_state {
  uint32_t clients, upstreams, subscribers, tracks;
  uint64_t backlog_bytes; /* queued for the slow path */
  uint64_t inflight; /* fan-out numbers neither acknowledged nor lost, tracks asked for upstream */
  uint64_t cached_bytes;
  uint64_t resent_bytes, slow_packets;
};
void relay_state(const struct relay *relay, struct relay_state *out);

#endif
