/* The relay's inside: one header for the modules of fanout/.
 *
 *   relay.c    demultiplexing, the loop's entry points, flushing
 *   dial.c     the connection to this relay's own upstream
 *   client.c   one connection: life, callbacks of QUIC and MoQT
 *   joint.c    its joint numbers: callbacks of shim and ledger
 *   skip.c     numbers left out, to catch who acknowledges what it has not got
 *   keys.c     packet protection in the datapath (keys.h)
 *   tell.c     what the trace is told of a connection
 *   timers.c   which connection is due first
 *   path.c     which path the fan-out takes, and when it waits for one
 *   entry.c    what the datapath is told about clients, upstreams, tracks
 *   track.c    MoQT: namespaces, tracks, requests and answers
 *   alias.c    the aliases of tracks (alias.h)
 *   subscription.c  what one client gets of a track: joining, ending
 *   guest.c    connections without a session, which get a track unasked
 *   stream.c   upstream streams and their cache
 *   leg.c      what each subscriber has of a stream; flow control; resets
 *   pending.c  order of unsent data
 *   ordinal.c  which of those that wait open the streams that may be opened (ordinal.h)
 *   datagram.c datagrams
 *   behind.c   bounds, and who is given up at them
 *   copies.c   copy records in
 *   slow.c     the slow path: own packets for deferred and lost data
 *   window.c   one congestion window for both paths (window.h)
 *   drop.c     what the strategy lets go of that which waits
 *   stock.c    datapath `stock`: everything through ngtcp2
 *
 * Words: a client is a connection; it may publish, subscribe, or both. An
 * upstream stream is a `stream`; a `leg` is that stream as one subscriber gets it. */
#ifndef FANBENCH_RELAY_FANOUT_CORE_H
#define FANBENCH_RELAY_FANOUT_CORE_H

#include <uthash.h>
#include <utlist.h>

#include "relay/fanout/arrivals.h"
#include "relay/fanout/bounds.h"
#include "relay/fanout/keys.h"
#include "relay/fanout/ledger.h"
#include "relay/fanout/ranges.h"
#include "relay/fanout/relay.h"
#include "relay/fanout/remotes.h"
#include "relay/fanout/tally.h"
#include "relay/fanout/timers.h"
#include "relay/fanout/window.h"
#include "relay/moqt/session.h"
#include "relay/quic/shim.h"

#define NO_ORDINAL UINT64_MAX

struct client;
struct track;
struct stream;

/* An upstream stream as one subscriber gets it. */
struct leg {
  struct stream *stream;
  struct client *client;
  struct subscription *sub; /* which it was opened for; NULL: that is over */
  uint64_t ordinal;         /* downstream uni ordinal, NO_ORDINAL until taken */
  struct ranges sent;       /* bytes sent at least once, by whoever */
  struct ranges acked;
  uint64_t charged; /* end offset charged to flow control, as far as known here */
  uint64_t limit;   /* MAX_STREAM_DATA of the peer */
  uint64_t order;   /* heap key, see pending_order() */
  bool fin_sent, fin_acked;
  bool skipped; /* never opened for this subscriber, nor will be */
  bool reset;   /* RESET_STREAM is due or sent */
  bool reset_sent;
  uint64_t reset_code, final_size;
  bool done;     /* finished and acknowledged, or reset, or skipped */
  bool drop_due; /* in relay.drops */
  struct leg *next_drop;
  bool queued;            /* in client.pending, or in client.parked */
  bool parked;            /* there: its ordinal is beyond MAX_STREAMS */
  size_t queued_at;       /* place in that array */
  struct leg *next_aside; /* while a packet is filled: what it cannot take, or has been given */
  UT_hash_handle hh;      /* in client.legs once it has an ordinal */
};

/* Stream data to be sent again. */
struct resend {
  uint64_t uid; /* of the stream */
  uint64_t lo, hi;
  bool fin;
  struct resend *next;
};

struct queued_datagram {
  struct queued_datagram *next;
  uint64_t order;
  uint32_t track; /* index */
  uint8_t priority;
  uint64_t group, object;
  uint64_t seen_ns; /* when it was read from the socket */
  size_t len;
  uint8_t data[];
};

