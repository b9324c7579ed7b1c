#include "pcap-tools/qlog/moqt_events.h"

/* The next event of MoQT in that view: sides make what they send and parse what they
 * get. NULL: nobody asked for it. */
static struct qp_json *next(struct qp_recorder *r, unsigned view, unsigned side, uint64_t stream,
                            const char *created, const char *parsed) {
  const struct qp_packet_told *p = &r->packet;
  if (!p->pending || !qp_record_view(p->told, view))
    return NULL;
  return qp_record_late_moqt(r, view, view == side ? created : parsed, stream);
}

/* Streams are read at the server's interface: the client's view has that only if it is
 * the same. */
static bool view_reads(const struct qp_conn *c, unsigned view) {
  return view == QP_SERVER || !c->split;
}

static void subgroup_header(struct qp_json *j, const struct qp_half *h) {
  const struct qp_subgroup *g = &h->header;
  qp_json_number(j, "stream_id", h->id);
  qp_json_number(j, "track_alias", g->alias);
  qp_json_number(j, "group_id", g->group);
  qp_json_number(j, "subgroup_id_mode", g->flags >> 1 & 3u);
  if (!g->id_is_object)
    qp_json_number(j, "subgroup_id", g->subgroup);
  if (g->priority != QP_NO_PRIORITY)
    qp_json_number(j, "publisher_priority", (uint64_t)g->priority);
  qp_json_bool(j, "contains_end_of_group", g->end_of_group);
  qp_json_bool(j, "properties_present", g->properties);
  qp_json_close(j, '}');
}

static void on_stream(void *arg, const struct qp_conn *c, const struct qp_half *h) {
  struct qp_recorder *r = arg;
  const char *type = h->kind == QP_S_CONTROL    ? "control"
                     : h->kind == QP_S_SUBGROUP ? "subgroup_header"
                     : h->kind == QP_S_FETCH    ? "fetch_header"
                                                : NULL;
  for (unsigned view = 0; view < 2 && type; view++) {
    if (!view_reads(c, view))
      continue;
    struct qp_json *j =
        next(r, view, h->side, h->id, "moqt:stream_type_set", "moqt:stream_type_set");
    if (!j)
      continue;
    qp_json_number(j, "stream_id", h->id);
    qp_json_text(j, "stream_type", type);
    qp_json_text(j, "owner", view == h->side ? "local" : "remote");
    qp_json_close(j, '}');
    if (h->kind != QP_S_SUBGROUP)
      continue;
    j = next(r, view, h->side, h->id, "moqt:subgroup_header_created",
             "moqt:subgroup_header_parsed");
    subgroup_header(j, h);
  }
}

static bool on_object(void *arg, struct qp_conn *c, unsigned side, struct qp_object *o) {
  struct qp_recorder *r = arg;
  for (unsigned view = 0; view < 2 && o->half; view++) {
    struct qp_json *j = view_reads(c, view)
                            ? next(r, view, side, o->half->id, "moqt:subgroup_object_created",
                                   "moqt:subgroup_object_parsed")
                            : NULL;
    if (!j)
      continue;
    qp_json_number(j, "stream_id", o->half->id);
    qp_json_number(j, "object_id_delta", o->half->feed.delta);
    qp_json_number(j, "object_payload_length", o->len);
    if (!o->len)
      qp_json_number(j, "object_status", o->status);
    qp_json_open(j, "object_payload", '{');
    qp_json_number(j, "length", o->len);
    qp_json_close(j, '}');
    qp_json_close(j, '}');
  }
  return true; /* it need not be kept */
}

/* The namespace as texts; full: field count and fields, each with its length. */
static void track_namespace(struct qp_json *j, const uint8_t *full, size_t len) {
  struct qp_cur c = qp_cur(full, len);
  uint64_t fields = qp_vi64(&c);
  qp_json_open(j, "track_namespace", '[');
  for (uint64_t i = 0; i < fields && !c.bad; i++) {
    uint64_t n = qp_vi64(&c);
    const uint8_t *p = qp_take(&c, n);
    if (!c.bad)
      qp_json_text_bytes(j, NULL, p, (size_t)n);
  }
  qp_json_close(j, ']');
}

