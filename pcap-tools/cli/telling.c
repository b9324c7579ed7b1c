#include "pcap-tools/cli/telling.h"

#include <stdarg.h>

enum { COLUMN = 9 };

const struct qp_place qp_nowhere;

static const char *const level_names[QP_LEVELS] = {"ok", "note", "WRONG"};

const char *qp_side_name(unsigned side) {
  return side == QP_CLIENT ? "client" : "server";
}

const char *qp_plural(uint64_t n) {
  return n == 1 ? "" : "s";
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

const char *qp_place_text(const struct qp_telling *t, struct qp_place place,
                          char text[QP_PLACE_TEXT]) {
  snprintf(text, QP_PLACE_TEXT, "%s:%llu", last_part(t->evidence->files[place.file]),
           U(place.frame));
  return text;
}

void qp_tell_title(struct qp_telling *t) {
  char text[256], a[QP_END_TEXT], z[QP_END_TEXT];
  if (t->titled)
    return;
  t->titled = true;
  if (!t->conn) {
    qp_prose_title(&t->prose, QP_STRONG, "the whole capture");
    return;
  }
  snprintf(text, sizeof text, "connection %u, client %s, server %s", t->conn->index,
           qp_end_text(&t->conn->tuple.src, a), qp_end_text(&t->conn->tuple.dst, z));
  qp_prose_title(&t->prose, QP_STRONG, text);
  if (t->chosen.all)
    qp_tell_facts(t);
}

static void tell_json(struct qp_telling *t, enum qp_level level, const char *about,
                      struct qp_place place, const char *text) {
  qp_rows_begin(&t->json);
  if (t->conn)
    qp_rows_extra_number(&t->json, "conn", t->conn->index);
  else
    qp_rows_extra_none(&t->json, "conn");
  qp_rows_extra_text(&t->json, "level", level == QP_WRONG_LEVEL ? "wrong" : level_names[level]);
  qp_rows_extra_text(&t->json, "about", about);
  qp_rows_extra_text(&t->json, "text", text);
  if (place.frame) {
    qp_rows_extra_text(&t->json, "file", t->evidence->files[place.file]);
    qp_rows_extra_number(&t->json, "frame", place.frame);
    qp_rows_extra_number(&t->json, "time_ns", place.time_ns);
  }
  qp_rows_end(&t->json);
}

void qp_tell(struct qp_telling *t, enum qp_level level, const char *about, struct qp_place place,
             const char *format, ...) {
  static const enum qp_tone tones[QP_LEVELS] = {QP_RIGHT, QP_PLAIN, QP_WRONG};
  char text[QP_SENTENCE + QP_PLACE_TEXT + 8], where[QP_PLACE_TEXT];
  va_list args;
  bool whole = !t->conn && !place.frame && level != QP_FINE; /* a file breaks off */
  if (!whole && !qp_chosen_has(&t->chosen, place))
    return;
  t->count[level]++;
  va_start(args, format);
  int n = vsnprintf(text, QP_SENTENCE, format, args);
  va_end(args);
  size_t len = n < QP_SENTENCE ? (size_t)n : QP_SENTENCE - 1;
  if (t->o->json) {
    tell_json(t, level, about, place, text);
    return;
  }
  bool fact = !strcmp(about, "connection") || !strcmp(about, "traffic");
  if (level == QP_FINE && t->conn && !fact)
    return;
  if (place.frame)
    snprintf(text + len, sizeof text - len, " (%s)", qp_place_text(t, place, where));
  qp_tell_title(t);
  qp_prose_say(&t->prose, COLUMN, tones[level], fact ? "what" : level_names[level], text);
}