enum sub_state { SUB_PENDING, SUB_LIVE, SUB_ENDING };

/* One client's subscription to one track. */
struct subscription {
  struct client *client;
  struct track *track;
  int64_t req;
  enum sub_state state;
  uint64_t start_group;
  struct moqt_params params; /* as asked for, updates applied */
  uint64_t streams;          /* opened for it */
  uint64_t open_legs;
  bool entering; /* SUBSCRIBE_OK has to leave before any object */
  bool behind;   /* too far: it ends as soon as its resets are acknowledged */
};

/* ASKED: without a request (req < 0) it waits until it can be asked for. */
enum track_state { TRACK_ASKED, TRACK_LIVE, TRACK_ENDED };

struct track {
  struct relay *relay;
  uint32_t index; /* in relay.tracks and in the datapath */
  struct moqt_name *name;
  char label[64];    /* track name for traces */
  struct client *up; /* NULL: gone, or the relay above is not reached yet */
  int64_t req;       /* at the upstream; -1 = none */
  enum track_state state;
  bool leaving;       /* ENDED: its request is withdrawn, the upstream has not got that yet */
  uint64_t alias;     /* the publisher's */
  uint32_t out_alias; /* ours, the same for all subscribers */
  uint8_t default_priority;
  bool has_largest;
  struct moqt_location largest;
  uint8_t *properties;
  size_t properties_len;
  uint64_t open_streams; /* of the publisher, neither finished nor reset */
  struct tally tally;    /* of its streams */
  uint64_t done_status;
};

struct stream_key {
  uint32_t slot, gen; /* of the upstream client */
  int64_t sid;
};

struct stream {
  struct relay *relay;
  uint64_t uid;
  struct stream_key key;
  struct track *track; /* NULL until the header is known */
  uint64_t group, subgroup;
  uint8_t priority;
  bool header_known;
  uint8_t *data; /* bytes [base, len), header with our alias; below base all have it */
  uint64_t base, len;
  size_t cap;
  uint32_t header_len;
  uint8_t header[RELAY_HEADER_BYTES]; /* with our alias; kept when the cache lets it go */
  uint64_t object_at, object_id;      /* next object's place; last object's ID */
  struct arrivals arrivals;
  bool any_object, by_object, properties;
  bool counted;   /* among track.open_streams */
  uint64_t early; /* bytes among client.early_bytes */
  bool settled;   /* in relay.settled */
  struct stream *next_settled;
  bool fin, ended;   /* ended: reset by the publisher or cut off */
  uint32_t claim;    /* of the datapath's slot; 0 = it does not follow the stream */
  uint32_t upstream; /* datapath slot of the upstream, if there is a claim */
  bool ours;         /* the datapath will never follow it */
  struct leg **legs; /* by client slot */
  uint32_t n_legs, open_legs;
  uint64_t admitted;            /* below it the datapath copies nothing any more */
  struct stream *older, *newer; /* by first sight */
  UT_hash_handle by_uid, by_key;
};

/* What the datapath did with the datagrams of one upstream packet. */
struct datagram_note {
  uint64_t pn;
  bool valid;
  uint8_t n;
  uint64_t settled[FB_MAX_FRAMES][FB_MAX_BATCHES]; /* bit a slot: sent, or finally not */
};

