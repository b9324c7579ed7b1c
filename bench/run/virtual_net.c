#include "bench/run/virtual_net.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run/command.h"

static void fill_end(struct sim_end *to, const struct veth_end *from, int family, uint32_t host) {
  to->host = host;
  memcpy(to->mac, from->mac, sizeof to->mac);
  if (family == AF_INET6) {
    to->addr.in6.sin6_family = AF_INET6;
    to->addr.len = sizeof to->addr.in6;
    inet_pton(AF_INET6, from->address, &to->addr.in6.sin6_addr);
  } else {
    to->addr.in.sin_family = AF_INET;
    to->addr.len = sizeof to->addr.in;
    inet_pton(AF_INET, from->address, &to->addr.in.sin_addr);
  }
}

int virtual_net_open(struct virtual_net *v, const struct plan *plan, const struct topology *net) {
  *v = (struct virtual_net){.wires = calloc(plan->n_links + 1, sizeof *v->wires),
                            .ports = calloc(plan->n_nodes + 1, sizeof *v->ports),
                            .first_ifindex = 1};
  if (v->wires == NULL || v->ports == NULL) {
    virtual_net_free(v);
    return -1;
  }
  for (size_t i = 0; i < plan->n_nodes; i++)
    v->ports[i] = (uint16_t)command_port(plan, (int)i);
  for (size_t k = 0; k < net->n_links; k++) {
    const struct topology_link *link = &net->links[k];
    fill_end(&v->wires[k].end[0], &link->pair.a, link->pair.family, link->host_a);
    fill_end(&v->wires[k].end[1], &link->pair.b, link->pair.family, link->host_b);
  }
  if (net->n_links > 0)
    v->first_ifindex = (uint32_t)net->links[0].pair.a.ifindex;
  return 0;
}

void virtual_net_free(struct virtual_net *v) {
  free(v->wires);
  free(v->ports);
  *v = (struct virtual_net){0};
}
