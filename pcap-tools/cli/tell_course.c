#include "pcap-tools/cli/gaps.h"
#include "pcap-tools/cli/telling.h"
#include "pcap-tools/track/codes.h"

static void tell_path(struct qp_telling *t, const struct qp_story *y) {
  char from[QP_END_TEXT], to[QP_END_TEXT];
  if (y->moved.n) {
    qp_end_text(&y->moved_from.src, from);
    qp_end_text(&y->moved_to.src, to);
    qp_tell(
        t, QP_NOTE, "path", y->moved.first,
        "The client's address changed %llu time%s, first from %s to %s (migration, or a NAT that "
        "chose a new port).",
        U(y->moved.n), qp_plural(y->moved.n), from, to);
  }
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_happened *asked = &y->path_challenge[side];
    if (asked->n && !y->path_response[!side].n)
      qp_tell(
          t, QP_WRONG_LEVEL, "path", asked->first,
          "The %s asked for proof of a path (PATH_CHALLENGE) and the %s never answered: that path "
          "cannot be used.",
          qp_side_name(side), qp_side_name(!side));
    else if (asked->n)
      qp_tell(t, QP_NOTE, "path", asked->first,
              "The %s validated a path (%llu PATH_CHALLENGE, %llu PATH_RESPONSE).",
              qp_side_name(side), U(asked->n), U(y->path_response[!side].n));
    if (y->key_update[side].n)
      qp_tell(t, QP_FINE, "keys", y->key_update[side].first, "The %s updated its keys %llu time%s.",
              qp_side_name(side), U(y->key_update[side].n), qp_plural(y->key_update[side].n));
  }
  if (y->checksum.n)
    qp_tell(t, QP_WRONG_LEVEL, "checksum", y->checksum.first,
            "%llu datagram%s with a wrong checksum: the receiver throws them away.",
            U(y->checksum.n), qp_plural(y->checksum.n));
}

static struct qp_place place_of_number(const struct qp_conn *c, unsigned side, uint64_t pn) {
  const struct qp_numbers *n = &c->numbers[side][QP_SPACE_APP];
  struct qp_place place = {.file = c->first.file};
  for (size_t i = 0; i < c->n_vantages; i++)
    if (c->vantages[i].side == side)
      place.file = c->vantages[i].file;
  const struct qp_sighting *seen = qp_sightings_find(&n->seen, pn);
  if (seen)
    place.frame = seen->frame;
  return place;
}

/* Numbers that the capture does not show although later ones of that side are there. */
static void tell_gaps(struct qp_telling *t, const struct qp_story *y, unsigned side) {
  const struct qp_ranges *sent = &t->conn->numbers[side][QP_SPACE_APP].sent;
  uint64_t first = 0, largest = sent->n ? sent->spans[sent->n - 1].hi : 0;
  uint64_t dropped = qp_gap_count(&y->acked[side], sent, largest, &first);
  if (sent->n < 2 || t->conn->unopened[side])
    return;
  uint64_t gaps = largest + 1 - sent->spans[0].lo - qp_ranges_count(sent);
  if (dropped)
    qp_tell(
        t, QP_NOTE, "capture", qp_nowhere,
        "The capture misses at least %llu packet%s of the %s: they are acknowledged and not here. "
        "The first is packet %llu. Give the capturing program a larger buffer.",
        U(dropped), qp_plural(dropped), qp_side_name(side), U(first));
  else if (y->resent[side].n || y->late[side].n)
    qp_tell(t, QP_NOTE, "loss", place_of_number(t->conn, side, sent->spans[1].lo),
            "%llu packet number%s of the %s never appear%s and nobody acknowledges %s: lost before "
            "this capture, or skipped on purpose. The first is %llu, in front of this frame.",
            U(gaps), qp_plural(gaps), qp_side_name(side), gaps == 1 ? "s" : "",
            gaps == 1 ? "it" : "them", U(sent->spans[0].hi + 1));
  else
    qp_tell(t, QP_FINE, "numbers", place_of_number(t->conn, side, sent->spans[1].lo),
            "The %s skipped %llu packet number%s; nothing was lost by it.", qp_side_name(side),
            U(gaps), qp_plural(gaps));
}

static void tell_loss(struct qp_telling *t, const struct qp_story *y) {
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_ranges *sent = &t->conn->numbers[side][QP_SPACE_APP].sent;
    const struct qp_ranges *acked = &y->acked[side];
    const struct qp_happened *again = &y->resent[side], *late = &y->late[side];
    uint64_t first = 0, largest = acked->n ? acked->spans[acked->n - 1].hi : 0;
    uint64_t lost = acked->n ? qp_gap_count(sent, acked, largest, &first) : 0;
    if (lost)
      qp_tell(
          t, QP_NOTE, "loss", place_of_number(t->conn, side, first),
          "%llu of %llu 1-RTT packets of the %s were never acknowledged although later ones were: "
          "lost on the way, or their ACK was. The first is packet %llu.",
          U(lost), U(qp_ranges_count(sent)), qp_side_name(side), U(first));
    if (again->n)
      qp_tell(
          t, QP_NOTE, "loss", again->first,
          "The %s sent %llu bytes of stream data again, in %llu frame%s; first on stream %llu from "
          "offset %llu, in packet %llu.",
          qp_side_name(side), U(again->bytes), U(again->n), qp_plural(again->n), U(again->id),
          U(again->code), U(again->pn));
    if (late->n)
      qp_tell(t, QP_NOTE, "loss", late->first,
              "%llu STREAM frame%s of the %s came behind data that follows %s: reordered, or sent "
              "again "
              "after a loss in front of this capture. The first is in packet %llu.",
              U(late->n), qp_plural(late->n), qp_side_name(side), late->n == 1 ? "it" : "them",
              U(late->pn));
    tell_gaps(t, y, side);
  }
}