struct client {
  struct relay *relay;
  uint32_t slot, gen;
  struct qc *qc;
  struct shim *shim;     /* NULL on stock */
  struct ledger *ledger; /* NULL on stock */
  struct moqt_session *session;
  struct qc_cid odcid;
  struct qc_path path; /* a validated path: the fan-out goes there */
  struct qc_cid dcid;
  bool dialled;  /* by this relay: its upstream */
  bool guest;    /* speaks no MoQT: its session never starts, its subscription has no request */
  bool started;  /* session runs */
  bool closed;   /* closing; its fan-out is over */
  bool replaced; /* its 4-tuple has a newer connection: freed without a word */
  bool over;     /* to be freed at the end of the turn */
  struct client *next_over;
  bool dirty; /* has something to flush */
  bool waits; /* ngtcp2 could not write all that it has: the window of both is full */
  struct client *next_dirty;
  struct timer timer; /* the earlier one of connection and ledger */
  /* as an upstream */
  int upstream; /* datapath slot, -1 = none */
  uint32_t upstream_gen;
  struct moqt_name *ns;
  int64_t ns_req;
  uint64_t ns_order;                      /* a later one wins */
  uint64_t rx_next;                       /* largest number received + 1 */
  uint64_t early_bytes;                   /* of its streams and datagrams of no known track */
  struct early_datagram *early_datagrams; /* in the order in which they came */
  uint64_t rx_pn;                         /* of the packet being read */
  uint64_t owed_ns;                       /* since when an ACK is owed, if shim_owed_acks() */
  unsigned rx_datagrams;                  /* DATAGRAM frames of it seen so far */
  struct datagram_note *notes;            /* RELAY_DATAGRAM_NOTES */
  /* as a subscriber */
  bool in_plane;  /* entry is ACTIVE, or HELD for a path */
  bool entering;  /* some SUBSCRIBE_OK has to leave before what is new */
  bool path_held; /* new path not yet validated: nothing of the fan-out leaves */
  struct qc_path valid_paths[RELAY_VALID_PATHS]; /* the newest ones, a ring */
  unsigned n_valid_paths;                        /* validated so far */
  bool rx_phase, tx_phase;                       /* key phase bits, as the datapath knows them */
  struct client_keys keys;
  struct qc_peer_params peer;
  struct subscription *subs[FB_MAX_TRACKS];
  uint64_t max_payload;
  struct leg *legs;     /* hash by ordinal */
  struct leg **pending; /* heap by order: legs with unsent data */
  size_t n_pending, cap_pending;
  struct leg **parked; /* the same, not yet allowed to exist; in no order */
  size_t n_parked, cap_parked;
  struct resend *resend_head, **resend_tail;
  struct queued_datagram *dgram_head, **dgram_tail; /* by order, then as they came */
  struct queued_datagram *dgram_last;               /* read only if there is a head */
  uint64_t dgram_bytes;
  struct leg *handed;      /* stock: for the packet that is being written */
  size_t handed_datagrams; /* the first ones of its queue */
  struct leg **resets;     /* RESET_STREAM due */
  size_t n_resets, cap_resets;
  unsigned probes; /* PTO probes due */
  bool sent;       /* in this turn, what elicits an ACK */
  uint64_t own_pn; /* of ngtcp2's last packet */
  struct skip {
#define SKIP_KEPT 4
    uint64_t at[SKIP_KEPT], next; /* the latest ones; from there on the next one is due */
    unsigned n;
  } skip;
  struct window window;
  struct cid_entry *cids; /* the IDs that lead to it */
  uint64_t hold_seen;     /* counters.hold when the sockets were empty, 0 = none */
  uint64_t stopped_seen;  /* refusals by MAX_STREAMS when it was last raised */
  uint64_t swept_ns;      /* when what waits was last looked at */
  uint64_t oldest_told;   /* counters.oldest_ns */
  uint64_t resent_bytes, slow_packets;
  uint64_t max_data, max_streams; /* stock and kernel: limits of the peer */
  uint64_t own_data;              /* bytes given to ngtcp2 for its own streams */
  /* defects */
  uint64_t guessed_pn; /* pn-guess: what it takes for the next number */
  uint64_t ids_out;    /* retire-first: what it has of relay.ids_out */
  uint64_t torn_ns;    /* torn-entry: when its entry is whole; UINT64_MAX = it is */
  uint64_t late_ns;    /* slow-agent: until then nothing is said to this publisher */
  uint64_t handler_ns; /* late-handler: until then nobody hears a SUBSCRIBE */
};

struct cid_entry {
  struct qc_cid cid; /* key: the whole struct, zero padded */
  struct client *client;
  struct cid_entry *prev, *next; /* of the same client */
  UT_hash_handle hh;
};

