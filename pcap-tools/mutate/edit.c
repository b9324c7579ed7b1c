#include "pcap-tools/mutate/edit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pcap-tools/mutate/sums.h"
#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"

enum { PACKET_HEAD = 28 };

/* A record of a changed capture. */
struct out_record {
  uint32_t record;
  uint8_t *own; /* NULL: the bed's bytes */
  uint64_t time_ns, order;
  bool gone, sum, added;
};

struct out_capture {
  struct out_record *records; /* NULL: unchanged */
  size_t n, room, cut;        /* cut: bytes kept of the file; 0 = all */
};

struct out_line {
  uint32_t text, line;
  char *instead; /* NULL: nothing */
  bool more;     /* behind the line instead of in its place */
};

struct qm_edit {
  const struct qm_bed *bed;
  struct out_capture *captures;
  struct out_line *lines;
  size_t n_lines, lines_room;
  json_t *manifest;
  char *secret_was, *secret_now;
  struct twin {
    uint32_t file;
    size_t at, packet;
  } * twins; /* the last doubled packet */
  size_t n_twins, twins_room;
};

struct qm_edit *qm_edit_new(const struct qm_bed *bed) {
  struct qm_edit *e = qp_alloc(1, sizeof *e);
  e->bed = bed;
  e->captures = qp_alloc(bed->n_captures, sizeof *e->captures);
  return e;
}

void qm_edit_free(struct qm_edit *e) {
  for (size_t i = 0; i < e->bed->n_captures; i++) {
    for (size_t k = 0; k < e->captures[i].n; k++)
      free(e->captures[i].records[k].own);
    free(e->captures[i].records);
  }
  for (size_t i = 0; i < e->n_lines; i++)
    free(e->lines[i].instead);
  free(e->captures), free(e->lines), free(e->twins);
  json_decref(e->manifest);
  free(e->secret_was), free(e->secret_now);
  free(e);
}

/* ---- packets ---------------------------------------------------------------------- */

static struct out_capture *touch(struct qm_edit *e, uint32_t file) {
  const struct qm_capture *c = &e->bed->captures[file];
  struct out_capture *o = &e->captures[file];
  if (o->records)
    return o;
  qp_grow((void **)&o->records, &o->room, c->n, sizeof *o->records);
  for (o->n = 0; o->n < c->n; o->n++)
    o->records[o->n] = (struct out_record){
        .record = (uint32_t)o->n, .time_ns = c->records[o->n].time_ns, .order = 2 * o->n};
  return o;
}

static uint8_t *own_bytes(struct qm_edit *e, uint32_t file, struct out_record *r) {
  const struct qm_capture *c = &e->bed->captures[file];
  const struct qm_record *was = &c->records[r->record];
  if (!r->own) {
    r->own = qp_alloc(was->len, 1);
    memcpy(r->own, c->data + was->at, was->len);
  }
  return r->own;
}

static struct out_record *record_of(struct qm_edit *e, const struct qm_packet *p) {
  return &touch(e, p->file)->records[p->record];
}

static void write_at(struct qm_edit *e, const struct qm_packet *p, uint32_t at, const void *bytes,
                     size_t len, bool sum) {
  struct out_record *r = record_of(e, p);
  memcpy(own_bytes(e, p->file, r) + at, bytes, len);
  r->sum |= sum;
}

void qm_edit_packet(struct qm_edit *e, size_t packet, uint32_t off, const void *bytes, size_t len) {
  for (size_t at = 0, i; (i = qm_sighting(e->bed, packet, &at)) != SIZE_MAX;)
    write_at(e, &e->bed->packets[i], e->bed->packets[i].at + off, bytes, len, true);
}

void qm_edit_frame(struct qm_edit *e, size_t frame, uint32_t off, const void *bytes, size_t len) {
  const struct qm_frame *f = &e->bed->frames[frame];
  qm_edit_packet(e, f->packet, f->at - e->bed->packets[f->packet].at + off, bytes, len);
}

void qm_edit_blank(struct qm_edit *e, size_t frame) {
  uint8_t zeros[65536] = {0};
  qm_edit_frame(e, frame, 0, zeros, e->bed->frames[frame].len);
}

void qm_edit_raw(struct qm_edit *e, size_t packet, uint32_t off, const void *bytes, size_t len) {
  for (size_t at = 0, i; (i = qm_sighting(e->bed, packet, &at)) != SIZE_MAX;)
    write_at(e, &e->bed->packets[i], off, bytes, len, false);
}

void qm_edit_below(struct qm_edit *e, size_t packet, uint32_t off, const void *bytes, size_t len) {
  for (size_t at = 0, i; (i = qm_sighting(e->bed, packet, &at)) != SIZE_MAX;)
    write_at(e, &e->bed->packets[i], off, bytes, len, true);
}

void qm_edit_drop(struct qm_edit *e, size_t packet) {
  for (size_t at = 0, i; (i = qm_sighting(e->bed, packet, &at)) != SIZE_MAX;)
    record_of(e, &e->bed->packets[i])->gone = true;
}

