#include "bench/run/sweep_journal.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "bench/report/files.h"

/* ---- digests -------------------------------------------------------------------------- */

static void mix(XXH64_state_t *h, const void *bytes, size_t len) {
  XXH64_update(h, &len, sizeof len);
  XXH64_update(h, bytes, len);
}

static void mix_text(XXH64_state_t *h, const char *text) {
  mix(h, text, strlen(text));
}

static int mix_file(XXH64_state_t *h, const char *path) {
  char buf[65536];
  size_t n;
  FILE *from = fopen(path, "r");
  if (from == NULL)
    return -1;
  while ((n = fread(buf, 1, sizeof buf, from)) > 0)
    mix(h, buf, n);
  int rc = ferror(from) ? -1 : 0;
  fclose(from);
  return rc;
}

static int mix_inputs(XXH64_state_t *h, const struct plan *plan) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < plan->n_tracks; i++) {
    const char *paths[] = {plan->tracks[i].trace_path, plan->tracks[i].file};
    for (size_t k = 0; rc == 0 && k < 2; k++)
      rc = paths[k] != NULL ? mix_file(h, paths[k]) : 0;
  }
  return rc;
}

/* Of the runs of one setting, without the seed. 0, or -1 with errno. */
static int digest_setting(const struct report_sweep *sweep, size_t setting, XXH64_state_t *h) {
  const struct plan_sweep *plan = sweep->plan;
  XXH64_reset(h, 0);
  mix_text(h, sweep->commit);
  mix_text(h, sweep->mode);
  if (mix_file(h, plan->scenario) != 0 || mix_inputs(h, plan->settings[setting]) != 0)
    return -1;
  for (size_t p = 0; p < plan->n_paths; p++) {
    mix_text(h, plan->paths[p].path);
    mix_text(h, plan->paths[p].values[plan_sweep_value(plan, setting, p)]);
  }
  mix(h, &plan->on_time_ns, sizeof plan->on_time_ns);
  for (size_t i = 0; i < plan->n_who; i++)
    mix_text(h, plan->who[i]);
  return 0;
}

static int digest_all(const struct report_sweep *sweep, uint64_t *digests) {
  XXH64_state_t *setting = XXH64_createState(), *run = XXH64_createState();
  int rc = setting != NULL && run != NULL ? 0 : -1;
  for (size_t s = 0; rc == 0 && s < sweep->plan->n_settings; s++) {
    rc = digest_setting(sweep, s, setting);
    for (size_t i = 0; rc == 0 && i < sweep->n_seeds; i++) {
      uint64_t seed = sweep->plan->seed_first + i;
      XXH64_copyState(run, setting);
      mix(run, &seed, sizeof seed);
      digests[s * sweep->n_seeds + i] = XXH64_digest(run);
    }
  }
  int saved = errno;
  XXH64_freeState(setting);
  XXH64_freeState(run);
  errno = saved;
  return rc;
}

/* ---- lines ----------------------------------------------------------------------------- */

static void put_line(FILE *to, const struct report_sweep *sweep, size_t i, uint64_t digest) {
  const struct sweep_row *row = &sweep->rows[i];
  const struct measure *m = &row->figures;
  fprintf(to, "{\"run\":\"%016" PRIx64 "\",\"setting\":%zu,\"seed\":%" PRIu64 ",\"verdict\":\"%s\"",
          digest, i / sweep->n_seeds, sweep->plan->seed_first + i % sweep->n_seeds,
          report_verdict_name(row->verdict));
  fprintf(to,
          ",\"due\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"on_time\":%" PRIu64
          ",\"on_time_ppm\":%" PRIu32 ",\"stall_ppm\":%" PRIu32,
          m->due, m->delivered, m->on_time, m->on_time_ppm, m->stall_ppm);
  if (m->has_latency)
    fprintf(to, ",\"latency_p50_ns\":%" PRIu64 ",\"latency_p99_ns\":%" PRIu64, m->latency_p50_ns,
            m->latency_p99_ns);
  fprintf(to,
          ",\"goodput_bps\":%" PRIu64 ",\"wasted_bytes\":%" PRIu64 ",\"jain_ppm\":%" PRIu32
          ",\"priorities\":[",
          m->goodput_bps, m->wasted_bytes, m->jain_ppm);
  for (size_t p = 0; p < sweep->n_priorities; p++) {
    const struct measure_priority *of = &row->priorities[p];
    fprintf(to, "%s[%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", p > 0 ? "," : "",
            sweep->priorities[p], of->due, of->delivered, of->on_time);
  }
  fputs("]}\n", to);
}

