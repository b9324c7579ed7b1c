#include "bench/net/offload.h"

#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

static const char *const off[] = {
    "tx-checksum-ip-generic",
    "tx-checksum-ipv4",
    "tx-checksum-ipv6",
    "tx-generic-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp6-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-udp-segmentation",
    "tx-gso-list",
    "rx-gro",
    "rx-gro-list",
    "rx-udp-gro-forwarding",
};

static int ethtool(int fd, const char *ifname, void *command) {
  struct ifreq req = {.ifr_data = command};
  snprintf(req.ifr_name, sizeof req.ifr_name, "%s", ifname);
  return ioctl(fd, SIOCETHTOOL, &req);
}

/* 0: the driver does not say. */
static uint32_t feature_count(int fd, const char *ifname) {
  struct ethtool_sset_info *info = calloc(1, sizeof *info + sizeof(uint32_t));
  uint32_t count = 0;
  if (info == NULL)
    return 0;
  info->cmd = ETHTOOL_GSSET_INFO;
  info->sset_mask = 1ull << ETH_SS_FEATURES;
  if (ethtool(fd, ifname, info) == 0)
    memcpy(&count, info->data, sizeof count);
  free(info);
  return count;
}

/* Names of all features; index in it = bit number. */
static struct ethtool_gstrings *feature_names(int fd, const char *ifname) {
  uint32_t count = feature_count(fd, ifname);
  struct ethtool_gstrings *names = calloc(1, sizeof *names + (size_t)count * ETH_GSTRING_LEN);
  if (names == NULL || count == 0) {
    free(names);
    return NULL;
  }
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_FEATURES;
  names->len = count;
  if (ethtool(fd, ifname, names) != 0) {
    free(names);
    return NULL;
  }
  return names;
}

static int feature_bit(const struct ethtool_gstrings *names, const char *feature) {
  for (uint32_t i = 0; i < names->len; i++)
    if (strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, feature,
                ETH_GSTRING_LEN) == 0)
      return (int)i;
  return -1;
}

static uint32_t words(const struct ethtool_gstrings *names) {
  return (names->len + 31) / 32;
}

/* SFEATURES answers with a positive number when a wish was not granted; which
 * one counts is seen by reading back, not here: fixed features are fine. */
static int clear_features(int fd, const char *ifname, const struct ethtool_gstrings *names) {
  uint32_t n = words(names);
  struct ethtool_sfeatures *set =
      calloc(1, sizeof *set + n * sizeof(struct ethtool_set_features_block));
  if (set == NULL)
    return -1;
  set->cmd = ETHTOOL_SFEATURES;
  set->size = n;
  for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
    int bit = feature_bit(names, off[i]);
    if (bit >= 0)
      set->features[bit / 32].valid |= 1u << (bit % 32);
  }
  int rc = ethtool(fd, ifname, set) < 0 ? -1 : 0;
  free(set);
  return rc;
}

static struct ethtool_gfeatures *active_features(int fd, const char *ifname, uint32_t n) {
  struct ethtool_gfeatures *get =
      calloc(1, sizeof *get + n * sizeof(struct ethtool_get_features_block));
  if (get == NULL)
    return NULL;
  get->cmd = ETHTOOL_GFEATURES;
  get->size = n;
  if (ethtool(fd, ifname, get) != 0) {
    free(get);
    return NULL;
  }
  return get;
}

int offload_all_off(int ioctl_fd, const char *ifname, char *err, size_t err_len) {
  struct ethtool_gfeatures *now = NULL;
  int rc = -1;
  struct ethtool_gstrings *names = feature_names(ioctl_fd, ifname);
  if (names == NULL || clear_features(ioctl_fd, ifname, names) != 0 ||
      (now = active_features(ioctl_fd, ifname, words(names))) == NULL) {
    snprintf(err, err_len, "cannot set the offloads of %s: %s", ifname, strerror(errno));
    goto out;
  }
  for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
    int bit = feature_bit(names, off[i]);
    if (bit >= 0 && (now->features[bit / 32].active & (1u << (bit % 32))) != 0) {
      snprintf(err, err_len, "offload %s of %s stays on; it must be off", off[i], ifname);
      goto out;
    }
  }
  rc = 0;
out:
  free(now);
  free(names);
  return rc;
}

int offload_is_on(int ioctl_fd, const char *ifname, const char *feature) {
  int on = -1;
  struct ethtool_gstrings *names = feature_names(ioctl_fd, ifname);
  if (names == NULL)
    return -1;
  int bit = feature_bit(names, feature);
  if (bit >= 0) {
    struct ethtool_gfeatures *now = active_features(ioctl_fd, ifname, words(names));
    if (now != NULL)
      on = (now->features[bit / 32].active & (1u << (bit % 32))) != 0;
    free(now);
  }
  free(names);
  return on;
}
