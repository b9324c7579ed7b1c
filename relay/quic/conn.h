/* One QUIC connection: ngtcp2 and wolfSSL behind a sans-IO face.
 *
 * The relay and the endpoints use the same code. Bytes, time and randomness
 * come in, packets and a deadline come out; no socket and no clock inside.
 *
 * Order of calls: qc_tls_new() once, then qc_client()/qc_server(); qc_read()
 * for each UDP payload, qc_handle_expiry() when qc_deadline() has passed, then
 * qc_write() until it returns 0. Callbacks run inside qc_read(),
 * qc_handle_expiry() and qc_write(); they may call the sending functions but
 * not qc_read(), qc_write() or qc_free(). All times are nanoseconds of one
 * monotonic clock.
 *
 * Sources: RFC 9000, RFC 9001, RFC 9221. */
#ifndef FANBENCH_RELAY_QUIC_CONN_H
#define FANBENCH_RELAY_QUIC_CONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "relay/quic/protect.h"

struct qc;
struct qc_tls;

struct qc_cid {
  uint8_t len; /* 0..20 */
  uint8_t data[20];
};

struct qc_addr {
  union {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  };
  socklen_t len;
};

bool qc_addr_equal(const struct qc_addr *a, const struct qc_addr *b);

/* A 4-tuple and the interface it uses (0 = not known). */
struct qc_path {
  struct qc_addr local, remote;
  uint32_t ifindex;
};

enum qc_protection { QC_PROTECT_TLS, QC_PROTECT_NONE };
enum qc_cipher { QC_CHACHA20_POLY1305, QC_AES_128_GCM };

/* ---- TLS context, shared by connections -------------------------------- */

/* The test identity (embed/test_cert.pem, embed/test_key.pem; laboratory only) was made by
 *   openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=fanbench/O=LABORATORY ONLY"
 *     -keyout key.pem -out req.pem
 *   openssl ca -batch -selfsign -keyfile key.pem -in req.pem -startdate 20200101000000Z
 *     -enddate 21200101000000Z -notext -out cert.pem        (subjectAltName DNS:fanbench)
 * Owners include "embed/test_cert_pem.h" and "embed/test_key_pem.h" and pass the bytes here. */
struct qc_tls_config {
  bool server;
  const char *alpn;                  /* "moqt-20" */
  const char *other_alpn;            /* server only: accepted besides; NULL = none */
  enum qc_cipher cipher;             /* the only one offered or accepted */
  const uint8_t *cert_pem, *key_pem; /* server only; not kept */
  size_t cert_len, key_len;
  /* one NSS key log line without newline (RFC 9850); may be NULL */
  void (*keylog)(void *arg, const char *line);
  void *keylog_arg;
};
struct qc_tls *qc_tls_new(const struct qc_tls_config *config); /* NULL on error */
void qc_tls_free(struct qc_tls *tls);

/* ---- what the owner is told -------------------------------------------- */

enum qc_close_by {
  QC_CLOSED_SELF,
  QC_CLOSED_PEER,
  QC_CLOSED_IDLE,
  QC_CLOSED_RESET,
  QC_CLOSED_ERROR
};
struct qc_close_info {
  enum qc_close_by by;
  bool application; /* frame type 0x1d */
  uint64_t code;
  char reason[64]; /* printable, NUL-terminated */
};

struct qc_callbacks {
  /* All may be NULL but rand. */
  void (*handshake_done)(void *app);      /* 1-RTT keys and transport parameters are there */
  void (*handshake_confirmed)(void *app); /* RFC 9001 4.1.2 */
  void (*stream_data)(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                      bool fin);
  void (*stream_reset)(void *app, int64_t sid, uint64_t code, uint64_t final_size);
  void (*stop_sending)(void *app, int64_t sid, uint64_t code);
  void (*stream_acked)(void *app, int64_t sid, uint64_t upto); /* all below is acknowledged */
  void (*stream_closed)(void *app, int64_t sid);               /* both directions are done */
  void (*datagram)(void *app, const uint8_t *data, size_t len);
  void (*path_changed)(void *app, const struct qc_path *path); /* not yet validated */
  void (*path_validated)(void *app, const struct qc_path *path, bool valid);
  void (*dcid_changed)(void *app, const struct qc_cid *dcid);
  /* a connection ID of ours became usable by the peer, or was retired */
  void (*cid_issued)(void *app, const struct qc_cid *cid);
  void (*cid_retired)(void *app, const struct qc_cid *cid);
  void (*closed)(void *app, const struct qc_close_info *info); /* once; closing has begun */
  void (*rand)(void *app, uint8_t *dest, size_t len);
};