void qm_edit_double(struct qm_edit *e, size_t packet, uint64_t later_ns) {
  e->n_twins = 0;
  for (size_t at = 0, i; (i = qm_sighting(e->bed, packet, &at)) != SIZE_MAX;) {
    const struct qm_packet *p = &e->bed->packets[i];
    struct out_capture *o = touch(e, p->file);
    qp_grow((void **)&o->records, &o->room, o->n + 1, sizeof *o->records);
    struct out_record *r = &o->records[o->n++];
    *r = (struct out_record){.record = p->record,
                             .time_ns = p->time_ns + later_ns,
                             .order = 2 * (uint64_t)p->record + 1,
                             .added = true};
    own_bytes(e, p->file, r);
    qp_grow((void **)&e->twins, &e->twins_room, e->n_twins + 1, sizeof *e->twins);
    e->twins[e->n_twins++] = (struct twin){p->file, o->n - 1, i};
  }
}

void qm_edit_twin(struct qm_edit *e, uint32_t off, const void *bytes, size_t len) {
  for (size_t i = 0; i < e->n_twins; i++) {
    const struct twin *t = &e->twins[i];
    struct out_record *r = &e->captures[t->file].records[t->at];
    memcpy(own_bytes(e, t->file, r) + e->bed->packets[t->packet].at + off, bytes, len);
    r->sum = true;
  }
}

void qm_edit_time(struct qm_edit *e, size_t packet, uint64_t time_ns) {
  uint64_t was = e->bed->packets[packet].time_ns;
  for (size_t at = 0, i; (i = qm_sighting(e->bed, packet, &at)) != SIZE_MAX;)
    record_of(e, &e->bed->packets[i])->time_ns += time_ns - was;
}

void qm_edit_cut(struct qm_edit *e, uint32_t file, uint32_t record) {
  const struct qm_record *r = &e->bed->captures[file].records[record];
  touch(e, file)->cut = r->block + r->block_len / 2;
}

void qm_edit_secret(struct qm_edit *e, const char *was, const char *now) {
  for (uint32_t i = 0; i < e->bed->n_captures; i++)
    touch(e, i);
  e->secret_was = qp_copy_text(was);
  e->secret_now = qp_copy_text(now);
}

/* ---- lines and manifest ------------------------------------------------------------- */

static void put_line(struct qm_edit *e, size_t line, char *text, bool more) {
  qp_grow((void **)&e->lines, &e->lines_room, e->n_lines + 1, sizeof *e->lines);
  e->lines[e->n_lines++] =
      (struct out_line){e->bed->lines[line].text, e->bed->lines[line].line, text, more};
}

void qm_edit_line(struct qm_edit *e, size_t line, char *text) {
  put_line(e, line, text, false);
}

void qm_edit_line_more(struct qm_edit *e, size_t line, char *text) {
  put_line(e, line, text, true);
}

char *qm_line_with(const char *line, const char *member, const char *value) {
  struct qp_line parsed;
  if (!qp_line_parse(line, strlen(line), &parsed))
    return NULL;
  const struct qp_line_field *f = qp_line_get(&parsed, member);
  if (!f)
    return NULL;
  size_t quote = f->type == '"', head = (size_t)(f->value.p - line) - quote;
  return qp_text("%.*s%s%s", (int)head, line, value, f->value.p + f->value.len + quote);
}

json_t *qm_edit_manifest(struct qm_edit *e) {
  char path[4096];
  snprintf(path, sizeof path, "%s/manifest.json", e->bed->dir);
  if (!e->manifest)
    e->manifest = json_load_file(path, 0, NULL);
  return e->manifest;
}

/* ---- writing ------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b) {
  const struct out_record *x = a, *y = b;
  if (x->time_ns != y->time_ns)
    return x->time_ns < y->time_ns ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

static void write_record(const struct qm_capture *c, struct out_record *r, FILE *to) {
  const struct qm_record *was = &c->records[r->record];
  uint8_t head[PACKET_HEAD];
  uint32_t high = (uint32_t)(r->time_ns >> 32), low = (uint32_t)r->time_ns;
  memcpy(head, c->data + was->block, sizeof head);
  memcpy(head + 12, &high, 4);
  memcpy(head + 16, &low, 4);
  if (r->own && r->sum)
    qm_sums_fix(r->own, was->len);
  fwrite(head, 1, sizeof head, to);
  fwrite(r->own ? r->own : c->data + was->at, 1, was->len, to);
  size_t done = PACKET_HEAD + was->len;
  fwrite(c->data + was->block + done, 1, was->block_len - done, to);
}

/* What stands in front of the first packet. */
static void write_front(const struct qm_edit *e, const struct qm_capture *c, FILE *to) {
  size_t len = c->records[0].block;
  uint8_t *front = qp_alloc(len, 1), *at = front;
  memcpy(front, c->data, len);
  while (e->secret_was &&
         (at = memmem(at, len - (size_t)(at - front), e->secret_was, strlen(e->secret_was))))
    memcpy(at, e->secret_now, strlen(e->secret_now));
  fwrite(front, 1, len, to);
  free(front);
}