static void message_members(struct qp_json *j, const struct qp_moq_message *m) {
  char type[32] = "";
  const char *name = qp_moq_name(m->type);
  for (size_t i = 0; name[i] && i + 1 < sizeof type; i++)
    type[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
  qp_json_text(j, "type", type);
  switch (m->type) {
  case QP_M_SUBSCRIBE:
  case QP_M_TRACK_STATUS:
  case QP_M_FETCH:
  case QP_M_PUBLISH:
  case QP_M_PUBLISH_NAMESPACE:
  case QP_M_SUBSCRIBE_NAMESPACE:
  case QP_M_SUBSCRIBE_TRACKS:
  case QP_M_REQUEST_UPDATE:
    qp_json_number(j, "request_id", m->request_id);
    break;
  case QP_M_REQUEST_ERROR:
    qp_json_number(j, "error_code", m->code);
    break;
  case QP_M_PUBLISH_DONE:
    qp_json_number(j, "status_code", m->code);
    qp_json_number(j, "stream_count", m->streams);
    break;
  default:
    break;
  }
  if (m->full_name)
    track_namespace(j, m->full_name, m->full_name_len);
  if (m->name)
    qp_json_text_bytes(j, "track_name", m->name, m->name_len);
  if (m->type == QP_M_SUBSCRIBE_OK || m->type == QP_M_PUBLISH)
    qp_json_number(j, "track_alias", m->alias);
}

static void on_message(void *arg, const struct qp_conn *c, const struct qp_half *h,
                       const struct qp_moq_message *m) {
  struct qp_recorder *r = arg;
  for (unsigned view = 0; view < 2; view++) {
    struct qp_json *j = view_reads(c, view)
                            ? next(r, view, h->side, h->id, "moqt20:control_message_created",
                                   "moqt20:control_message_parsed")
                            : NULL;
    if (!j)
      continue;
    qp_json_number(j, "stream_id", h->id);
    qp_json_number(j, "length", m->len);
    qp_json_open(j, "message", '{');
    message_members(j, m);
    qp_json_close(j, '}');
    qp_json_close(j, '}');
  }
}

void qp_moqt_datagram(struct qp_recorder *r, struct qp_told *t, const struct qp_seen *s,
                      const struct qp_quic_frame *f) {
  struct qp_moq_datagram d;
  const char *why;
  if (!qp_moq_datagram(f->bytes.data, (size_t)f->bytes.len, &d, &why) || d.padding)
    return;
  for (unsigned view = 0; view < 2; view++) {
    bool network = t->decided && t->at[view] == QP_AT_NETWORK;
    if (!(s->views & (s->side == view || network ? QP_SENT : QP_REACHED)))
      continue;
    struct qp_json *j = next(r, view, s->side, UINT64_MAX, "moqt:object_datagram_created",
                             "moqt:object_datagram_parsed");
    if (!j)
      continue;
    qp_json_number(j, "track_alias", d.alias);
    qp_json_number(j, "group_id", d.group);
    qp_json_number(j, "object_id", d.object);
    if (d.priority != QP_NO_PRIORITY)
      qp_json_number(j, "publisher_priority", (uint64_t)d.priority);
    if (d.has_status)
      qp_json_number(j, "object_status", d.status);
    qp_json_open(j, "object_payload", '{');
    qp_json_number(j, "length", d.len);
    qp_json_close(j, '}');
    qp_json_bool(j, "end_of_group", d.end_of_group);
    qp_json_close(j, '}');
  }
}

void qp_moqt_listen(struct qp_recorder *r, struct qp_tracker *tracker) {
  qp_tracker_pass_on(tracker, on_object, r);
  qp_tracker_listen(tracker,
                    &(struct qp_moq_ears){.arg = r, .stream = on_stream, .message = on_message});
}
