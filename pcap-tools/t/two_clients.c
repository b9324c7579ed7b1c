#include "pcap-tools/t/two_clients.h"

int two_clients(void **state) {
  static struct stage s;
  s.t = tape_new();
  s.c = tape_conn(s.t);
  s.d = tape_conn(s.t);
  *state = &s;
  return 0;
}

int two_clients_gone(void **state) {
  struct stage *s = *state;
  tape_conn_free(&s->c);
  tape_conn_free(&s->d);
  tape_free(s->t);
  return 0;
}
