/* Congestion control of one subscriber over both paths: one window (congestion.h), of which the
 * datapath's share is told as credit; what the slow path takes is taken off it first. Not on stock.
 *
 * Order of calls: window_init() when the handshake is done; window_sent(), window_settled() and
 * window_spurious() as the ledger tells; window_grant() behind what moved the window or the bytes in
 * flight. Before each packet of the slow path window_admits(). Bytes are whole UDP payloads; times
 * are those of relay.now. */
#ifndef FANBENCH_RELAY_FANOUT_WINDOW_H
#define FANBENCH_RELAY_FANOUT_WINDOW_H

#include "relay/fanout/congestion.h"
#include "relay/fanout/ledger.h"
#include "relay/fanout/pacer.h"

struct client;

/* What a subscriber may be sent now. */
struct window {
  struct congestion cc;
  struct pacer pacer;
  uint64_t entered; /* bytes of the datapath's copies whose records are in */
  uint64_t held_ns; /* the datapath holds back since; 0 = it does not */
  uint64_t due_ns;  /* the slow path waits for its pacing; 0 = it does not */
  uint64_t lost_pn; /* the loss before this one */
  bool has_lost;
  bool waits; /* the slow path has something to send and no room for it */
};

void window_init(struct client *client);
/* What was learned of the path before is void (RFC 9000 9.4). */
void window_new_path(struct client *client);
void window_sent(struct client *client, const struct ledger_number *number);
void window_settled(struct client *client, const struct ledger_number *number);
void window_spurious(struct client *client, const struct ledger_number *number);
/* Tells the datapath what it may send. */
void window_grant(struct client *client);
/* The slow path waits for room: the datapath must not take it. */
void window_hold(struct client *client);
/* The backlog is gone, and there is room enough for the fast path to be worth it. */
bool window_is_open(const struct client *client);
/* After the slow path has had its turn: gives the fast path back to one who waits too long. */
void window_relieve(struct client *client);
/* May the slow path send a packet now? If so it must, or give the room back by window_grant().
 * FULL: ask again after an ACK. PACED: at window.due_ns. */
enum window_answer { WINDOW_OPEN, WINDOW_FULL, WINDOW_PACED };
enum window_answer window_admits(struct client *client);
/* For what is sent besides: no room is taken. */
bool window_has_room(const struct client *client, uint64_t bytes);
void window_paced(struct client *client, uint64_t bytes);

#endif
