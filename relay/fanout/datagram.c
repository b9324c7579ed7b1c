#include <stdlib.h>
#include <string.h>

#include "bpf/wire/moqt_data.h"
#include "relay/fanout/core.h"

/* Has the datapath settled this datagram of the packet being read for a subscriber? */
static bool is_settled(const struct client *up, uint32_t slot) {
  if (!up->notes || up->rx_datagrams >= FB_MAX_FRAMES) return false;
  const struct datagram_note *note = &up->notes[up->rx_pn % RELAY_DATAGRAM_NOTES];
  if (!note->valid || note->pn != up->rx_pn) return false;
  return note->settled[up->rx_datagrams][slot / 64] >> (slot % 64) & 1;
}

static void queue(struct client *client, const uint8_t *data, size_t len, uint64_t order) {
  struct queued_datagram *entry = malloc(sizeof *entry + len);
  if (!entry) return; /* a datagram may be lost */
  entry->next = NULL;
  entry->order = order;
  entry->len = len;
  memcpy(entry->data, data, len);
  *client->dgram_tail = entry;
  client->dgram_tail = &entry->next;
  client->dgram_bytes += len;
  client_dirty(client);
}

void datagram_in(struct client *up, const uint8_t *data, size_t len) {
  struct relay *relay = up->relay;
  struct wire_cursor c = wire_cursor(data, 0, len);
  struct wire_datagram_header header;
  if (len > RELAY_MAX_UDP || wire_datagram_header_get(&c, &header) != WIRE_MOQT_OK) return;
  struct track *track = track_of_alias(up, header.alias.v);
  if (!track) return; /* not subscribed, or its answer is still on the way */
  track_saw(track, header.group.v, header.object.v);
  uint8_t priority = header.priority_given ? header.priority : track->default_priority;
  uint8_t copy[RELAY_MAX_UDP];
  memcpy(copy, data, len);
  wire_vi64_put_width(copy + header.alias.at, header.alias.len, track->out_alias);
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    struct client *client = relay->clients[i];
    struct subscription *sub = client ? client->subs[track->index] : NULL;
    if (!sub || client->closed || !subscription_wants(sub, header.group.v, priority)) continue;
    if (is_settled(up, i)) continue;
    if (!relay->cfg.plane) {
      qc_datagram_send(client->qc, copy, len);
      client_dirty(client);
      continue;
    }
    queue(client, copy, len,
          pending_order(sub->params.subscriber_priority, priority, header.group.v, 0));
  }
}
