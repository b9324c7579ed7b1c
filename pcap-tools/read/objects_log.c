#include "pcap-tools/read/objects_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"

static uint32_t index_of(struct qp_names *names, const char *name) {
  for (size_t i = 0; i < names->n; i++)
    if (!strcmp(names->items[i], name))
      return (uint32_t)i;
  qp_grow((void **)&names->items, &names->room, names->n + 1, sizeof(char *));
  names->items[names->n] = qp_copy_text(name);
  return (uint32_t)names->n++;
}

void qp_names_clear(struct qp_names *names) {
  for (size_t i = 0; i < names->n; i++)
    free(names->items[i]);
  free(names->items);
  memset(names, 0, sizeof *names);
}

static uint32_t track_of(const struct qp_line *line, struct qp_names *names) {
  char name[256];
  return index_of(names, qp_line_text(line, "track", name, sizeof name));
}

static void read_object(const struct qp_line *line, struct qp_names *names,
                        struct qp_log_object *o) {
  uint64_t priority = 0;
  uint8_t hash[8];
  memset(o, 0, sizeof *o);
  o->line = line->number;
  o->track = track_of(line, names);
  o->subgroup = QP_NO_SUBGROUP;
  qp_line_u64(line, "t", &o->t);
  qp_line_u64(line, "waited", &o->waited);
  if (o->waited > o->t)
    o->waited = 0;
  qp_line_u64(line, "group", &o->group);
  qp_line_u64(line, "subgroup", &o->subgroup);
  qp_line_u64(line, "object", &o->object);
  qp_line_u64(line, "size", &o->size);
  qp_line_u64(line, "priority", &priority);
  o->priority = (int)(priority & 0xff);
  o->datagram = qp_line_is(line, "as", "datagram");
  if (qp_line_hex(line, "hash", hash, sizeof hash) == sizeof hash)
    for (int i = 0; i < 8; i++)
      o->hash = o->hash << 8 | hash[i];
}

static void read_subscribed(const struct qp_line *line, struct qp_names *names, uint32_t session,
                            struct qp_objects_log *log) {
  qp_grow((void **)&log->subscribed, &log->subscribed_room, log->n_subscribed + 1,
          sizeof *log->subscribed);
  struct qp_log_subscribed *s = &log->subscribed[log->n_subscribed++];
  memset(s, 0, sizeof *s);
  s->until = UINT64_MAX;
  s->line = line->number;
  s->session = session;
  s->track = track_of(line, names);
  qp_line_u64(line, "t", &s->t);
  const struct qp_line_field *largest = qp_line_get(line, "largest");
  unsigned long long g, o;
  if (largest && largest->type == '[' && sscanf(largest->value.p, "[ %llu , %llu", &g, &o) == 2) {
    s->has_largest = true;
    s->largest_group = g;
    s->largest_object = o;
  }
}

#define TOO_FAR_BEHIND 5 /* PUBLISH_DONE, draft-ietf-moq-transport-20 */

/* PUBLISH_DONE came for the session's last subscription to that track. */
static void read_done(const struct qp_line *line, struct qp_names *names, uint32_t session,
                      struct qp_objects_log *log) {
  uint64_t status = 0;
  uint32_t track = track_of(line, names);
  qp_line_u64(line, "status", &status);
  for (size_t i = log->n_subscribed; status == TOO_FAR_BEHIND && i-- > 0;)
    if (log->subscribed[i].track == track && log->subscribed[i].session == session) {
      log->subscribed[i].behind = true;
      return;
    }
}

/* All subscriptions that still run end now. */
static void end_sessions(struct qp_objects_log *log, uint64_t t) {
  for (size_t i = log->n_subscribed; i-- > 0 && log->subscribed[i].until == UINT64_MAX;)
    log->subscribed[i].until = t;
}

static void read_session(const struct qp_line *line, struct qp_objects_log *log) {
  qp_grow((void **)&log->sessions, &log->sessions_room, log->n_sessions + 1, sizeof *log->sessions);
  struct qp_log_session *s = &log->sessions[log->n_sessions++];
  memset(s, 0, sizeof *s);
  qp_line_u64(line, "t", &s->t);
  s->odcid_len = (uint8_t)qp_line_hex(line, "conn", s->odcid, sizeof s->odcid);
}

static void read_line(const struct qp_line *line, struct qp_names *names,
                      struct qp_objects_log *log, uint32_t *session) {
  uint64_t t = 0;
  qp_line_u64(line, "t", &t);
  if (qp_line_is(line, "ev", "delivered")) {
    qp_grow((void **)&log->delivered, &log->delivered_room, log->n_delivered + 1,
            sizeof *log->delivered);
    struct qp_log_object *o = &log->delivered[log->n_delivered++];
    read_object(line, names, o);
    o->session = *session;
  } else if (qp_line_is(line, "ev", "published")) {
    qp_grow((void **)&log->published, &log->published_room, log->n_published + 1,
            sizeof *log->published);
    read_object(line, names, &log->published[log->n_published++]);
  } else if (qp_line_is(line, "ev", "subscribed")) {
    read_subscribed(line, names, *session, log);
  } else if (qp_line_is(line, "ev", "done")) {
    read_done(line, names, *session, log);
  } else if (qp_line_is(line, "ev", "connected")) {
    end_sessions(log, t);
    read_session(line, log);
    ++*session;
  } else if (qp_line_is(line, "ev", "closed")) {
    end_sessions(log, t);
  }
}

int qp_objects_log_load(const char *dir, const char *file, struct qp_names *names,
                        struct qp_objects_log *log, char *err, size_t err_len) {
  char path[4096];
  struct qp_lines *lines;
  struct qp_line line;
  uint32_t session = 0;
  memset(log, 0, sizeof *log);
  snprintf(path, sizeof path, "%s/%s", dir, file);
  int got = qp_lines_open(path, &lines, err, err_len);
  if (got)
    return got;
  log->file = qp_copy_text(file);
  while ((got = qp_lines_next(lines, &line, err, err_len)) == 1)
    read_line(&line, names, log, &session);
  log->cut = qp_lines_cut(lines);
  qp_lines_close(lines);
  if (got)
    qp_objects_log_clear(log);
  return got;
}

void qp_objects_log_clear(struct qp_objects_log *log) {
  free(log->file);
  free(log->published);
  free(log->delivered);
  free(log->subscribed);
  free(log->sessions);
  memset(log, 0, sizeof *log);
}