/* How many packets came or went. */
static long write_capture(const struct qm_edit *e, const struct qm_capture *c,
                          struct out_capture *o, FILE *to) {
  size_t n = 0;
  if (o->cut) {
    fwrite(c->data, 1, o->cut, to);
    return 0;
  }
  qsort(o->records, o->n, sizeof *o->records, by_time);
  write_front(e, c, to);
  for (size_t i = 0; i < o->n; i++) {
    if (o->records[i].gone)
      continue;
    write_record(c, &o->records[i], to);
    n++;
  }
  const struct qm_record *last = &c->records[c->n - 1];
  size_t tail = last->block + last->block_len;
  fwrite(c->data + tail, 1, c->len - tail, to);
  return (long)n - (long)c->n;
}

static void count_packets(struct qm_edit *e, const char *name, long more) {
  size_t i;
  json_t *c;
  if (!more)
    return;
  json_array_foreach(json_object_get(qm_edit_manifest(e), "captures"), i, c) {
    const char *file = json_string_value(json_object_get(c, "file"));
    json_t *n = json_object_get(c, "packets");
    if (file && !strcmp(file, name))
      json_integer_set(n, json_integer_value(n) + more);
  }
}

static void write_text(const struct qm_edit *e, uint32_t text, FILE *to) {
  const struct qm_text *t = &e->bed->texts[text];
  for (uint32_t k = 0; k < t->n; k++) {
    bool replaced = false;
    for (size_t i = 0; i < e->n_lines; i++) {
      const struct out_line *o = &e->lines[i];
      if (o->text != text || o->line != k || o->more)
        continue;
      replaced = true;
      if (o->instead)
        fprintf(to, "%s\n", o->instead);
    }
    if (!replaced)
      fprintf(to, "%s\n", t->lines[k]);
    for (size_t i = 0; i < e->n_lines; i++)
      if (e->lines[i].text == text && e->lines[i].line == k && e->lines[i].more)
        fprintf(to, "%s\n", e->lines[i].instead);
  }
}

static FILE *create(const char *dir, const char *name, char *err, size_t err_len) {
  char path[8192];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  unlink(path); /* a link to the bed */
  FILE *f = fopen(path, "wb");
  if (!f)
    snprintf(err, err_len, "%s: %s", path, strerror(errno));
  return f;
}

/* Links to everything in `from`, folders made anew. */
static int link_all(const char *from, const char *to, char *err, size_t err_len) {
  DIR *d = opendir(from);
  int got = 0;
  if (!d || mkdir(to, 0755)) {
    snprintf(err, err_len, "%s: %s", d ? to : from, strerror(errno));
    if (d)
      closedir(d);
    return -1;
  }
  for (struct dirent *entry; !got && (entry = readdir(d));) {
    char a[4096], b[4096];
    struct stat st;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
      continue;
    snprintf(a, sizeof a, "%s/%s", from, entry->d_name);
    snprintf(b, sizeof b, "%s/%s", to, entry->d_name);
    if (!stat(a, &st) && S_ISDIR(st.st_mode))
      got = link_all(a, b, err, err_len);
    else if (symlink(a, b)) {
      snprintf(err, err_len, "%s: %s", b, strerror(errno));
      got = -1;
    }
  }
  closedir(d);
  return got;
}

static bool text_changed(const struct qm_edit *e, uint32_t text) {
  for (size_t i = 0; i < e->n_lines; i++)
    if (e->lines[i].text == text)
      return true;
  return false;
}

int qm_edit_write(struct qm_edit *e, const char *dir, char *err, size_t err_len) {
  if (link_all(e->bed->dir, dir, err, err_len))
    return -1;
  for (size_t i = 0; i < e->bed->n_captures; i++) {
    if (!e->captures[i].records)
      continue;
    FILE *to = create(dir, e->bed->captures[i].name, err, err_len);
    if (!to)
      return -1;
    count_packets(e, e->bed->captures[i].name,
                  write_capture(e, &e->bed->captures[i], &e->captures[i], to));
    fclose(to);
  }
  for (uint32_t i = 0; i < e->bed->n_texts; i++) {
    FILE *to = text_changed(e, i) ? create(dir, e->bed->texts[i].name, err, err_len) : NULL;
    if (text_changed(e, i) && !to)
      return -1;
    if (to) {
      write_text(e, i, to);
      fclose(to);
    }
  }
  if (e->manifest) {
    FILE *to = create(dir, "manifest.json", err, err_len);
    if (!to)
      return -1;
    json_dumpf(e->manifest, to, JSON_INDENT(1));
    fclose(to);
  }
  return 0;
}