/* The connection to the relay above. */
struct dial {
  struct client *client; /* NULL: none at the moment */
  uint64_t again_ns;     /* when to dial, if there is none; UINT64_MAX = never */
  uint64_t backoff_ns;
  uint64_t lost_ns;     /* since when there is no session; UINT64_MAX: there is one */
  uint64_t ready_ns;    /* when the session began */
  uint64_t ask_ns;      /* when to ask for tracks once more; UINT64_MAX = not */
  bool given_up;        /* nobody waits for it any more */
  uint64_t asked_until; /* the next one is to update its key, until then; 0 = it is not */
};

struct relay {
  struct relay_config cfg;
  uint64_t now;
  struct client **clients; /* by slot */
  uint32_t n_slots;        /* slots ever used: [0, n_slots) */
  uint32_t *gens;
  uint32_t next_upstream_gen;
  uint64_t key_generation; /* the last one given, bpf/abi/keys.h */
  uint64_t next_ns_order;
  struct client *upstreams[FB_MAX_UPSTREAMS];
  struct dial dial;
  bool unwanted;       /* some track may have lost its last subscriber */
  uint64_t missing_ns; /* a tally may stop waiting; 0 = none waits */
  uint64_t asked_ns;   /* key updates that wait are tried again; 0 = none waits */
  struct cid_entry *cids;
  struct remotes remotes; /* of the clients, by slot */
  bool any_hold_seen;     /* some client.hold_seen is not 0 */
  struct track *tracks[FB_MAX_TRACKS];
  uint32_t last_alias; /* given to a track */
  struct stream *by_uid, *by_key;
  struct stream *oldest, *newest;
  struct stream *settled; /* to be freed by stream_reap() */
  struct leg *drops;      /* to be cut off by leg_drop_due() */
  uint64_t next_uid;
  uint64_t cached_bytes;                           /* data of streams */
  uint64_t kept_bytes;                             /* streams and legs themselves */
  uint64_t most_cached, most_kept, most_datagrams; /* ever; the last: for one subscriber */
  uint64_t bounded_ns; /* when it was last over the bound, and something done about it */
  uint32_t n_behind;   /* subscriptions that are too far behind and not over yet */
  struct client *dirty;
  struct timers timers; /* of the clients */
  struct timer **due;   /* [cfg.max_clients], for relay_expiry() */
  bool stopping;
  struct qc_cid *entry_cids; /* by client slot: the ID that stands in its entry */
  uint64_t ids_out;          /* defect retire-first: IDs that are out of the common pool */
  uint64_t resent_bytes, slow_packets;
};

/* ---- client.c --------------------------------------------------------------- */
struct client *client_accept(struct relay *relay, const struct qc_path *path, const uint8_t *data,
                             size_t len);
struct client *client_dial(struct relay *relay); /* to the upstream of the configuration */
void client_free(struct client *client);

/* tell.c: what the trace is told of a connection; no-ops without a trace. tell_packet() is the
 * qc_config.packet of one, argument the client, where the trace asks for packets. */
void tell_begun(const struct client *client);
void tell_packet(void *arg, bool sent, uint64_t pn, const uint8_t *payload, size_t len,
                 size_t wire_len);
void tell_metrics(const struct client *client); /* behind an ACK */
void tell_closed(const struct client *client, const struct qc_close_info *info);
/* An object that is sent to nobody any more, or the rest of a stream; track may be NULL. */
void tell_dropped(const struct client *client, bool datagram, const struct track *track,
                  uint64_t group, const char *reason);

void client_dirty(struct client *client); /* has something to flush; its timer may have moved */
/* Something was done to its connection or ledger: its timer may have moved. */
void client_touched(struct client *client);
uint64_t client_due(const struct client *client);
/* When its ledger is due. UINT64_MAX: it has none, or nothing is. */
uint64_t client_ledger_due(const struct client *client);
/* When what ngtcp2 has to send may pass the window, as a probe. UINT64_MAX: nothing waits for it. */
uint64_t client_probe_due(const struct client *client);
/* Stops the fan-out to and from this client; the datapath forgets it. */
void client_leave(struct client *client);
void client_close(struct client *client, uint64_t code, const char *reason);
struct fb_counters *client_counters(const struct client *client);

