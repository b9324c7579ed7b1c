#include "relay/host/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool parse_port(const char *text, in_port_t *port) {
  char *end;
  unsigned long value = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end || value == 0 || value > UINT16_MAX)
    return false;
  *port = htons((uint16_t)value);
  return true;
}

bool address_parse(const char *text, struct qc_addr *out) {
  char ip[INET6_ADDRSTRLEN + 1] = "";
  const char *colon = strrchr(text, ':');
  bool six = text[0] == '[';
  size_t len = colon ? (size_t)(colon - text) : 0;
  memset(out, 0, sizeof *out);
  if (six && (len < 2 || text[len - 1] != ']'))
    return false;
  if (six) {
    text++;
    len -= 2;
  }
  if (len == 0 || len >= sizeof ip)
    return false;
  memcpy(ip, text, len);
  if (six) {
    out->in6.sin6_family = AF_INET6;
    out->len = sizeof out->in6;
    return inet_pton(AF_INET6, ip, &out->in6.sin6_addr) == 1 &&
           parse_port(colon + 1, &out->in6.sin6_port);
  }
  out->in.sin_family = AF_INET;
  out->len = sizeof out->in;
  return inet_pton(AF_INET, ip, &out->in.sin_addr) == 1 && parse_port(colon + 1, &out->in.sin_port);
}

/* Connecting a UDP socket sends nothing, but chooses a route. */
bool address_local(const struct qc_addr *remote, uint16_t port, struct qc_addr *local) {
  memset(local, 0, sizeof *local);
  local->len = sizeof local->in6;
  int fd = socket(remote->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  bool known =
      connect(fd, &remote->sa, remote->len) == 0 && getsockname(fd, &local->sa, &local->len) == 0;
  close(fd);
  if (local->sa.sa_family == AF_INET6)
    local->in6.sin6_port = htons(port);
  else
    local->in.sin_port = htons(port);
  return known;
}
