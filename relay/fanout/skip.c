/* Numbers left out on purpose (RFC 9000 21.4). The datapath numbers its copies without a gap, so
 * that a subscriber could acknowledge what it never got, to be sent more than it can take. */
#include "relay/fanout/core.h"

#define LEAST 128 /* numbers between two of them, and 511 more at most */
#define FIRST 16  /* the first comes early */

static uint64_t some(struct client *client, uint64_t least) {
  uint16_t random;
  client->relay->cfg.ops->rand(client->relay->cfg.ops_arg, (uint8_t *)&random, sizeof random);
  return least + random % (4 * least);
}

void skip_number(struct client *client) {
  struct skip *skip = &client->skip;
  if (client->relay->cfg.defects.pn_guess)
    return; /* it keeps no account of its own */
  if (skip->next == 0)
    skip->next = some(client, FIRST);
  if (plane_load(client->relay->cfg.plane, &client_counters(client)->next_pn) < skip->next)
    return;
  struct ledger_number number = {.pn = joint_take_number(client),
                                 .own = LEDGER_NO_OWN,
                                 .origin = LEDGER_BURNED,
                                 .sent_ns = client->relay->now};
  joint_enter(client, &number);
  skip->at[skip->n++ % SKIP_KEPT] = number.pn;
  skip->next = number.pn + some(client, LEAST);
}

bool skip_caught(const struct client *client, const struct shim_range *acked, size_t n) {
  const struct skip *skip = &client->skip;
  for (unsigned i = 0; i < skip->n && i < SKIP_KEPT; i++)
    for (size_t k = 0; k < n; k++)
      if (acked[k].lo <= skip->at[i] && skip->at[i] <= acked[k].hi)
        return true;
  return false;
}
