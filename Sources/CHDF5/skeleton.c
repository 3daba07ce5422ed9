#define _GNU_SOURCE
#include "calls.h"
#include "chdf5.h"
#include "library.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct chdf5_skeleton {
  int descriptor;  // of the same file as `file`
  hid_t file;
  hid_t dataset_list;  // how datasets are made
  hid_t link_list;     // how they get into groups
};

// libhdf5 opens files by their names only, and follows no name to a file in memory (memfd_create): it gets a temporary
// file, which loses its name as soon as it is open.
static bool make_file(chdf5_skeleton *skeleton, uint64_t alignment) {
  const char *directory = getenv("TMPDIR");
  char path[PATH_MAX];
  const int length = snprintf(path, sizeof path, "%s/hdf5-XXXXXX", directory && *directory ? directory : "/var/tmp");
  if (length >= (int)sizeof path || (skeleton->descriptor = mkostemp(path, O_CLOEXEC)) < 0) {
    snprintf(hdf5_message, sizeof hdf5_message, "no temporary file %s: %s", path, strerror(errno));
    return false;
  }
  const hid_t access_list = hdf5.H5Pcreate(hdf5.H5P_CLS_FILE_ACCESS_ID_g);
  const bool made = !hdf5_failed(access_list) && !hdf5_failed(hdf5.H5Pset_alignment(access_list, 1, alignment))
    // The forms that every version reads; from 2.0 on it is not the default.
    && !hdf5_failed(hdf5.H5Pset_libver_bounds(access_list, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18))
    && !hdf5_failed(skeleton->file = hdf5.H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access_list));
  unlink(path);
  if (access_list >= 0) hdf5.H5Pclose(access_list);
  return made;
}

static bool make_lists(chdf5_skeleton *skeleton) {
  hid_t *const dataset = &skeleton->dataset_list;
  hid_t *const link = &skeleton->link_list;
  return !hdf5_failed(*dataset = hdf5.H5Pcreate(hdf5.H5P_CLS_DATASET_CREATE_ID_g))
    && !hdf5_failed(hdf5.H5Pset_layout(*dataset, H5D_CONTIGUOUS))
    && !hdf5_failed(hdf5.H5Pset_alloc_time(*dataset, H5D_ALLOC_TIME_EARLY))
    && !hdf5_failed(hdf5.H5Pset_fill_time(*dataset, H5D_FILL_TIME_NEVER))
    // The same tensors shall make the same file.
    && !hdf5_failed(hdf5.H5Pset_obj_track_times(*dataset, false))
    && !hdf5_failed(*link = hdf5.H5Pcreate(hdf5.H5P_CLS_LINK_CREATE_ID_g))
    && !hdf5_failed(hdf5.H5Pset_create_intermediate_group(*link, 1));
}

chdf5_skeleton *chdf5_skeleton_create(uint64_t alignment, const char **reason) {
  *reason = hdf5_message;
  chdf5_skeleton *skeleton = malloc(sizeof *skeleton);
  if (!skeleton) {
    snprintf(hdf5_message, sizeof hdf5_message, "no memory");
    return NULL;
  }
  *skeleton = (chdf5_skeleton){HDF5_NONE, HDF5_NONE, HDF5_NONE, HDF5_NONE};
  hdf5_begin();
  if (make_file(skeleton, alignment) && make_lists(skeleton)) return skeleton;
  chdf5_skeleton_free(skeleton);
  return NULL;
}

bool chdf5_skeleton_add_text(chdf5_skeleton *skeleton, const char *name, const char *text, const char **reason) {
  *reason = hdf5_message;
  return hdf5_add_text(skeleton->file, name, text);
}

static bool add_dataset(
  chdf5_skeleton *skeleton, const char *name, hid_t type, hid_t space, const char *dtype, int64_t *offset) {
  const hid_t dataset =
    hdf5.H5Dcreate2(skeleton->file, name, type, space, skeleton->link_list, skeleton->dataset_list, H5P_DEFAULT);
  if (hdf5_failed(dataset)) return false;
  const bool added = hdf5_add_text(dataset, "dtype", dtype);
  *offset = (int64_t)hdf5.H5Dget_offset(dataset);
  return hdf5.H5Dclose(dataset) >= 0 && added;
}

bool chdf5_skeleton_add_dataset(
  chdf5_skeleton *skeleton, const char *name, chdf5_type type, int rank, const uint64_t *shape, const char *dtype,
  int64_t *offset, const char **reason) {
  *reason = hdf5_message;
  const hid_t element = hdf5_make_type(type);
  if (element < 0) return false;
  const hid_t space = rank == 0 ? hdf5.H5Screate(H5S_SCALAR) : hdf5.H5Screate_simple(rank, shape, NULL);
  const bool added = !hdf5_failed(space) && add_dataset(skeleton, name, element, space, dtype, offset);
  if (space >= 0) hdf5.H5Sclose(space);
  hdf5.H5Tclose(element);
  return added;
}

int chdf5_skeleton_finish(chdf5_skeleton *skeleton, const char **reason) {
  *reason = hdf5_message;
  const hid_t file = skeleton->file;
  skeleton->file = HDF5_NONE;
  return hdf5_failed(hdf5.H5Fclose(file)) ? HDF5_NONE : skeleton->descriptor;
}

void chdf5_skeleton_free(chdf5_skeleton *skeleton) {
  if (skeleton->link_list >= 0) hdf5.H5Pclose(skeleton->link_list);
  if (skeleton->dataset_list >= 0) hdf5.H5Pclose(skeleton->dataset_list);
  if (skeleton->file >= 0) hdf5.H5Fclose(skeleton->file);
  if (skeleton->descriptor >= 0) close(skeleton->descriptor);
  free(skeleton);
  hdf5_end();
}
