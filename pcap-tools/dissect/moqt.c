#include "pcap-tools/dissect/moqt.h"

enum {
  P_OBJECT_TIMEOUT = 0x02,
  P_TOKEN = 0x03,
  P_RENDEZVOUS = 0x04,
  P_SUBGROUP_TIMEOUT = 0x06,
  P_EXPIRES = 0x08,
  P_LARGEST = 0x09,
  P_FILL_TIMEOUT = 0x0a,
  P_FORWARD = 0x10,
  P_PRIORITY = 0x20,
  P_LOCATION_FILTER = 0x21,
  P_GROUP_ORDER = 0x22,
  P_FILL = 0x23,
  P_SUBGROUP_FILTER = 0x25,
  P_OBJECT_FILTER = 0x26,
  P_PRIORITY_FILTER = 0x27,
  P_OBJECT_PROPERTY_FILTER = 0x28,
  P_TRACK_PROPERTY_FILTER = 0x29,
  P_NEW_GROUP = 0x32,
  P_PREFIX = 0x34,
  P_INCLUDE_PROPERTIES = 0x35,
  PROP_DEFAULT_PRIORITY = 0x0e,
  PROP_DEFAULT_ORDER = 0x22,
  DEFAULT_PRIORITY = 128,
};

/* Field count and fields; the bytes stay in place. */
static void skip_namespace(struct qp_cur *c) {
  uint64_t fields = qp_vi64(c);
  if (fields > 32)
    c->bad = true;
  for (uint64_t i = 0; i < fields && !c->bad; i++)
    qp_take(c, qp_vi64(c));
}

static void location_filter(struct qp_cur v, struct qp_moq_params *p) {
  p->has_location = true;
  p->location_fields = 0;
  while (qp_left(&v) && !v.bad && p->location_fields < 4)
    p->location[p->location_fields++] = qp_vi64(&v);
}

/* SetID, then {Start delta, End delta}...; the last End may be missing (open). */
static void priority_filter(struct qp_cur v, struct qp_moq_params *p) {
  uint64_t at = 0;
  p->has_priority = true;
  p->n_priority = 0;
  qp_u8(&v);
  while (qp_left(&v) && !v.bad && p->n_priority < QP_FILTER_RANGES) {
    struct qp_range *r = &p->priority[p->n_priority++];
    r->lo = at + qp_vi64(&v);
    r->hi = qp_left(&v) ? r->lo + qp_vi64(&v) : UINT64_MAX;
    at = r->hi;
  }
}

static void parameter(struct qp_cur *c, uint64_t type, struct qp_moq_params *p) {
  switch (type) {
  case P_OBJECT_TIMEOUT:
    p->has_object_timeout = true;
    p->object_timeout_ms = qp_vi64(c);
    break;
  case P_SUBGROUP_TIMEOUT:
    p->has_subgroup_timeout = true;
    p->subgroup_timeout_ms = qp_vi64(c);
    break;
  case P_RENDEZVOUS:
  case P_EXPIRES:
  case P_FILL_TIMEOUT:
  case P_NEW_GROUP:
    qp_vi64(c);
    break;
  case P_LARGEST:
    p->has_largest = true;
    p->largest.group = qp_vi64(c);
    p->largest.object = qp_vi64(c);
    break;
  case P_FORWARD:
    p->has_forward = true;
    p->forward = qp_u8(c);
    break;
  case P_PRIORITY:
    p->has_subscriber_priority = true;
    p->subscriber_priority = qp_u8(c);
    break;
  case P_GROUP_ORDER:
    p->has_order = true;
    p->order = qp_u8(c);
    break;
  case P_INCLUDE_PROPERTIES:
    qp_u8(c);
    break;
  case P_LOCATION_FILTER:
    location_filter(qp_sub(c, qp_vi64(c)), p);
    break;
  case P_PRIORITY_FILTER:
    priority_filter(qp_sub(c, qp_vi64(c)), p);
    break;
  case P_TOKEN:
  case P_FILL:
  case P_SUBGROUP_FILTER:
  case P_OBJECT_FILTER:
  case P_OBJECT_PROPERTY_FILTER:
  case P_TRACK_PROPERTY_FILTER:
    qp_take(c, qp_vi64(c));
    break;
  case P_PREFIX:
    skip_namespace(c);
    break;
  default:
    c->bad = true; /* cannot be skipped: its encoding is unknown */
  }
}

static void parameters(struct qp_cur *c, struct qp_moq_params *p) {
  uint64_t n = qp_vi64(c), type = 0;
  for (uint64_t i = 0; i < n && !c->bad; i++) {
    type += qp_vi64(c);
    if (!c->bad)
      parameter(c, type, p);
  }
}

/* Key-Value-Pairs to the end of the body. */
static void properties(struct qp_cur *c, struct qp_moq_message *m) {
  uint64_t type = 0;
  while (qp_left(c) && !c->bad) {
    type += qp_vi64(c);
    if (type & 1) {
      qp_take(c, qp_vi64(c));
      continue;
    }
    uint64_t value = qp_vi64(c);
    if (!c->bad && type == PROP_DEFAULT_PRIORITY && m->type != QP_M_SETUP)
      m->default_priority = value > 255 ? 255 : (int)value;
    if (!c->bad && type == PROP_DEFAULT_ORDER && m->type != QP_M_SETUP)
      m->default_order = value == 2 ? 2 : 1;
  }
}