/* ---- joint.c: what shim and ledger ask and tell; not on stock ------------------- */
/* Makes both, before the connection; client_free() frees them. -1: no memory. */
int joint_begin(struct client *client);
extern const struct protect_hooks joint_protect; /* for it; argument: the client */
/* What may ngtcp2 not write now? client_due() and client_dirty() see to it that it is asked again. */
enum qc_hold joint_hold(const struct client *client);
/* Is there an ACK to write now? */
bool joint_ack_due(const struct client *client);
uint64_t joint_take_number(struct client *client);
/* Enters a sent number in the ledger. */
void joint_enter(struct client *client, const struct ledger_number *number);
/* The ledger's floor may have moved: the cap on unacknowledged numbers follows it. */
void joint_floor(struct client *client);
/* MAX_DATA for the fan-out, and telling the datapath: after ngtcp2 was given data of its own. */
uint64_t joint_max_data(const struct client *client);
void joint_share_max_data(struct client *client);
struct leg *joint_leg(struct client *client, uint64_t sid); /* NULL: no subscriber's stream */

/* ---- entry.c ---------------------------------------------------------------- */
void entry_subscriber_join(struct client *client);
void entry_subscriber_update(struct client *client);            /* address, ID, hold for a path */
void entry_subscriber_phase(struct client *client, bool phase); /* before its first packet */
void entry_subscriber_leave(struct client *client);
void entry_subscription(struct subscription *sub);
void entry_upstream_join(struct client *client);
void entry_upstream_phase(struct client *client, bool phase);
void entry_upstream_path(struct client *client); /* it has changed */
void entry_upstream_leave(struct client *client);
void entry_upstream_cid(struct client *client, const struct qc_cid *cid, bool add);
void entry_upstream_seen(struct client *client, uint64_t pn);
/* Keeps the datapath from following a stream that it has not followed so far. False: it
 * does follow it, the record is in. */
bool entry_take_stream(struct stream *stream);
/* What came past the datapath is not its any more; the records of what it copied before are in. */
void entry_take_rest(struct stream *stream);
/* Tells the datapath, if it follows the stream, that an object came. */
void entry_object(const struct stream *stream);
void entry_alias(struct track *track, bool add);
void entry_newest_group(struct track *track);

/* ---- path.c ----------------------------------------------------------------- */
/* The connection is on another path: to a new one, or back to an old one because the new one
 * failed or the peer returned. On one that was never validated the fan-out stops. */
void path_changed(struct client *client, const struct qc_path *path);
/* The handshake's path, or one that answered its PATH_CHALLENGE: the fan-out may take it. */
void path_validated(struct client *client, const struct qc_path *path);

/* ---- track.c ---------------------------------------------------------------- */
extern const struct moqt_events track_events;
struct track *track_of_alias(struct client *up, uint64_t alias);
void track_saw(struct track *track, uint64_t group, uint64_t object);
/* Sends the PUBLISH_DONE of ended tracks, withdraws from those that nobody wants any more,
 * frees what nobody needs. */
void track_reap(struct relay *relay);
void track_expiry(struct relay *relay); /* at missing_ns */
/* A request stream is closed in both directions. */
void track_request_closed(struct client *up, int64_t sid);
void track_ask_waiting(struct client *up);     /* asks for all that wait for this upstream */
void track_give_up(struct relay *relay);       /* the relay above cannot be had: say so */
void track_malformed(struct track *track);     /* its publisher breaks the rules of MoQT */
void track_client_gone(struct client *client); /* its tracks end, its subscriptions stop */
/* The track of this name; asks for it if nobody has yet. NULL: nobody publishes it. */
struct track *track_find(struct relay *relay, const struct moqt_name *name);

/* ---- guest.c ------------------------------------------------------------------------ */
/* The handshake of a client with the other ALPN is done. */
void guest_begin(struct client *client);
/* Somebody publishes: guests that still wait for their track get it. */
void guest_retry(struct relay *relay);

