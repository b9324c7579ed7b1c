#include "pcap-tools/check/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/fanout.h"
#include "pcap-tools/check/passing.h"
#include "pcap-tools/read/merge.h"
#include "pcap-tools/track/misfit.h"

static void add_secrets(void *arg, const char *text, size_t len) {
  qp_keylog_add(arg, text, len);
}

/* The protection of a connection is that of the relay at one of its ends. */
static int protection_of(const struct qp_manifest *m, const struct qp_tuple *tuple) {
  const struct qp_end *ends[2] = {&tuple->dst, &tuple->src};
  for (int i = 0; m && i < 2; i++) {
    const struct qp_node *node = qp_manifest_owner(m, ends[i]);
    if (node && !strcmp(node->protection, "none"))
      return 1;
    if (node && !strcmp(node->protection, "tls"))
      return 0;
  }
  return -1;
}

static const struct qp_ranges *fast_of(void *arg, const struct qp_cid *odcid) {
  const struct qp_evidence *e = arg;
  const struct qp_copies_conn *c = qp_copies_downstream(&e->copies, odcid);
  return c ? &c->fast : NULL;
}

static int null_of(void *arg, const struct qp_tuple *tuple) {
  const struct qp_evidence *e = arg;
  return protection_of(e->manifest, tuple);
}

static bool dialled_by_relay(void *arg, const struct qp_tuple *tuple) {
  const struct qp_evidence *e = arg;
  const struct qp_node *node = e->manifest ? qp_manifest_owner(e->manifest, &tuple->src) : NULL;
  return node && !strcmp(node->role, "relay");
}

static bool relay_reborn(void *arg, const struct qp_tuple *tuple, uint64_t after_ns,
                         uint64_t until_ns) {
  const struct qp_evidence *e = arg;
  const struct qp_node *node = e->manifest ? qp_manifest_owner(e->manifest, &tuple->dst) : NULL;
  for (const struct qp_fault *f = NULL; node && (f = qp_next_fault(e, node->name, "restart", f));) {
    const uint64_t t = qp_capture_time(e, f->t);
    if (t > after_ns && t <= until_ns)
      return true;
  }
  return false;
}

static char *path_of(const struct qp_evidence *e, const char *file) {
  return e->dir ? qp_text("%s/%s", e->dir, file) : qp_copy_text(file);
}

/* Secrets belong in front of the packets that need them. A small file is read twice,
 * so that they may stand anywhere; a large one, and a pipe, is not. */
enum { SMALL_FILE = 64 << 20 };

static bool is_small(const char *path) {
  struct stat st;
  return strcmp(path, "-") != 0 && !stat(path, &st) && S_ISREG(st.st_mode) &&
         st.st_size <= SMALL_FILE;
}

static void tell_bad_line(struct qp_evidence *e, const char *source) {
  const struct qp_keylog *log = &e->keylog;
  if (log->bad_lines && !e->key_trouble)
    e->key_trouble = qp_text(
        "%s: bad key log line %llu at offset %llu: expected LABEL CLIENT_RANDOM SECRET, in "
        "hex digits",
        source, (unsigned long long)log->bad_line, (unsigned long long)log->bad_at);
}

/* Keys of another connection under the name of this one. */
static void tell_misfit(struct qp_evidence *e) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(e->tracker, &n);
  struct qp_misfit m;
  for (size_t i = 0; i < n && !e->key_trouble; i++) {
    char random[65];
    if (!qp_misfit_find(conns[i], &e->keylog, &m))
      continue;
    for (int k = 0; k < 32; k++)
      snprintf(random + 2 * k, 3, "%02x", conns[i]->hello.random[k]);
    e->key_trouble = qp_text(
        "%s frame %llu: the %s for client random %s opens no packet of connection %u; give the key "
        "log of this capture",
        e->files[m.first.file], (unsigned long long)m.first.frame, qp_secret_label(m.secret),
        random, conns[i]->index);
  }
}

