#include "bench/sim/relay_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/sim/relay_plan.h"
#include "embed/test_cert_pem.h"
#include "embed/test_key_pem.h"
#include "relay/moqt/codes.h"

static void on_keylog(void *arg, const char *line) {
  struct world *world = ((struct node *)arg)->world;
  char text[512];
  const int len = snprintf(text, sizeof text, "%s\n", line);
  if (len <= 0 || len >= (int)sizeof text || write(world->keylog, text, (size_t)len) != len)
    world_end(world, "cannot write keys.log: %s", strerror(errno));
}

/* Whom it dials. */
static int open_upstream(struct relay_tls *tls, struct node *node,
                         struct relay_upstream *upstream) {
  const struct world *world = node->world;
  const struct plan_node *plan = node->plan;
  if (plan->relay < 0)
    return 0;
  tls->client = qc_tls_new(&(struct qc_tls_config){
      .alpn = MOQT_ALPN,
      .cipher = relay_plan_cipher(plan),
      .keylog = on_keylog,
      .keylog_arg = node,
  });
  upstream->tls = tls->client;
  if (tls->client == NULL ||
      !network_way(world->network, plan->host, world->plan->nodes[plan->relay].host,
                   &upstream->path.local, &upstream->path.remote))
    return -1;
  *frame_port_of(&upstream->path.local) = htons(world->config->ports[node->index]);
  *frame_port_of(&upstream->path.remote) = htons(world->config->ports[plan->relay]);
  frame_authority(&upstream->path.remote, tls->authority, sizeof tls->authority);
  upstream->authority = tls->authority;
  return 0;
}

int relay_tls_open(struct relay_tls *tls, struct node *node, struct relay_upstream *upstream) {
  tls->server = qc_tls_new(&(struct qc_tls_config){
      .server = true,
      .alpn = MOQT_ALPN,
      .cipher = relay_plan_cipher(node->plan),
      .cert_pem = (const uint8_t *)embed_test_cert_pem,
      .cert_len = embed_test_cert_pem_len,
      .key_pem = (const uint8_t *)embed_test_key_pem,
      .key_len = embed_test_key_pem_len,
      .keylog = on_keylog,
      .keylog_arg = node,
  });
  return tls->server != NULL ? open_upstream(tls, node, upstream) : -1;
}

void relay_tls_close(struct relay_tls *tls) {
  qc_tls_free(tls->server);
  qc_tls_free(tls->client);
}