/* ---- subscription.c ----------------------------------------------------------- */
/* Answers SUBSCRIBE. */
void subscription_join(struct subscription *sub);
/* REQUEST_ERROR to one that is pending, which frees it. */
void subscription_refuse(struct subscription *sub, uint64_t code, const char *reason);
/* If SUBSCRIBE_OK has left, the datapath learns of a new subscription. Until then client.entering
 * stays, and nothing new of the fan-out leaves: nobody there knows the alias yet. */
void subscription_enter(struct client *client);
/* Its queue is over the bound: nothing more is sent but resets and, then, PUBLISH_DONE. */
void subscription_too_far_behind(struct subscription *sub);
/* Nothing new is sent for it; PUBLISH_DONE with TOO_FAR_BEHIND follows what is. */
void subscription_end_short(struct subscription *sub);
/* Open streams of it that must not go on. */
void subscription_reset(struct subscription *sub, uint64_t code, bool only_unwanted);
/* PUBLISH_DONE, which frees it, once all of the track is there and delivered. */
void subscription_settle(struct subscription *sub);
void subscription_free(struct subscription *sub);
/* Does this subscription get this group and priority? */
bool subscription_wants(const struct subscription *sub, uint64_t group, uint8_t priority);
/* Its delivery timeout; 0: nothing of it may be dropped. */
uint32_t subscription_timeout_ms(const struct subscription *sub);

/* ---- stream.c --------------------------------------------------------------- */
struct stream *stream_get(struct client *up, int64_t sid, bool create);
struct stream *stream_find(struct relay *relay, uint64_t uid);
void stream_place(struct stream *stream, struct track *track, uint64_t group, uint64_t subgroup,
                  uint8_t priority);
void stream_data(struct client *up, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                 bool fin);
void stream_end(struct stream *stream, uint64_t code); /* reset upstream */
void stream_free(struct stream *stream);
/* Marks it for stream_reap() if nobody needs it any more. */
void stream_settle(struct stream *stream);

/* ---- leg.c ------------------------------------------------------------------ */
struct leg *leg_get(struct stream *stream, struct client *client, bool create);
void leg_skip(struct leg *leg); /* it is never opened */
void leg_free(struct leg *leg);
void leg_open(struct leg *leg, uint64_t ordinal); /* the subscriber's stream exists */
void leg_unopen(struct leg *leg);  /* nothing of it has left, and somebody else may have it */
void leg_reorder(struct leg *leg); /* its stream has another group, subgroup or priority */
void leg_offer(struct leg *leg);   /* queues it if it has unsent data */
/* Raises what is charged to flow control to `end`. False: the peer's limit is in the way. */
bool leg_charge(struct leg *leg, uint64_t end);
uint64_t leg_charged(const struct leg *leg);
struct fb_down *leg_down(const struct leg *leg); /* NULL: the datapath has no word for it */
/* Bytes from off on, as far as stream_has() says they are there. */
const uint8_t *stream_bytes(const struct stream *stream, uint64_t off);
bool stream_has(const struct stream *stream, uint64_t lo, uint64_t hi);
void leg_acked(struct leg *leg, uint64_t lo, uint64_t hi, bool fin);
void leg_reset(struct leg *leg, uint64_t code);
/* The strategy lets go of the rest of it, or of all if it is not open: marks it. Possible
 * where a reset is not: while records are read, while client.pending is walked. */
void leg_drop(struct leg *leg);
void leg_drop_due(struct relay *relay);
/* RESET_STREAM goes with the next packets; called again if that packet is lost. */
void leg_queue_reset(struct leg *leg);
void leg_finish(struct leg *leg);

/* ---- pending.c: the heap of legs with unsent data, in MoQT's order ------------- */
/* Smaller goes first: subscriber priority, publisher priority, group, subgroup. */
uint64_t pending_class(uint64_t order); /* the two priorities alone */
uint64_t pending_order(uint8_t subscriber, uint8_t publisher, uint64_t group, uint64_t subgroup);
void pending_push(struct client *client, struct leg *leg); /* no-op if it is queued */
struct leg *pending_pop(struct client *client);            /* NULL: empty */
void pending_remove(struct client *client, struct leg *leg);
/* Takes it out of the heap until MAX_STREAMS allows its ordinal: it must not stand in the way
 * of those that may go. */
