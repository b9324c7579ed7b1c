/* quicpcap qlog: captures as qlog, one trace a connection and vantage point. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/qlog/record.h"

/* The folder for traces, made if it is not there. 0, or 2 after a message. */
static int prepare_folder(const struct qp_options *o, const char *dir) {
  struct stat st;
  if (!mkdir(dir, 0777) || (errno == EEXIST && !stat(dir, &st) && S_ISDIR(st.st_mode)))
    return 0;
  fprintf(o->talk, "quicpcap qlog: --out: expected a folder for the traces, found \"%s\": %s\n",
          dir, strerror(errno == EEXIST ? ENOTDIR : errno));
  return 2;
}

/* Where traces go: --out, else QLOGDIR, else standard output. */
static const char *folder(const struct qp_options *o) {
  const char *dir = o->qlog.out ? o->qlog.out : getenv("QLOGDIR");
  return dir && dir[0] && strcmp(dir, "-") != 0 ? dir : NULL;
}

static void conclude(const struct qp_options *o, const struct qp_recorder *r, size_t n_conns) {
  if (r->without_number)
    fprintf(o->talk,
            "quicpcap: %llu packets that were not opened left out; qvis shows only packets with a "
            "number\n",
            (unsigned long long)r->without_number);
  if (r->sink.dir)
    fprintf(o->talk, "quicpcap: %llu traces with %llu events in %s\n",
            (unsigned long long)r->sink.traces, (unsigned long long)r->sink.events, r->sink.dir);
  else if (!r->sink.traces && n_conns)
    fprintf(o->talk, "quicpcap: there is no connection %llu; `quicpcap summary` lists them\n",
            (unsigned long long)r->select.conn);
  else if (r->other_traces || (n_conns > 1 && !(o->select.given & QP_BY_CONN)))
    fprintf(o->talk,
            "quicpcap: this is one trace, of connection %llu of %zu; choose with --conn N and "
            "--vantage, or take all with --out DIR\n",
            (unsigned long long)r->select.conn, n_conns);
}

int qp_cmd_qlog(const struct qp_options *o) {
  struct qp_evidence e;
  struct qp_watcher watcher;
  size_t n_conns;
  const char *dir = folder(o);
  int code = dir ? prepare_folder(o, dir) : 0;
  if (!code)
    code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct qp_recorder *r = qp_alloc(1, sizeof *r);
  r->evidence = &e;
  r->select = o->select;
  r->vantage = o->qlog.vantage - 1;
  r->single = !dir;
  if (!dir && !(o->select.given & QP_BY_CONN)) { /* connection 0 */
    r->select.given |= QP_BY_CONN;
    r->select.conn = 0;
  }
  r->sink.dialect = o->qlog.dialect;
  r->sink.lines = o->qlog.lines || o->json;
  r->sink.stream = dir ? NULL : o->out;
  r->sink.dir = dir;
  qp_record_watch(r, &watcher, e.tracker);
  code = qp_cli_read(o, &e, &watcher);
  qp_tracker_conns(e.tracker, &n_conns);
  if (qp_record_finish(r)) {
    fprintf(o->talk, "quicpcap: %s\n", r->sink.error);
    code = 2;
  }
  if (!code) {
    code = r->sink.traces || !n_conns ? 0 : 2;
    conclude(o, r, n_conns);
    code = qp_cli_talk(o, &e) ? 2 : code;
  }
  free(r->sink.error);
  free(r);
  qp_evidence_clear(&e);
  return code;
}