struct qc_config {
  struct qc_tls *tls;
  enum qc_protection protection;
  const struct qc_callbacks *callbacks; /* kept, not copied */
  void *app;
  struct qc_path path;
  uint64_t now_ns;
  uint8_t cid_len; /* of the IDs this side issues */
  /* First bits of issued IDs are set by this hook (demultiplexing, length
   * bit of chains); NULL = all random. */
  void (*shape_cid)(void *app, struct qc_cid *cid);
  /* transport parameters this side declares */
  uint64_t max_data, max_stream_data_bidi, max_stream_data_uni;
  uint64_t max_streams_bidi, max_streams_uni;
  uint64_t max_idle_ns;        /* 0 = none */
  uint64_t handshake_ns;       /* it is given up after this long; 0 = 10 s */
  uint64_t max_ack_delay_ns;   /* 0 = 25 ms */
  uint64_t max_datagram_frame; /* 0 = no DATAGRAM */
  uint64_t max_udp_payload;    /* largest packet this side sends; 1200..1452 */
  uint64_t keep_alive_ns;      /* 0 = none */
  bool cubic;                  /* congestion control of ngtcp2 itself: CUBIC, else NewReno */
  /* Seam of packet protection: NULL for endpoints. See protect.h. */
  const struct protect_hooks *protect;
  void *protect_arg;
  /* Every 1-RTT packet in clear, by its number on the wire: as it leaves, and as it came, before
   * a hook changes it (also one that comes twice). wire_len: the whole packet. NULL = none. */
  void (*packet)(void *arg, bool sent, uint64_t pn, const uint8_t *payload, size_t len,
                 size_t wire_len);
  void *packet_arg;
  /* qlog sink (ngtcp2's own 0.3 JSON-SEQ); NULL = none */
  void (*qlog)(void *arg, const void *data, size_t len);
  void *qlog_arg;
};

/* The client's first destination ID (random) can be read with qc_odcid(). */
struct qc *qc_client(const struct qc_config *config, const char *server_name);

/* From the first packet of an unknown client. NULL: it is no valid client Initial of version 1, or
 * there is no memory. */
struct qc *qc_server(const struct qc_config *config, const uint8_t *data, size_t len);
/* NULL is fine. cid_retired comes for every ID that is still issued. */
void qc_free(struct qc *conn);

/* Destination ID of any packet; short headers are taken to carry short_len
 * bytes of it. False: too short to hold one. */
bool qc_packet_dcid(const uint8_t *data, size_t len, size_t short_len, struct qc_cid *dcid);

/* The answer to a short-header packet whose ID is of no connection any more: a
 * stateless reset with the token that this tls gave out with the ID (RFC 9000
 * 10.3), also from a process before this one with the same private key. random: unpredictable
 * bytes. Returns its length, 0 if none is due. */
#define QC_RESET_RANDOM 27
size_t qc_stateless_reset(const struct qc_tls *tls, const uint8_t *data, size_t len,
                          size_t short_len, uint8_t *buf, size_t room,
                          const uint8_t random[QC_RESET_RANDOM]);

/* The answer to a packet of an unknown version: a Version Negotiation packet
 * offering version 1 (RFC 9000 6.1). random: any byte. Returns its length, 0
 * if the packet deserves none. */
#define QC_VERSION_NEGOTIATION_MAX (1 + 4 + 2 * (1 + 255) + 4)
size_t qc_version_negotiation(const uint8_t *data, size_t len, uint8_t *buf, size_t room,
                              uint8_t random);

/* ---- packets and time --------------------------------------------------- */

/* Returns 0; -1 once the connection is closed (it stays readable and must be
 * polled with qc_write() for its CONNECTION_CLOSE, then freed). */
int qc_read(struct qc *conn, const struct qc_path *path, const uint8_t *data, size_t len,
            uint64_t now_ns);

/* Writes at most one UDP payload into buf (room >= 1500). Returns its length, 0
 * if there is nothing to send now. *path says where it goes. Packs as many
 * frames of different streams and datagrams into a packet as fit. */
size_t qc_write(struct qc *conn, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns);

/* ngtcp2 counts only what is its own: whoever shares its path with others says so when their window
 * is full. NEW: no stream data leaves for the first time. ALL: nothing but acknowledgements does
 * (only with hooks; if nothing has left since it last wrote nothing while held, it cannot). */
enum qc_hold { QC_HOLD_NONE, QC_HOLD_NEW, QC_HOLD_ALL };
void qc_hold(struct qc *conn, enum qc_hold hold);

uint64_t qc_deadline(const struct qc *conn); /* UINT64_MAX = none */
void qc_handle_expiry(struct qc *conn, uint64_t now_ns);

/* ---- sending ------------------------------------------------------------- */

/* Priorities of streams and datagrams: lower is written first, of equal ones datagrams.
 * Streams of QC_PRIORITY_CONTROL go before all datagrams. A new stream has
 * QC_PRIORITY_DEFAULT, a datagram QC_PRIORITY_DATAGRAM unless another one is named. */
#define QC_PRIORITY_CONTROL  0
#define QC_PRIORITY_DATAGRAM 1
#define QC_PRIORITY_DEFAULT  256

