#include "pcap-tools/t/scene.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

static struct word message(uint64_t stream, struct word m) {
  return w_stream_of(stream, 0, m, false);
}

static struct scene join(struct scene s, const char *track, struct word params, struct word ok) {
  pkt_1rtt(&s.pub, S,
           .frames =
               FRAMES(message(3, m_setup()), message(1, m_subscribe(1, track, p_next_group()))));
  pkt_1rtt(&s.pub, C,
           .frames = FRAMES(message(2, m_setup()), message(1, m_subscribe_ok(UP_ALIAS, p_none()))));
  pkt_1rtt(&s.sub, C,
           .frames = FRAMES(message(2, m_setup()), message(0, m_subscribe(0, track, params))));
  pkt_1rtt(&s.sub, S,
           .frames = FRAMES(message(3, m_setup()), message(0, m_subscribe_ok(DOWN_ALIAS, ok))));
  return s;
}

struct scene scene_new(const char *track, struct word params, struct word ok) {
  return scene_on(tape_new(), track, params, ok);
}

struct scene scene_on(struct tape *t, const char *track, struct word params, struct word ok) {
  struct scene s = {.t = t};
  s.pub = tape_conn(s.t);
  s.sub = tape_conn(s.t);
  return join(s, track, params, ok);
}

struct scene scene_new_wired(const char *track) {
  struct scene s = {.t = tape_new()};
  s.pub = tape_conn_split(s.t, 1, 0);
  s.sub = tape_conn_split(s.t, 3, 2);
  return join(s, track, p_next_group(), p_none());
}

void scene_free(struct scene *s) {
  tape_conn_free(&s->pub);
  tape_conn_free(&s->sub);
  tape_free(s->t);
}

void scene_up(struct scene *s, uint64_t group, uint64_t object, const char *text) {
  pkt_1rtt(&s->pub, C, .frames = FRAMES(w_datagram(o_datagram(UP_ALIAS, group, object, 1, text))));
}

void scene_down(struct scene *s, uint64_t group, uint64_t object, const char *text) {
  pkt_1rtt(&s->sub, S,
           .frames = FRAMES(w_datagram(o_datagram(DOWN_ALIAS, group, object, 1, text))));
}

void scene_up_stream(struct scene *s, uint64_t stream, uint64_t group, const char *text) {
  struct word w = JOIN(o_header(UP_ALIAS, group, 0, 1), o_object(0, text));
  pkt_1rtt(&s->pub, C, .frames = FRAMES(w_stream_of(stream, 0, w, true)));
}

void scene_down_stream(struct scene *s, uint64_t stream, uint64_t group, const char *text) {
  struct word w = JOIN(o_header(DOWN_ALIAS, group, 0, 1), o_object(0, text));
  pkt_1rtt(&s->sub, S, .frames = FRAMES(w_stream_of(stream, 0, w, true)));
}

void scene_close(struct scene *s) {
  s->t->now_ns += 1000000000;
  pkt_1rtt(&s->sub, C, .frames = FRAMES(w_close_app(0)));
  pkt_1rtt(&s->pub, C, .frames = FRAMES(w_close_app(0)));
}
