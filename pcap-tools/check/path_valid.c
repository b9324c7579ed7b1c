/* path-valid: a server sends only on 4-tuples its client has sent on; before one is
 * validated, at most three times the bytes that came from there. The handshake's
 * 4-tuple is validated by a packet protected with handshake or 1-RTT keys, another one
 * by the PATH_RESPONSE to a PATH_CHALLENGE sent on it. The handshake's is the one on which
 * the server answers first: what came before from elsewhere, behind a NAT that has forgotten,
 * may never have arrived. Bytes are those of UDP payload; also
 * datagrams that the server discards count, as RFC 9000 8.1 says: duplicates do.
 *
 * Vantage: the server's interface.
 *
 * Excused: nothing.
 *
 * Source: RFC 9000 8.1, 8.2, 9.3. */
#include <stdlib.h>

#include "pcap-tools/check/check.h"
#include "pcap-tools/check/per_conn.h"

enum { CHALLENGES = 8, AMPLIFICATION = 3 };

struct path {
  struct qp_tuple tuple; /* as the client sends */
  bool validated;
  uint64_t in, out;
  uint8_t challenge[CHALLENGES][8];
  unsigned n_challenges; /* sent; the last CHALLENGES are kept */
};

struct path_list {
  struct path *items;
  size_t n, room;
  size_t home; /* the handshake's */
  bool answered;
  struct qp_place counted; /* the server's last datagram */
};

struct path_valid {
  struct qp_per_conn lists;
};

static struct path *find(struct path_list *l, const struct qp_end *client,
                         const struct qp_end *server) {
  for (size_t i = 0; i < l->n; i++)
    if (qp_end_equal(&l->items[i].tuple.src, client) &&
        qp_end_equal(&l->items[i].tuple.dst, server))
      return &l->items[i];
  return NULL;
}

/* The client's packets of this space came, and none could be opened: there is no key. */
static bool is_closed_book(const struct qp_conn *c, enum qp_space space) {
  const struct qp_numbers *n = &c->numbers[QP_CLIENT][space];
  return n->gaps && !n->sent.n;
}

/* True once for each datagram. */
static bool fresh(struct path_list *l, const struct qp_seen *s) {
  if (l->counted.frame == s->place.frame && l->counted.file == s->place.file)
    return false;
  l->counted = s->place;
  return true;
}

/* A packet that only somebody at this address can have sent, RFC 9000 8.1: protected with
 * keys that need the server's answer, or an Initial with a token. Without keys a packet is
 * believed to be what it looks like. */
static bool proves_address(const struct qp_seen *s) {
  if (s->header->type == QP_INITIAL)
    return s->header->token_len > 0;
  return s->opened || is_closed_book(s->conn, s->space);
}

static void came(struct path_list *l, const struct qp_seen *s) {
  const struct qp_tuple *t = &s->udp->tuple;
  struct path *p = find(l, &t->src, &t->dst);
  if (!p) {
    qp_grow((void **)&l->items, &l->room, l->n + 1, sizeof *l->items);
    p = &l->items[l->n++];
    *p = (struct path){.tuple = *t, .in = s->udp->len};
  }
  if (p == l->items + l->home && proves_address(s))
    p->validated = true;
}

static void report(struct qp_judged *self, const struct qp_seen *s, const char *field,
                   char *expected, char *actual) {
  char flow[QP_FLOW_TEXT], from[QP_END_TEXT], to[QP_END_TEXT];
  qp_describe(self, s->place,
              (struct qp_words){.layer = "udp",
                                .field = field,
                                .expected = expected,
                                .actual = actual,
                                .explain = qp_text("%s, from %s to %s",
                                                   qp_flow(self->evidence, s->conn, s->side, flow),
                                                   qp_end_text(&s->udp->tuple.src, from),
                                                   qp_end_text(&s->udp->tuple.dst, to))});
}

static void went(struct qp_judged *self, struct path_list *l, const struct qp_seen *s) {
  const struct qp_tuple *t = &s->udp->tuple;
  struct path *p = find(l, &t->dst, &t->src);
  if (!fresh(l, s))
    return;
  if (!l->answered && p)
    l->home = (size_t)(p - l->items);
  l->answered = true;
  /* without keys nobody sees the validation of a new path */
  if (p != l->items + l->home && is_closed_book(s->conn, QP_SPACE_APP))
    return;
  self->out->examined++;
  if (!p) {
    char end[QP_END_TEXT];
    if (qp_found(self))
      report(self, s, "4-tuple", qp_text("one that the client sent on"),
             qp_text("%s to the client", qp_end_text(&t->src, end)));
    return;
  }
  p->out += s->udp->len;
  if (!p->validated && p->out > AMPLIFICATION * p->in && qp_found(self))
    report(self, s, "bytes on an unvalidated path",
           qp_text("at most %llu, three times what came", (unsigned long long)(3 * p->in)),
           qp_text("%llu", (unsigned long long)p->out));
}

/* On a path that is known; the first one on another makes it known. */
static void datagram(void *arg, struct qp_place place, const struct qp_udp *udp,
                     struct qp_conn *conn, unsigned views) {
  struct qp_judged *self = arg;
  (void)place;
  if (!conn || !(views & QP_REACHED))
    return;
  struct path_list *l = qp_per_conn(&((struct path_valid *)self->state)->lists, conn, sizeof *l);
  struct path *p = find(l, &udp->tuple.src, &udp->tuple.dst);
  if (p)
    p->in += udp->len;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct path_list *l = qp_per_conn(&((struct path_valid *)self->state)->lists, s->conn, sizeof *l);
  if (s->side == QP_CLIENT && (s->views & QP_REACHED))
    came(l, s);
  else if (s->side == QP_SERVER && (s->views & QP_SENT))
    went(self, l, s);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  struct path_list *l = qp_per_conn(&((struct path_valid *)self->state)->lists, s->conn, sizeof *l);
  (void)effect;
  if (f->kind == QP_F_PATH_CHALLENGE && s->side == QP_SERVER && (s->views & QP_SENT)) {
    struct path *p = find(l, &s->udp->tuple.dst, &s->udp->tuple.src);
    if (p)
      memcpy(p->challenge[p->n_challenges++ % CHALLENGES], f->bytes.data, 8);
  } else if (f->kind == QP_F_PATH_RESPONSE && s->side == QP_CLIENT && (s->views & QP_REACHED)) {
    for (size_t i = 0; i < l->n; i++)
      for (unsigned k = 0; k < CHALLENGES && k < l->items[i].n_challenges; k++)
        if (!memcmp(l->items[i].challenge[k], f->bytes.data, 8))
          l->items[i].validated = true;
  }
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->datagram = datagram;
  w->packet = packet;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_PATH_CHALLENGE) | QP_KIND(QP_F_PATH_RESPONSE);
}

static void drop(void *item) {
  free(((struct path_list *)item)->items);
}

static void clear(struct qp_judged *self) {
  qp_per_conn_clear(&((struct path_valid *)self->state)->lists, drop);
}

const struct qp_check qp_check_path_valid = {
    .info = {"path-valid", "transport",
             "Packets travel only on validated paths, at most three times what came before.", true},
    .state = sizeof(struct path_valid),
    .watch = watch,
    .clear = clear,
};