void pending_park(struct client *client, struct leg *leg);
void pending_unpark(struct client *client); /* MAX_STREAMS was raised */
/* All that waits, parked or not, in no order. */
size_t pending_count(const struct client *client);
struct leg *pending_nth(const struct client *client, size_t i);

void stream_drop_client(struct relay *relay, struct client *client);
/* Gives back what no leg and no parser needs. */
void stream_trim(struct stream *stream);
/* Frees the settled ones; at the end of a turn, when nobody walks them. */
void stream_reap(struct relay *relay);
/* Streams that came before their track's SUBSCRIBE_OK. */
void stream_retry(struct client *up);

/* ---- behind.c: what is given up when a subscriber is too far behind ------------ */
void behind_bound_cache(struct relay *relay);
void behind_bound_datagrams(struct client *client);
void behind_report(struct relay *relay); /* a line about the most that was kept */

/* ---- datagram.c ------------------------------------------------------------- */
void datagram_in(struct client *up, const uint8_t *data, size_t len);
/* Those that came before their track's SUBSCRIBE_OK, when that came, or never will. */
void datagram_retry(struct client *up);
void datagram_forget_early(struct client *up);
/* Takes out of the queue what drops() says. */
void datagram_drop(struct client *client,
                   bool (*drops)(void *arg, const struct queued_datagram *datagram), void *arg);
/* The same for what its subscription does not want any more. */
void datagram_drop_unwanted(struct client *client);
void datagram_gone(struct client *client); /* the first one has left */

/* ---- dial.c ------------------------------------------------------------------ */
void dial_start(struct relay *relay);
void dial_ready(struct client *client); /* its session runs */
void dial_lost(struct client *client);  /* no-op unless it is the one in use */
/* The upstream if its session runs, else NULL. */
struct client *dial_upstream(const struct relay *relay);
/* Is it worth waiting for it? */
bool dial_hopes(const struct relay *relay);
/* A track that somebody already gets was refused: may it be asked for again, later? */
bool dial_again(struct relay *relay);
uint64_t dial_deadline(const struct relay *relay); /* UINT64_MAX = none */
void dial_expiry(struct relay *relay);

/* ---- copies.c --------------------------------------------------------------- */
void copies_drain(struct relay *relay);

/* ---- slow.c ----------------------------------------------------------------- */
/* Sends what may be sent now; returns true if more waits for nothing but its turn. */
bool slow_run(struct client *client);
void slow_lost(struct client *client, const struct ledger_number *number);
bool slow_is_idle(const struct client *client);

/* ---- skip.c: numbers left out on purpose; not on stock ------------------------- */
/* Leaves one out if it is time; with each ACK, so that there are as many as the peer looks at. */
void skip_number(struct client *client);
/* Are these ranges of a peer that acknowledges what was never sent? */
bool skip_caught(const struct client *client, const struct shim_range *acked, size_t n);

/* ---- drop.c ----------------------------------------------------------------- */
/* Asks the strategy about all that waits, and tells the datapath how old the rest is. */
void drop_what_waits(struct client *client);
void drop_none_waits(struct client *client); /* tells it that nothing does */

/* ---- stock.c ---------------------------------------------------------------- */
/* Once a turn, before its packets: what waits may have been let go, or let out by a limit. */
void stock_begin(struct client *client);
/* Before each packet of ngtcp2's: hands over what goes into it. */
void stock_feed(struct client *client);
void stock_take_back(struct client *client); /* behind it: what has not left with it */
void stock_reset(struct leg *leg);           /* one that is open, with its reset_code */

/* ---- relay.c ---------------------------------------------------------------- */
void relay_log(struct relay *relay, const char *format, ...) __attribute__((format(printf, 2, 3)));
void relay_cid(struct relay *relay, const struct qc_cid *cid, struct client *client, bool add);
void relay_forget_cid(struct relay *relay, struct cid_entry *entry);

#endif
