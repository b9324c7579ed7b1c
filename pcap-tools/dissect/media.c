#include "pcap-tools/dissect/media.h"

int qp_uni_header(const uint8_t *p, size_t len, enum qp_uni *kind, struct qp_subgroup *h,
                  const char **why) {
  struct qp_cur c = qp_cur(p, len);
  memset(h, 0, sizeof *h);
  uint64_t type = qp_vi64(&c);
  if (c.bad)
    return 0;
  *kind = QP_UNI_BAD;
  if (type == QP_MOQ_CONTROL)
    *kind = QP_UNI_CONTROL;
  else if (type == QP_MOQ_FETCH)
    *kind = QP_UNI_FETCH;
  else if (type == QP_MOQ_PADDING_STREAM)
    *kind = QP_UNI_PADDING;
  if (*kind != QP_UNI_BAD)
    return (int)(c.p - p);
  if (type >= 0x80 || !(type & 0x10) || (type & 6) == 6) {
    *why = "not the type of a unidirectional MoQT stream";
    return -1;
  }
  *kind = QP_UNI_SUBGROUP;
  h->flags = (uint8_t)type;
  h->properties = type & 0x01;
  h->end_of_group = type & 0x08;
  h->first_object = type & 0x40;
  h->id_is_object = (type & 6) == 2;
  h->alias = qp_vi64(&c);
  h->group = qp_vi64(&c);
  h->subgroup = (type & 6) == 4 ? qp_vi64(&c) : 0;
  h->priority = type & 0x20 ? QP_NO_PRIORITY : qp_u8(&c);
  return c.bad ? 0 : (int)(c.p - p);
}

int qp_object_header(const uint8_t *p, size_t len, bool properties, struct qp_object_header *o) {
  struct qp_cur c = qp_cur(p, len);
  o->delta = qp_vi64(&c);
  o->properties_len = properties ? qp_vi64(&c) : 0;
  return c.bad ? 0 : (int)(c.p - p);
}

int qp_object_payload(const uint8_t *p, size_t len, struct qp_object_payload *o, const char **why) {
  struct qp_cur c = qp_cur(p, len);
  o->len = qp_vi64(&c);
  o->status = !c.bad && o->len == 0 ? qp_vi64(&c) : 0;
  if (c.bad)
    return 0;
  if (o->status != 0 && o->status != 3 && o->status != 4) {
    *why = "unknown Object Status";
    return -1;
  }
  return (int)(c.p - p);
}

bool qp_moq_datagram(const uint8_t *p, size_t len, struct qp_moq_datagram *d, const char **why) {
  struct qp_cur c = qp_cur(p, len);
  memset(d, 0, sizeof *d);
  uint64_t type = qp_vi64(&c);
  if (!c.bad && type == QP_MOQ_PADDING_DATAGRAM) {
    d->padding = true;
    return true;
  }
  bool status = type & 0x20;
  if (c.bad || type > 0x2f || (type & 0x10) || (status && (type & 0x02))) {
    *why = "not the type of a MoQT datagram";
    return false;
  }
  d->alias = qp_vi64(&c);
  d->group = qp_vi64(&c);
  d->object = type & 0x04 ? 0 : qp_vi64(&c);
  d->priority = type & 0x08 ? QP_NO_PRIORITY : qp_u8(&c);
  d->end_of_group = type & 0x02;
  if (type & 0x01) {
    uint64_t props = qp_vi64(&c);
    if (!c.bad && props == 0) {
      *why = "a MoQT datagram with an empty properties block";
      return false;
    }
    qp_take(&c, props);
  }
  d->has_status = status;
  d->status = status ? qp_vi64(&c) : 0;
  if (c.bad) {
    *why = "a MoQT datagram that ends inside its header";
    return false;
  }
  d->payload = c.p;
  d->len = status ? 0 : qp_left(&c);
  return true;
}