static int load_keys(struct qp_evidence *e, const char *keylog, char *err, size_t err_len) {
  char *path = keylog ? qp_copy_text(keylog) : e->dir ? path_of(e, "keys.log") : NULL;
  int got = path ? qp_keylog_load(&e->keylog, path, err, err_len) : 0;
  if (got == 1 && keylog)
    snprintf(err, err_len, "%s: no such key log", keylog);
  tell_bad_line(e, path);
  free(path);
  for (size_t i = 0; i < e->n_files; i++) {
    char *file = path_of(e, e->files[i]), why[256];
    /* damage is reported by the reader of packets, with all that is in front of it */
    if (is_small(file))
      qp_blocks_secrets(file, add_secrets, &e->keylog, why, sizeof why);
    tell_bad_line(e, e->files[i]);
    free(file);
  }
  return got < 0 || (got == 1 && keylog) ? -1 : 0;
}

static void note_sessions(struct qp_evidence *e, uint32_t node) {
  const struct qp_objects_log *log = &e->logs[node];
  for (size_t i = 0; i < log->n_sessions; i++) {
    const struct qp_log_session *s = &log->sessions[i];
    struct qp_cid odcid = {.len = s->odcid_len};
    memcpy(odcid.data, s->odcid, s->odcid_len);
    if (qp_by_id_get(&e->logged, 0, &odcid) == QP_MAP_NONE)
      qp_by_id_set(&e->logged, 0, &odcid, node);
  }
}

/* DIR/NODE-ledger.jsonl, and when the relay was started again. */
static int load_ledger(struct qp_evidence *e, uint32_t i, char *err, size_t err_len) {
  const struct qp_node *node = &e->manifest->nodes[i];
  char *file = qp_text("%s-ledger.jsonl", node->file);
  uint64_t *at = qp_alloc(e->faults.n + 1, sizeof *at);
  struct qp_starts starts = {.at = at};
  for (const struct qp_fault *f = NULL; (f = qp_next_fault(e, node->name, "restart", f));)
    at[starts.n++] = f->t;
  int got = qp_ledger_load(&e->ledger, i, &starts, e->dir, file, err, err_len);
  free(at);
  free(file);
  return got;
}

static int load_logs(struct qp_evidence *e, char *err, size_t err_len) {
  const struct qp_manifest *m = e->manifest;
  e->logs = qp_alloc(m->n_nodes, sizeof *e->logs);
  if (qp_faults_load(e->dir, &e->faults, err, err_len))
    return -1;
  for (size_t i = 0; i < m->n_nodes; i++) {
    const struct qp_node *node = &m->nodes[i];
    bool relay = !strcmp(node->role, "relay");
    char *file = qp_text(relay ? "%s-copies.jsonl" : "%s-objects.jsonl", node->file);
    int got = relay ? qp_copies_load(&e->copies, (uint32_t)i, e->dir, file, err, err_len)
                    : qp_objects_log_load(e->dir, file, &e->names, &e->logs[i], err, err_len);
    free(file);
    if (got < 0)
      return -1;
    note_sessions(e, (uint32_t)i);
    got = relay ? load_ledger(e, (uint32_t)i, err, err_len)
                : qp_qlog_load(&e->qlogs, e->dir, node->file, err, err_len);
    if (got < 0)
      return -1;
  }
  return 0;
}

static void list_files(struct qp_evidence *e, const char *const *files, size_t n) {
  e->n_files = files ? n : e->manifest->n_captures;
  e->files = qp_alloc(e->n_files, sizeof(char *));
  e->damage = qp_alloc(e->n_files, sizeof(char *));
  e->frames = qp_alloc(e->n_files, sizeof *e->frames);
  for (size_t i = 0; i < e->n_files; i++)
    e->files[i] = qp_copy_text(files ? files[i] : e->manifest->captures[i].file);
}

