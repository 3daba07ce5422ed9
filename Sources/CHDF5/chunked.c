#include "calls.h"
#include "chdf5.h"
#include "library.h"

#include <stdio.h>
#include <stdlib.h>

struct chdf5_chunked {
  hid_t file;
  hid_t group;    // where attributes and datasets go
  hid_t dataset;  // that chunks go to
  uint64_t count;
};

static bool make_file(chdf5_chunked *chunked, const char *path) {
  const hid_t access = hdf5.H5Pcreate(hdf5.H5P_CLS_FILE_ACCESS_ID_g);
  const bool made = !hdf5_failed(access)
    // Whoever calls has a lock on the file.
    && !hdf5_failed(hdf5.H5Pset_file_locking(access, false, true))
    // The forms that every version reads; from 2.0 on it is not the default.
    && !hdf5_failed(hdf5.H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18))
    && !hdf5_failed(chunked->file = hdf5.H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access));
  if (access >= 0) hdf5.H5Pclose(access);
  return made;
}

chdf5_chunked *chdf5_chunked_create(const char *path, const char **reason) {
  *reason = hdf5_message;
  if (!hdf5.H5Dwrite_chunk || !hdf5.H5Pset_file_locking) {
    snprintf(hdf5_message, sizeof hdf5_message, "it is too old to write chunks; 1.10.7 or newer can");
    return NULL;
  }
  chdf5_chunked *chunked = malloc(sizeof *chunked);
  if (!chunked) {
    snprintf(hdf5_message, sizeof hdf5_message, "no memory");
    return NULL;
  }
  *chunked = (chdf5_chunked){HDF5_NONE, HDF5_NONE, HDF5_NONE, 0};
  hdf5_begin();
  if (make_file(chunked, path) && chdf5_chunked_begin_group(chunked, "/", reason)) return chunked;
  chdf5_chunked_free(chunked);
  return NULL;
}

static bool close_group(chdf5_chunked *chunked) {
  const hid_t group = chunked->group;
  chunked->group = HDF5_NONE;
  return group < 0 || !hdf5_failed(hdf5.H5Gclose(group));
}

bool chdf5_chunked_begin_group(chdf5_chunked *chunked, const char *name, const char **reason) {
  *reason = hdf5_message;
  if (!close_group(chunked)) return false;
  if (name[0] == '/') return !hdf5_failed(chunked->group = hdf5.H5Gopen2(chunked->file, name, H5P_DEFAULT));
  const hid_t list = hdf5.H5Pcreate(hdf5.H5P_CLS_GROUP_CREATE_ID_g);
  // The same tokens shall make the same file.
  const bool made = !hdf5_failed(list) && !hdf5_failed(hdf5.H5Pset_obj_track_times(list, false))
    && !hdf5_failed(chunked->group = hdf5.H5Gcreate2(chunked->file, name, H5P_DEFAULT, list, H5P_DEFAULT));
  if (list >= 0) hdf5.H5Pclose(list);
  return made;
}

bool chdf5_chunked_add_text(chdf5_chunked *chunked, const char *name, const char *text, const char **reason) {
  *reason = hdf5_message;
  return hdf5_add_text(chunked->group, name, text);
}

bool chdf5_chunked_add_integer(chdf5_chunked *chunked, const char *name, int64_t value, const char **reason) {
  *reason = hdf5_message;
  return hdf5_add_integer(chunked->group, name, value);
}

bool chdf5_chunked_add_real(chdf5_chunked *chunked, const char *name, double value, const char **reason) {
  *reason = hdf5_message;
  return hdf5_add_real(chunked->group, name, value);
}

static bool set_chunks(hid_t list, uint64_t chunk, bool shuffle, unsigned level) {
  return !hdf5_failed(hdf5.H5Pset_layout(list, H5D_CHUNKED)) && !hdf5_failed(hdf5.H5Pset_chunk(list, 1, &chunk))
    && !hdf5_failed(hdf5.H5Pset_fill_time(list, H5D_FILL_TIME_NEVER))
    && (!shuffle || !hdf5_failed(hdf5.H5Pset_shuffle(list)))
    && !hdf5_failed(hdf5.H5Pset_deflate(list, level)) && !hdf5_failed(hdf5.H5Pset_obj_track_times(list, false));
}

bool chdf5_chunked_begin_dataset(
  chdf5_chunked *chunked, const char *name, chdf5_type type, uint64_t chunk, bool shuffle, unsigned level,
  const char **reason) {
  *reason = hdf5_message;
  const uint64_t count = 0, unlimited = UINT64_MAX;
  const hid_t element = hdf5_make_type(type);
  const hid_t space = element < 0 ? HDF5_NONE : hdf5.H5Screate_simple(1, &count, &unlimited);
  const hid_t list = hdf5.H5Pcreate(hdf5.H5P_CLS_DATASET_CREATE_ID_g);
  const bool made = element >= 0 && !hdf5_failed(space) && !hdf5_failed(list) && set_chunks(list, chunk, shuffle, level)
    && !hdf5_failed(
      chunked->dataset = hdf5.H5Dcreate2(chunked->group, name, element, space, H5P_DEFAULT, list, H5P_DEFAULT));
  if (list >= 0) hdf5.H5Pclose(list);
  if (space >= 0) hdf5.H5Sclose(space);
  if (element >= 0) hdf5.H5Tclose(element);
  chunked->count = 0;
  return made;
}

bool chdf5_chunked_append(
  chdf5_chunked *chunked, uint64_t count, const void *bytes, size_t size, const char **reason) {
  *reason = hdf5_message;
  const uint64_t start = chunked->count;
  chunked->count += count;
  return !hdf5_failed(hdf5.H5Dset_extent(chunked->dataset, &chunked->count))
    && !hdf5_failed(hdf5.H5Dwrite_chunk(chunked->dataset, H5P_DEFAULT, 0, &start, size, bytes));
}

bool chdf5_chunked_end_dataset(chdf5_chunked *chunked, const char **reason) {
  *reason = hdf5_message;
  const hid_t dataset = chunked->dataset;
  chunked->dataset = HDF5_NONE;
  return !hdf5_failed(hdf5.H5Dclose(dataset));
}

bool chdf5_chunked_finish(chdf5_chunked *chunked, const char **reason) {
  *reason = hdf5_message;
  const bool closed = close_group(chunked);
  const hid_t file = chunked->file;
  chunked->file = HDF5_NONE;
  return !hdf5_failed(hdf5.H5Fclose(file)) && closed;
}

void chdf5_chunked_free(chdf5_chunked *chunked) {
  if (chunked->dataset >= 0) hdf5.H5Dclose(chunked->dataset);
  if (chunked->group >= 0) hdf5.H5Gclose(chunked->group);
  if (chunked->file >= 0) hdf5.H5Fclose(chunked->file);
  free(chunked);
  hdf5_end();
}
