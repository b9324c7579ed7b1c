#include "bench/run/residue.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>

#include "bench/run/clock.h"

#define BPF_BOUND_NS  (2 * CLOCK_S)
#define LOOK_AGAIN_MS 10

static void remember(uint32_t **ids, size_t *n, uint32_t id) {
  for (size_t i = 0; i < *n; i++)
    if ((*ids)[i] == id)
      return;
  uint32_t *bigger = realloc(*ids, (*n + 1) * sizeof **ids);
  if (bigger == NULL)
    return;
  *ids = bigger;
  (*ids)[(*n)++] = id;
}

static void note_fdinfo(struct residue *seen, const char *path) {
  FILE *f = fopen(path, "re");
  if (f == NULL)
    return; /* closed in the meantime */
  char line[256];
  uint32_t id;
  while (fgets(line, sizeof line, f) != NULL) {
    if (sscanf(line, "prog_id: %" SCNu32, &id) == 1)
      remember(&seen->programs, &seen->n_programs, id);
    else if (sscanf(line, "link_id: %" SCNu32, &id) == 1)
      remember(&seen->links, &seen->n_links, id);
  }
  fclose(f);
}

void residue_note(struct residue *seen, pid_t pid) {
  char path[320];
  snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid);
  DIR *dir = opendir(path);
  if (dir == NULL)
    return;
  struct dirent *entry;
  while ((entry = readdir(dir)) != NULL) {
    if (!isdigit((unsigned char)entry->d_name[0]))
      continue;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)pid, entry->d_name);
    note_fdinfo(seen, path);
  }
  closedir(dir);
}

__attribute__((format(printf, 2, 3))) static void left(json_t *list, const char *fmt, ...) {
  char text[256];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  json_array_append_new(list, json_string(text));
}

static void look_processes(json_t *list) {
  DIR *dir = opendir("/proc");
  struct dirent *entry;
  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    int pid = atoi(entry->d_name);
    if (pid <= 0 || pid == getpid())
      continue;
    char path[64], name[64] = "?";
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
      continue; /* it ended just now */
    if (fgets(name, sizeof name, f) != NULL)
      name[strcspn(name, "\n")] = '\0';
    fclose(f);
    left(list, "process %d (%s)", pid, name);
  }
  if (dir != NULL)
    closedir(dir);
}

static void look_at_host(json_t *list, const struct netns *ns, const char *host) {
  struct nl_cache *cache = NULL;
  if (ns->nl == NULL || rtnl_link_alloc_cache(ns->nl, AF_UNSPEC, &cache) != 0)
    return;
  for (struct nl_object *o = nl_cache_get_first(cache); o != NULL; o = nl_cache_get_next(o)) {
    const char *name = rtnl_link_get_name((struct rtnl_link *)o);
    if (name != NULL && strcmp(name, "lo") != 0)
      left(list, "interface %s of %s", name, host);
  }
  nl_cache_free(cache);
}

static void look_interfaces(json_t *list, const struct topology *net) {
  char host[32];
  for (uint32_t h = 0; h < net->n_hosts; h++) {
    snprintf(host, sizeof host, "host %u", h);
    look_at_host(list, &net->hosts[h], host);
  }
  if (net->wire != NULL)
    look_at_host(list, net->wire, "the wire");
}

static bool exists(int fd) {
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static bool bpf_is_gone(const struct residue *seen) {
  for (size_t i = 0; i < seen->n_programs; i++)
    if (exists(bpf_prog_get_fd_by_id(seen->programs[i])))
      return false;
  for (size_t i = 0; i < seen->n_links; i++)
    if (exists(bpf_link_get_fd_by_id(seen->links[i])))
      return false;
  return true;
}

static void look_bpf(json_t *list, const struct residue *seen) {
  uint64_t until = clock_now() + BPF_BOUND_NS;
  while (!bpf_is_gone(seen) && clock_now() < until)
    poll(NULL, 0, LOOK_AGAIN_MS);
  for (size_t i = 0; i < seen->n_programs; i++)
    if (exists(bpf_prog_get_fd_by_id(seen->programs[i])))
      left(list, "BPF program %u", seen->programs[i]);
  for (size_t i = 0; i < seen->n_links; i++)
    if (exists(bpf_link_get_fd_by_id(seen->links[i])))
      left(list, "BPF link %u", seen->links[i]);
}

json_t *residue_look(const struct residue *seen, const struct topology *net) {
  json_t *list = json_array();
  look_processes(list);
  look_interfaces(list, net);
  look_bpf(list, seen);
  return json_pack("{s:[s,s,s,s], s:o}", "examined", "processes", "interfaces", "bpf_programs",
                   "bpf_links", "left", list);
}

static const struct netns_name *find_inode(const char *target, const struct netns_name *names,
                                           size_t n) {
  uint64_t inode;
  if (sscanf(target, "net:[%" SCNu64 "]", &inode) != 1)
    return NULL;
  for (size_t i = 0; i < n; i++)
    if (names[i].inode == inode)
      return &names[i];
  return NULL;
}

/* What cannot be asked any more is gone with its process; what can but does not tell its
 * cookie is taken for what its inode says. */
static bool is_process_in(const char *path, const struct netns_name *wanted) {
  struct netns_name name;
  if (netns_name_of(path, &name) == 0)
    return name.inode == wanted->inode && name.cookie == wanted->cookie;
  return name.inode == wanted->inode;
}

static void look_namespaces(json_t *list, const struct netns_name *names, size_t n) {
  DIR *dir = opendir("/proc");
  struct dirent *entry;
  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    int pid = atoi(entry->d_name);
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    ssize_t len = pid > 0 ? readlink(path, target, sizeof target - 1) : -1;
    if (len < 0)
      continue;
    target[len] = '\0';
    const struct netns_name *same = find_inode(target, names, n);
    if (same != NULL && is_process_in(path, same))
      left(list, "network namespace %" PRIu64 " (process %d)", same->inode, pid);
  }
  if (dir != NULL)
    closedir(dir);
}

/* A mount stays when its maker is gone: one that cannot be opened is not excused. */
static bool is_mount_of(const char *line, const struct netns_name *wanted) {
  char path[512];
  struct netns_name name;
  if (sscanf(line, "%*s %*s %*s %*s %511s", path) != 1 || netns_name_of(path, &name) != 0)
    return true;
  return name.inode == wanted->inode && name.cookie == wanted->cookie;
}

static void look_mounts(json_t *list, const struct netns_name *names, size_t n) {
  FILE *f = fopen("/proc/self/mountinfo", "re");
  char line[1024];
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    const char *at = strstr(line, "net:[");
    const struct netns_name *same = at != NULL ? find_inode(at, names, n) : NULL;
    if (same != NULL && is_mount_of(line, same))
      left(list, "network namespace %" PRIu64 " (mounted)", same->inode);
  }
  if (f != NULL)
    fclose(f);
}

void residue_outside(json_t *found, const struct netns_name *names, size_t n) {
  json_t *list = json_object_get(found, "left");
  json_array_append_new(json_object_get(found, "examined"), json_string("namespaces"));
  look_namespaces(list, names, n);
  look_mounts(list, names, n);
}

void residue_free(struct residue *seen) {
  free(seen->programs);
  free(seen->links);
  *seen = (struct residue){0};
}