static bool take(const json_t *o, const char *name, uint64_t *value) {
  const json_t *v = json_object_get(o, name);
  if (!json_is_integer(v) || json_integer_value(v) < 0)
    return false;
  *value = (uint64_t)json_integer_value(v);
  return true;
}

static bool take32(const json_t *o, const char *name, uint32_t *value) {
  uint64_t wide;
  if (!take(o, name, &wide) || wide > UINT32_MAX)
    return false;
  *value = (uint32_t)wide;
  return true;
}

static bool take_figures(const json_t *o, struct measure *m) {
  m->has_latency = take(o, "latency_p50_ns", &m->latency_p50_ns) &&
                   take(o, "latency_p99_ns", &m->latency_p99_ns);
  return take(o, "due", &m->due) && take(o, "delivered", &m->delivered) &&
         take(o, "on_time", &m->on_time) && take32(o, "on_time_ppm", &m->on_time_ppm) &&
         take32(o, "stall_ppm", &m->stall_ppm) && take(o, "goodput_bps", &m->goodput_bps) &&
         take(o, "wasted_bytes", &m->wasted_bytes) && take32(o, "jain_ppm", &m->jain_ppm);
}

/* A sweep with more values may have more priorities than the line; not fewer. */
static void take_priorities(const struct report_sweep *sweep, const json_t *list,
                            struct measure_priority *to) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *of = json_array_get(list, i);
    for (size_t p = 0; p < sweep->n_priorities; p++) {
      if (json_integer_value(json_array_get(of, 0)) != sweep->priorities[p])
        continue;
      to[p].due = (uint64_t)json_integer_value(json_array_get(of, 1));
      to[p].delivered = (uint64_t)json_integer_value(json_array_get(of, 2));
      to[p].on_time = (uint64_t)json_integer_value(json_array_get(of, 3));
    }
  }
}

