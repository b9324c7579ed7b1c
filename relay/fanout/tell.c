/* What the trace is told of a connection as a whole, and of what it does not get. */
#include "relay/fanout/core.h"

void tell_begun(const struct client *client) {
  const struct relay *relay = client->relay;
  if (relay->cfg.trace && relay->cfg.trace->begun)
    relay->cfg.trace->begun(relay->cfg.trace_arg, relay->now, &client->odcid, &client->path);
}

void tell_packet(void *arg, bool sent, uint64_t pn, const uint8_t *payload, size_t len,
                 size_t wire_len) {
  const struct client *client = arg;
  const struct relay *relay = client->relay;
  const struct trace_packet packet = {.now_ns = relay->now,
                                      .conn = &client->odcid,
                                      .sent = sent,
                                      .pn = pn,
                                      .payload = payload,
                                      .len = len,
                                      .wire_len = wire_len};
  relay->cfg.trace->packet(relay->cfg.trace_arg, &packet);
}

void tell_metrics(const struct client *client) {
  const struct relay *relay = client->relay;
  if (!relay->cfg.trace || !relay->cfg.trace->metrics)
    return;
  const struct congestion_curve *curve = &client->window.cc.now;
  const struct trace_metrics metrics = {
      .smoothed_rtt_ns = ledger_smoothed_rtt(client->ledger),
      .congestion_window = curve->cwnd,
      .ssthresh = curve->ssthresh,
      .bytes_in_flight = ledger_inflight_bytes(client->ledger),
  };
  relay->cfg.trace->metrics(relay->cfg.trace_arg, relay->now, &client->odcid, &metrics);
}

void tell_closed(const struct client *client, const struct qc_close_info *info) {
  const struct relay *relay = client->relay;
  if (relay->cfg.trace && relay->cfg.trace->closed)
    relay->cfg.trace->closed(relay->cfg.trace_arg, relay->now, &client->odcid, info);
}

void tell_dropped(const struct client *client, bool datagram, const struct track *track,
                  uint64_t group, const char *reason) {
  const struct relay *relay = client->relay;
  if (!relay->cfg.trace || !relay->cfg.trace->dropped)
    return;
  const struct trace_drop drop = {.slot = client->slot,
                                  .gen = client->gen,
                                  .datagram = datagram,
                                  .track = track ? track->label : NULL,
                                  .group = group,
                                  .reason = reason};
  relay->cfg.trace->dropped(relay->cfg.trace_arg, relay->now, &drop);
}