/* Codes that mean a fault and not a decision. */
static bool is_fault(const struct qp_conn *c, uint64_t code) {
  return c->moqt && (code == 0x0 || code == 0x12);
}

static void reset_code(const struct qp_conn *c, uint64_t number, char text[QP_CODE_TEXT]) {
  if (c->moqt)
    qp_code_stream(number, text);
  else if (qp_is_http3(c))
    qp_code_http3(number, text);
  else
    snprintf(text, QP_CODE_TEXT, "%#llx", U(number));
}

static void tell_resets(struct qp_telling *t, const struct qp_story *y) {
  char code[QP_CODE_TEXT];
  for (unsigned side = 0; side < 2; side++)
    for (int i = 0; i < QP_STORY_CODES; i++) {
      const struct qp_happened *r = &y->reset[side][i], *s = &y->stop[side][i];
      if (r->n) {
        reset_code(t->conn, r->code, code);
        qp_tell(
            t, is_fault(t->conn, r->code) ? QP_WRONG_LEVEL : QP_NOTE, "reset", r->first,
            "The %s gave up %llu stream%s (RESET_STREAM) with error code %s; first stream %llu, in "
            "packet %llu.",
            qp_side_name(side), U(r->n), qp_plural(r->n), code, U(r->id), U(r->pn));
      }
      if (s->n) {
        reset_code(t->conn, s->code, code);
        qp_tell(
            t, is_fault(t->conn, s->code) ? QP_WRONG_LEVEL : QP_NOTE, "reset", s->first,
            "The %s asked its peer to stop sending on %llu stream%s (STOP_SENDING), error code %s; "
            "first stream %llu, in packet %llu.",
            qp_side_name(side), U(s->n), qp_plural(s->n), code, U(s->id), U(s->pn));
      }
    }
}

static const char *track_name(const struct qp_telling *t, uint32_t track) {
  const struct qp_tracks *tracks = qp_tracker_tracks(t->evidence->tracker);
  return track < tracks->n ? tracks->items[track].name : "";
}

static void tell_requests(struct qp_telling *t) {
  const struct qp_conn *c = t->conn;
  char code[QP_CODE_TEXT];
  uint64_t cut = 0, resets = 0;
  struct qp_place first_cut = qp_nowhere;
  for (size_t i = 0; i < c->n_requests; i++) {
    const struct qp_request *r = &c->requests[i];
    const struct qp_half *h = qp_conn_half(c, r->stream, r->side);
    struct qp_place asked = h ? h->opened : qp_nowhere;
    if (r->error)
      qp_tell(t, QP_WRONG_LEVEL, "request", r->answered, "%s %s of the %s was refused: %s.",
              qp_moq_name(r->type), track_name(t, r->track), qp_side_name(r->side),
              qp_code_request(r->code, code));
    else if (!r->ok)
      qp_tell(t, QP_NOTE, "request", asked, "%s %s of the %s has no answer in the capture.",
              qp_moq_name(r->type), track_name(t, r->track), qp_side_name(r->side));
  }
  for (unsigned side = 0; side < 2; side++)
    for (size_t i = 0; i < c->n_objects[side]; i++) {
      const struct qp_object *o = &c->objects[side][i];
      if (o->whole)
        continue;
      if (o->half->reset) {
        resets++;
        continue;
      }
      if (!cut++)
        first_cut = o->first;
    }
  if (cut)
    qp_tell(
        t, QP_NOTE, "objects", first_cut,
        "%llu MoQT object%s began and never became whole, without a reset: bytes are lost or the "
        "capture ends too early.",
        U(cut), qp_plural(cut));
  if (resets)
    qp_tell(t, QP_NOTE, "objects", qp_nowhere,
            "%llu MoQT object%s ended early by a reset of the stream.", U(resets),
            qp_plural(resets));
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    if (c->moqt && h->complaint)
      qp_tell(t, QP_WRONG_LEVEL, "moqt", h->opened,
              "Stream %llu of the %s is not legal MoQT at offset %llu: %s.", U(h->id),
              qp_side_name(h->side), U(h->complaint_at), h->complaint);
  }
}

void qp_tell_course(struct qp_telling *t, const struct qp_story *y) {
  tell_path(t, y);
  tell_loss(t, y);
  tell_resets(t, y);
  tell_requests(t);
}