static bool take_verdict(const json_t *o, enum report_verdict *verdict) {
  const char *name = json_string_value(json_object_get(o, "verdict"));
  if (name == NULL)
    return false;
  for (*verdict = REPORT_PASS; *verdict <= REPORT_FAIL; ++*verdict)
    if (strcmp(name, report_verdict_name(*verdict)) == 0)
      return true;
  return false;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct place {
  uint64_t digest;
  size_t row;
};

static int by_digest(const void *a, const void *b) {
  uint64_t x = ((const struct place *)a)->digest, y = ((const struct place *)b)->digest;
  return (x > y) - (x < y);
}

static void read_line(struct report_sweep *sweep, const struct place *places, const char *text,
                      size_t len) {
  json_t *o = json_loadb(text, len, 0, NULL);
  const char *run = json_string_value(json_object_get(o, "run"));
  struct place key = {.digest = run != NULL ? strtoull(run, NULL, 16) : 0};
  const struct place *place =
      run != NULL ? bsearch(&key, places, sweep->n_rows, sizeof *places, by_digest) : NULL;
  struct sweep_row *row = place != NULL ? &sweep->rows[place->row] : NULL;
  struct measure figures = {0};
  enum report_verdict verdict;
  if (row != NULL && take_verdict(o, &verdict) && take_figures(o, &figures)) {
    row->done = true;
    row->verdict = verdict;
    row->figures = figures;
    take_priorities(sweep, json_object_get(o, "priorities"), row->priorities);
  }
  json_decref(o);
}

static int read_known(const struct sweep_journal *journal, struct report_sweep *sweep) {
  struct place *places = calloc(sweep->n_rows + 1, sizeof *places);
  char *text = NULL;
  size_t room = 0;
  ssize_t len;
  FILE *from = places != NULL ? fopen(journal->path, "r") : NULL;
  int rc = from != NULL || (places != NULL && errno == ENOENT) ? 0 : -1;
  for (size_t i = 0; places != NULL && i < sweep->n_rows; i++)
    places[i] = (struct place){.digest = journal->digests[i], .row = i};
  if (places != NULL)
    qsort(places, sweep->n_rows, sizeof *places, by_digest);
  while (from != NULL && (len = getline(&text, &room, from)) > 0)
    read_line(sweep, places, text, (size_t)len);
  if (from != NULL && ferror(from))
    rc = -1;
  if (from != NULL)
    fclose(from);
  free(text);
  free(places);
  return rc;
}

/* Behind half a line a new one would be lost, too. */
static int end_last_line(FILE *to) {
  if (fseek(to, -1, SEEK_END) != 0)
    return 0; /* empty */
  int last = fgetc(to);
  fseek(to, 0, SEEK_END);
  return last == '\n' || fputc('\n', to) != EOF ? 0 : -1;
}

int sweep_journal_open(struct sweep_journal *journal, const char *dir, struct report_sweep *sweep,
                       size_t *known, char *err, size_t err_len) {
  *journal = (struct sweep_journal){0};
  *known = 0;
  journal->digests = calloc(sweep->n_rows + 1, sizeof *journal->digests);
  if (journal->digests == NULL || asprintf(&journal->path, "%s/journal.jsonl", dir) < 0) {
    journal->path = NULL;
    snprintf(err, err_len, "no memory for %zu runs", sweep->n_rows);
    sweep_journal_close(journal);
    return -1;
  }
  if (digest_all(sweep, journal->digests) != 0) {
    snprintf(err, err_len, "cannot read what %s names: %s", sweep->plan->scenario, strerror(errno));
    sweep_journal_close(journal);
    return -1;
  }
  if (read_known(journal, sweep) != 0 || (journal->to = fopen(journal->path, "a+")) == NULL ||
      end_last_line(journal->to) != 0) {
    snprintf(err, err_len, "cannot use %s: %s", journal->path, strerror(errno));
    sweep_journal_close(journal);
    return -1;
  }
  for (size_t i = 0; i < sweep->n_rows; i++)
    *known += sweep->rows[i].done;
  return 0;
}

int sweep_journal_add(struct sweep_journal *journal, const struct report_sweep *sweep, size_t row) {
  if (sweep->rows[row].verdict == REPORT_INCONCLUSIVE)
    return 0;
  put_line(journal->to, sweep, row, journal->digests[row]);
  if (fflush(journal->to) != 0)
    return -1;
  fdatasync(fileno(journal->to)); /* a file system that cannot: the line is there all the same */
  return 0;
}

int sweep_journal_settle(struct sweep_journal *journal, const struct report_sweep *sweep) {
  struct report_file file;
  if (report_file_open(&file, journal->path) != 0)
    return -1;
  for (size_t i = 0; i < sweep->n_rows; i++)
    if (sweep->rows[i].done && sweep->rows[i].verdict != REPORT_INCONCLUSIVE)
      put_line(file.to, sweep, i, journal->digests[i]);
  return report_file_commit(&file);
}

void sweep_journal_close(struct sweep_journal *journal) {
  if (journal->to != NULL)
    fclose(journal->to);
  free(journal->path);
  free(journal->digests);
  *journal = (struct sweep_journal){0};
}