/* A run directory is judged also without a capture; somebody who names files
 * wants these. */
static int refuse_missing(const struct qp_evidence *e, const struct qp_merge *merge, char *err,
                          size_t err_len) {
  for (size_t i = 0; !e->manifest && i < e->n_files; i++) {
    if (qp_merge_opened(merge, i))
      continue;
    snprintf(err, err_len, "%s", qp_merge_damage(merge, i));
    return -1;
  }
  return 0;
}

int qp_evidence_read(struct qp_evidence *e, char *err, size_t err_len) {
  char **paths = qp_alloc(e->n_files, sizeof(char *));
  const struct qp_frame *frame;
  for (size_t i = 0; i < e->n_files; i++)
    paths[i] = path_of(e, e->files[i]);
  struct qp_merge *merge =
      qp_merge_open((const char *const *)paths, e->n_files, add_secrets, &e->keylog);
  int got = refuse_missing(e, merge, err, err_len);
  while (!got && (frame = qp_merge_next(merge)))
    qp_tracker_frame(e->tracker, frame);
  qp_tracker_finish(e->tracker);
  for (size_t i = 0; i < e->n_files; i++) {
    const char *damage = qp_merge_damage(merge, i);
    e->damage[i] = damage ? qp_copy_text(damage) : NULL;
    e->frames[i] = qp_merge_frames(merge, i);
    const struct qp_blocks *blocks = qp_merge_blocks(merge, i);
    e->late_secrets |= blocks && qp_blocks_late_secrets(blocks) && !is_small(paths[i]);
    free(paths[i]);
  }
  qp_merge_close(merge);
  free(paths);
  tell_bad_line(e, "a capture's secrets");
  tell_misfit(e);
  return got;
}

void qp_evidence_clear(struct qp_evidence *e) {
  for (size_t i = 0; e->logs && i < e->manifest->n_nodes; i++)
    qp_objects_log_clear(&e->logs[i]);
  for (size_t i = 0; i < e->n_files; i++) {
    free(e->files[i]);
    free(e->damage[i]);
  }
  free(e->logs), free(e->files), free(e->damage), free(e->frames);
  free(e->dir);
  if (e->ends)
    free(e->ends->items);
  free(e->ends);
  free(e->key_trouble);
  qp_fanout_free(e->fanout);
  qp_passing_free(e->passing);
  qp_tracker_free(e->tracker);
  qp_keylog_clear(&e->keylog);
  qp_by_id_clear(&e->logged);
  qp_copies_clear(&e->copies);
  qp_ledger_clear(&e->ledger);
  qp_qlogs_clear(&e->qlogs);
  qp_faults_clear(&e->faults);
  qp_names_clear(&e->names);
  qp_manifest_free(e->manifest);
}

static void make_tracker(struct qp_evidence *e) {
  e->tracker = qp_tracker_new(&(struct qp_tracker_config){
      .keylog = &e->keylog,
      .fast = fast_of,
      .null_protection = null_of,
      .relay_client = dialled_by_relay,
      .reborn = relay_reborn,
      .arg = e,
  });
}

int qp_evidence_of_run(struct qp_evidence *e, const char *dir, const char *keylog, char *err,
                       size_t err_len) {
  memset(e, 0, sizeof *e);
  e->dir = qp_copy_text(dir);
  e->ends = qp_alloc(1, sizeof *e->ends);
  if (qp_manifest_load(dir, &e->manifest, err, err_len))
    return -1;
  list_files(e, NULL, 0);
  make_tracker(e);
  return load_keys(e, keylog, err, err_len) || load_logs(e, err, err_len) ? -1 : 0;
}

int qp_evidence_of_files(struct qp_evidence *e, const char *const *files, size_t n,
                         const char *keylog, char *err, size_t err_len) {
  memset(e, 0, sizeof *e);
  list_files(e, files, n);
  make_tracker(e);
  return load_keys(e, keylog, err, err_len);
}