/* Streams open in order, but for what qc_stream_take_back() gave back; return the ID, or -1 if the
 * peer's limit is reached. */
int64_t qc_open_uni(struct qc *conn);
int64_t qc_open_bidi(struct qc *conn);

/* Appends to the stream (bytes are copied and kept until acknowledged).
 * Returns 0, or -1 if the stream is gone. Higher priority (lower number)
 * streams are written first; equal ones share packets. */
int qc_stream_send(struct qc *conn, int64_t sid, const void *data, size_t len, bool fin);
void qc_stream_priority(struct qc *conn, int64_t sid, uint32_t priority);
void qc_stream_reset(struct qc *conn, int64_t sid, uint64_t code);
void qc_stream_stop(struct qc *conn, int64_t sid, uint64_t code); /* STOP_SENDING */
/* Takes back what has not left of a unidirectional stream of this side: bytes from the returned
 * offset on and, unless *fin is set, its end. If that is all of it, the stream is not the owner's
 * any more: qc_open_uni() gives its ID out again. UINT64_MAX: it is gone. */
uint64_t qc_stream_take_back(struct qc *conn, int64_t sid, bool *fin);
/* Takes back all datagrams that have not left, and says how many: the last ones by priority and age. */
size_t qc_datagrams_take_back(struct qc *conn);
/* So many bytes of its beginning are acknowledged; UINT64_MAX: it is gone. */
uint64_t qc_stream_acked(const struct qc *conn, int64_t sid);
uint64_t qc_unacked(const struct qc *conn); /* all streams and queued datagrams */
/* Bytes of streams and datagrams that were never sent; of streams none while MAX_DATA is used up. */
uint64_t qc_unsent(const struct qc *conn);
/* Bytes of this stream were never sent. */
bool qc_stream_waits(const struct qc *conn, int64_t sid);
/* How many more bytes of this stream the peer's limits let out, beside those that wait already.
 * sid -1: of a unidirectional stream that is yet to be opened. */
uint64_t qc_stream_room(const struct qc *conn, int64_t sid);

/* Queues one DATAGRAM. Returns 0, -1 if it can never fit or the peer takes none. */
int qc_datagram_send(struct qc *conn, const void *data, size_t len);
/* The same behind those of lower or equal priority numbers. */
int qc_datagram_send_at(struct qc *conn, uint32_t priority, const void *data, size_t len);
size_t qc_datagram_max(const struct qc *conn); /* largest payload, 0 = none */

/* Application error code (RFC 9000 19.19, type 0x1d). */
void qc_close(struct qc *conn, uint64_t code, const char *reason);
void qc_close_transport(struct qc *conn, uint64_t code, const char *reason);
bool qc_is_closed(const struct qc *conn);
/* Closing or draining is over (3 PTO, RFC 9000 10.2): nothing more comes, free
 * it. Until then qc_deadline() says when to call qc_handle_expiry(). */
bool qc_is_finished(const struct qc *conn);
bool qc_is_established(const struct qc *conn);
/* True: the peer speaks qc_tls_config.other_alpn. Valid after handshake_done. */
bool qc_is_other_alpn(const struct qc *conn);

/* ---- state that the relay's shim and fan-out need ------------------------- */

const struct qc_cid *qc_odcid(const struct qc *conn);    /* client's first DCID */
void qc_dcid(const struct qc *conn, struct qc_cid *out); /* in use towards the peer now */
void qc_path_now(const struct qc *conn, struct qc_path *out);

struct qc_peer_params {
  uint64_t max_data, max_stream_data_uni, max_streams_uni;
  uint64_t max_udp_payload, max_datagram_frame, ack_delay_exponent, max_ack_delay_ns;
};
/* Valid after handshake_done. */
void qc_peer_params(const struct qc *conn, struct qc_peer_params *out);

/* Seals a packet that the relay itself built with the connection's current
 * 1-RTT keys (protection none: no header protection, a tag of zeros): buf holds the header
 * of hdr_len bytes (ending with a 4-byte number) and payload_len bytes; 16 bytes are appended.
 * Sets the key phase bit to that of the key. Only with protection none or hooks,
 * where the keys are ours. Returns the whole length, 0 on error. */
size_t qc_seal(struct qc *conn, uint8_t *buf, size_t hdr_len, size_t payload_len, uint64_t pn);

uint64_t qc_smoothed_rtt_ns(const struct qc *conn);
size_t qc_packet_room(const struct qc *conn);       /* bytes of frames in a full 1-RTT packet */
uint64_t qc_congestion_room(const struct qc *conn); /* bytes, of ngtcp2's controller */

/* Commands of the timeline. Return 0, -1 if the connection cannot do it now. */
int qc_update_key(struct qc *conn, uint64_t now_ns);
int qc_migrate(struct qc *conn, const struct qc_path *path, uint64_t now_ns);

#endif