/* Namespace and, for a track, its name. */
static void full_name(struct qp_cur *c, struct qp_moq_message *m, bool track) {
  m->full_name = c->p;
  skip_namespace(c);
  if (track) {
    uint64_t len = qp_vi64(c);
    m->name = qp_take(c, len);
    m->name_len = m->name ? (size_t)len : 0;
  }
  m->full_name_len = (size_t)(c->p - m->full_name);
}

static void body(struct qp_cur *c, struct qp_moq_message *m) {
  switch (m->type) {
  case QP_M_SETUP:
    properties(c, m);
    break;
  case QP_M_SUBSCRIBE:
  case QP_M_TRACK_STATUS:
  case QP_M_FETCH:
    m->request_id = qp_vi64(c);
    full_name(c, m, true);
    parameters(c, &m->params);
    break;
  case QP_M_PUBLISH:
    m->request_id = qp_vi64(c);
    full_name(c, m, true);
    m->alias = qp_vi64(c);
    parameters(c, &m->params);
    properties(c, m);
    break;
  case QP_M_PUBLISH_NAMESPACE:
  case QP_M_SUBSCRIBE_NAMESPACE:
  case QP_M_SUBSCRIBE_TRACKS:
    m->request_id = qp_vi64(c);
    full_name(c, m, false);
    parameters(c, &m->params);
    break;
  case QP_M_SUBSCRIBE_OK:
    m->alias = qp_vi64(c);
    parameters(c, &m->params);
    properties(c, m);
    break;
  case QP_M_REQUEST_UPDATE:
    m->request_id = qp_vi64(c);
    parameters(c, &m->params);
    break;
  case QP_M_REQUEST_OK:
    parameters(c, &m->params);
    properties(c, m);
    break;
  case QP_M_STATE_NOTIFY:
    parameters(c, &m->params);
    break;
  case QP_M_REQUEST_ERROR:
    m->code = qp_vi64(c);
    qp_vi64(c);
    qp_take(c, qp_vi64(c));
    if (m->code == 0x34) /* REDIRECT: a URI and a full name follow */
      qp_take(c, qp_left(c));
    break;
  case QP_M_PUBLISH_DONE:
    m->code = qp_vi64(c);
    m->streams = qp_vi64(c);
    qp_take(c, qp_vi64(c));
    break;
  default: /* GOAWAY, FETCH_OK, NAMESPACE...: nothing in them is judged */
    qp_take(c, qp_left(c));
  }
}

int qp_moq_message(const uint8_t *p, size_t len, struct qp_moq_message *m, const char **why) {
  struct qp_cur c = qp_cur(p, len);
  memset(m, 0, sizeof *m);
  m->default_priority = DEFAULT_PRIORITY;
  m->default_order = 1;
  m->type = qp_vi64(&c);
  if (c.bad)
    return 0;
  if (!strcmp(qp_moq_name(m->type), "unknown")) {
    *why = "unknown MoQT message type";
    return -1;
  }
  struct qp_cur b = qp_sub(&c, qp_u16(&c));
  if (c.bad)
    return 0;
  body(&b, m);
  if (b.bad || qp_left(&b)) {
    *why = b.bad ? "a MoQT message body shorter than its fields, or with an unknown parameter"
                 : "a MoQT message body longer than its fields";
    return -1;
  }
  m->len = (size_t)(c.p - p);
  return (int)m->len;
}

const char *qp_moq_name(uint64_t type) {
  static const struct {
    uint64_t type;
    const char *name;
  } names[] = {
      {QP_M_REQUEST_UPDATE, "REQUEST_UPDATE"},
      {QP_M_SUBSCRIBE, "SUBSCRIBE"},
      {QP_M_SUBSCRIBE_OK, "SUBSCRIBE_OK"},
      {QP_M_REQUEST_ERROR, "REQUEST_ERROR"},
      {QP_M_PUBLISH_NAMESPACE, "PUBLISH_NAMESPACE"},
      {QP_M_REQUEST_OK, "REQUEST_OK"},
      {QP_M_NAMESPACE, "NAMESPACE"},
      {QP_M_PUBLISH_DONE, "PUBLISH_DONE"},
      {QP_M_TRACK_STATUS, "TRACK_STATUS"},
      {QP_M_NAMESPACE_DONE, "NAMESPACE_DONE"},
      {QP_M_PUBLISH_SKIPPED, "PUBLISH_SKIPPED"},
      {QP_M_GOAWAY, "GOAWAY"},
      {QP_M_FETCH, "FETCH"},
      {QP_M_FETCH_OK, "FETCH_OK"},
      {QP_M_PUBLISH, "PUBLISH"},
      {QP_M_STATE_NOTIFY, "PUBLISH_STATE_NOTIFY"},
      {QP_M_SUBSCRIBE_NAMESPACE, "SUBSCRIBE_NAMESPACE"},
      {QP_M_SUBSCRIBE_TRACKS, "SUBSCRIBE_TRACKS"},
      {QP_M_SETUP, "SETUP"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].type == type)
      return names[i].name;
  return "unknown";
}
