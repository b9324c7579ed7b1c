#include "pcap-tools/cli/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct qp_option table[] = {
    {QP_BY_CONN, "--conn", "N", "one connection, by its number in `summary`", NULL, false},
    {QP_BY_FROM, "--from", "SIDE", "what one side sends: client or server", "client server", false},
    {QP_BY_NUMBER, "--number", "A..B", "packet numbers, both included; A and A.. work too", NULL,
     false},
    {QP_BY_STREAM, "--stream", "N", "one stream ID", NULL, false},
    {QP_BY_FRAME, "--frame", "TYPE", "a frame type: STREAM, ACK, RESET_STREAM...",
     "PADDING PING ACK RESET_STREAM STOP_SENDING CRYPTO NEW_TOKEN STREAM MAX_DATA MAX_STREAM_DATA "
     "MAX_STREAMS DATA_BLOCKED STREAM_DATA_BLOCKED STREAMS_BLOCKED NEW_CONNECTION_ID "
     "RETIRE_CONNECTION_ID PATH_CHALLENGE PATH_RESPONSE CONNECTION_CLOSE HANDSHAKE_DONE "
     "IMMEDIATE_ACK RESET_STREAM_AT DATAGRAM ACK_FREQUENCY",
     false},
    {QP_BY_SINCE, "--since", "S", "seconds after the first QUIC packet; included", NULL, false},
    {QP_BY_UNTIL, "--until", "S", "seconds after the first QUIC packet; not included", NULL, false},
    {QP_O_HEX, "--hex", NULL, "offsets, hex digits, characters", NULL, false},
    {QP_O_QLOG, "--qlog", "HOW", "draft, hybrid or qvis [draft]", "draft hybrid qvis", false},
    {QP_O_NDJSON, "--ndjson", NULL, "one line an event, not JSON text sequences", NULL, false},
    {QP_O_VANTAGE, "--vantage", "POINT", "client, server or network", "client server network",
     false},
    {QP_O_PLACES, "--places", "N", "at most so many places an operator [20]", NULL, false},
    {QP_O_SEED, "--seed", "N", "which of the places [0]", NULL, false},
    {QP_O_OPERATOR, "--operator", "NAME", "one operator only", NULL, false},
    {QP_O_OUT, "--out", "DIR", "write there", NULL, true},
    {QP_O_KEYS, "--keys", "FILE", "NSS key log", NULL, true},
    {QP_O_JSON, "--json", NULL, "one JSON object a line", NULL, false},
};

const struct qp_option *qp_option_table(size_t *n) {
  *n = sizeof table / sizeof *table;
  return table;
}

/* ---- values ---------------------------------------------------------------- */

static bool whole_number(const char *text, uint64_t *value) {
  char *end;
  *value = strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && !*end;
}

/* Place of the word in "a b c"; -1: none. */
static int word_of(const char *words, const char *word) {
  int at = 0;
  size_t len = strlen(word);
  for (const char *p = words; *p; at++) {
    size_t n = strcspn(p, " ");
    if (n == len && !memcmp(p, word, n))
      return at;
    p += n + (p[n] == ' ');
  }
  return -1;
}

/* NULL, or what was expected. */
static const char *take(struct qp_options *o, const struct qp_option *option, const char *value) {
  uint64_t n = 0;
  int at = option->words ? word_of(option->words, value) : -1;
  switch (option->bit) {
  case QP_O_KEYS:
    o->keys = value;
    return *value ? NULL : "a file";
  case QP_O_OUT:
    o->mutate.out = o->qlog.out = value;
    return *value ? NULL : "a folder";
  case QP_O_OPERATOR:
    o->mutate.name = value;
    return *value ? NULL : "an operator's name";
  case QP_O_PLACES:
    if (!whole_number(value, &n) || !n)
      return "a number of at least 1";
    o->mutate.places = (size_t)n;
    return NULL;
  case QP_O_SEED:
    return whole_number(value, &o->mutate.seed) ? NULL : "a number";
  case QP_O_QLOG:
    o->qlog.dialect = at < 0 ? QP_QLOG_DRAFT : (enum qp_dialect)at;
    return at < 0 ? "draft, hybrid or qvis" : NULL;
  case QP_O_VANTAGE:
    o->qlog.vantage = at + 1;
    return at < 0 ? "client, server or network" : NULL;
  default:
    return qp_select_take(&o->select, option->bit, value);
  }
}

static void set(struct qp_options *o, unsigned bit) {
  if (bit == QP_O_JSON)
    o->json = true;
  else if (bit == QP_O_HEX)
    o->hex = true;
  else
    o->qlog.lines = true;
}

/* ---- words ----------------------------------------------------------------- */

/* "--conn", "--conn=3" */
static const struct qp_option *find(const char *word) {
  size_t len = strcspn(word, "=");
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strlen(table[i].name) == len && !memcmp(table[i].name, word, len))
      return &table[i];
  return NULL;
}

/* Words taken, or -1 after a message. */
static int option(const struct qp_command *command, char **words, int left, unsigned *given,
                  struct qp_options *o) {
  const struct qp_option *op = find(words[0]);
  const char *equals = strchr(words[0], '='), *expected = NULL;
  const char *value = equals ? equals + 1 : left > 1 ? words[1] : NULL;
  if (!op) {
    fprintf(o->talk, "quicpcap: unknown option %s; try quicpcap %s --help\n", words[0],
            command->name);
    return -1;
  }
  if (!(command->options & op->bit)) {
    fprintf(o->talk, "quicpcap %s: %s changes nothing here; try quicpcap %s --help\n",
            command->name, op->name, command->name);
    return -1;
  }
  if (*given & op->bit) {
    fprintf(o->talk, "quicpcap: %s: expected once, found twice\n", op->name);
    return -1;
  }
  *given |= op->bit;
  if (op->value)
    expected = take(o, op, value ? value : "");
  else if (equals)
    expected = "no value";
  else
    set(o, op->bit);
  if (!expected)
    return op->value && !equals ? 2 : 1;
  fprintf(o->talk, "quicpcap: %s: expected %s, found %s%s%s\n", op->name, expected,
          value ? "\"" : "", value ? value : "nothing", value ? "\"" : "");
  return -1;
}

static int check(const struct qp_command *command, const struct qp_options *o) {
  const struct qp_select *s = &o->select;
  if ((s->given & QP_BY_TIME) == QP_BY_TIME && s->since_ns >= s->until_ns) {
    fprintf(o->talk, "quicpcap: --until: expected a time behind --since, found one that is not\n");
    return 2;
  }
  if (o->n_files)
    return 0;
  fprintf(o->talk, "quicpcap %s: expected a capture file; try quicpcap %s --help\n", command->name,
          command->name);
  return 2;
}

int qp_options_read(const struct qp_command *command, char **words, int n_words,
                    struct qp_options *o) {
  unsigned given = 0;
  int n = 0;
  bool ended = false;
  for (int i = 0; i < n_words;) {
    const char *w = words[i];
    if (!ended && !strcmp(w, "--")) {
      ended = true;
      i++;
      continue;
    }
    if (ended || w[0] != '-' || !w[1]) {
      words[n++] = words[i++];
      continue;
    }
    int taken = option(command, &words[i], n_words - i, &given, o);
    if (taken < 0)
      return 2;
    i += taken;
  }
  const char *env = getenv("SSLKEYLOGFILE");
  if (!o->keys && env && !access(env, R_OK))
    o->keys = env;
  o->files = (const char *const *)words;
  o->n_files = (size_t)n;
  return check(command, o);
}
