#define _GNU_SOURCE
#include "chdf5.h"
#include "library.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct chdf5_skeleton {
  int descriptor;  // of the same file as `file`
  hid_t file;
  hid_t dataset_list;  // how datasets are made
  hid_t link_list;     // how they get into groups
  hid_t scalar;
  hid_t text_type;
};

enum { none = -1 };

static pthread_mutex_t in_use = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local char message[256];

static herr_t note(unsigned depth, const H5E_error2_t *error, void *context) {
  (void)context;
  if (depth == 0) snprintf(message, sizeof message, "%s", error->description ? error->description : "");
  return 0;
}

// Whether a call has failed. If so, notes the innermost of the library's reasons, which its next call would clear.
static bool failed(int64_t result) {
  if (result >= 0) return false;
  snprintf(message, sizeof message, "no reason given");
  hdf5.H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note, NULL);
  return true;
}

// libhdf5 opens files by their names only, and follows no name to a file in memory (memfd_create): it gets a temporary
// file, which loses its name as soon as it is open.
static bool make_file(chdf5_skeleton *skeleton, uint64_t alignment) {
  const char *directory = getenv("TMPDIR");
  char path[PATH_MAX];
  const int length = snprintf(path, sizeof path, "%s/hdf5-XXXXXX", directory && *directory ? directory : "/var/tmp");
  if (length >= (int)sizeof path || (skeleton->descriptor = mkostemp(path, O_CLOEXEC)) < 0) {
    snprintf(message, sizeof message, "no temporary file %s: %s", path, strerror(errno));
    return false;
  }
  const hid_t access_list = hdf5.H5Pcreate(hdf5.H5P_CLS_FILE_ACCESS_ID_g);
  const bool made = !failed(access_list) && !failed(hdf5.H5Pset_alignment(access_list, 1, alignment))
    // The forms that every version reads; from 2.0 on it is not the default.
    && !failed(hdf5.H5Pset_libver_bounds(access_list, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18))
    && !failed(skeleton->file = hdf5.H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access_list));
  unlink(path);
  if (access_list >= 0) hdf5.H5Pclose(access_list);
  return made;
}

static bool make_lists(chdf5_skeleton *skeleton) {
  hid_t *const dataset = &skeleton->dataset_list;
  hid_t *const link = &skeleton->link_list;
  hid_t *const text = &skeleton->text_type;
  return !failed(*dataset = hdf5.H5Pcreate(hdf5.H5P_CLS_DATASET_CREATE_ID_g))
    && !failed(hdf5.H5Pset_layout(*dataset, H5D_CONTIGUOUS))
    && !failed(hdf5.H5Pset_alloc_time(*dataset, H5D_ALLOC_TIME_EARLY))
    && !failed(hdf5.H5Pset_fill_time(*dataset, H5D_FILL_TIME_NEVER))
    // The same tensors shall make the same file.
    && !failed(hdf5.H5Pset_obj_track_times(*dataset, false))
    && !failed(*link = hdf5.H5Pcreate(hdf5.H5P_CLS_LINK_CREATE_ID_g))
    && !failed(hdf5.H5Pset_create_intermediate_group(*link, 1))
    && !failed(skeleton->scalar = hdf5.H5Screate(H5S_SCALAR))
    // Of variable length, as h5py writes them: then texts may be longer than the 64 KB of an object's header.
    && !failed(*text = hdf5.H5Tcopy(hdf5.H5T_C_S1_g)) && !failed(hdf5.H5Tset_size(*text, H5T_VARIABLE))
    && !failed(hdf5.H5Tset_cset(*text, H5T_CSET_UTF8));
}

chdf5_skeleton *chdf5_skeleton_create(uint64_t alignment, const char **reason) {
  *reason = message;
  chdf5_skeleton *skeleton = malloc(sizeof *skeleton);
  if (!skeleton) {
    snprintf(message, sizeof message, "no memory");
    return NULL;
  }
  *skeleton = (chdf5_skeleton){none, none, none, none, none, none};
  pthread_mutex_lock(&in_use);
  // Else the library prints its errors.
  hdf5.H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (make_file(skeleton, alignment) && make_lists(skeleton)) return skeleton;
  chdf5_skeleton_free(skeleton);
  return NULL;
}

static bool add_text(const chdf5_skeleton *skeleton, hid_t object, const char *name, const char *text) {
  const hid_t attribute =
    hdf5.H5Acreate2(object, name, skeleton->text_type, skeleton->scalar, H5P_DEFAULT, H5P_DEFAULT);
  if (failed(attribute)) return false;
  const bool written = !failed(hdf5.H5Awrite(attribute, skeleton->text_type, &text));
  return hdf5.H5Aclose(attribute) >= 0 && written;
}

bool chdf5_skeleton_add_text(chdf5_skeleton *skeleton, const char *name, const char *text, const char **reason) {
  *reason = message;
  return add_text(skeleton, skeleton->file, name, text);
}

// A type of the library's, to be closed; negative on failure.
static hid_t make_type(chdf5_type type) {
  switch (type) {
  case CHDF5_F32: return hdf5.H5Tcopy(hdf5.H5T_IEEE_F32LE_g);
  case CHDF5_F64: return hdf5.H5Tcopy(hdf5.H5T_IEEE_F64LE_g);
  case CHDF5_I8: return hdf5.H5Tcopy(hdf5.H5T_STD_I8LE_g);
  case CHDF5_I16: return hdf5.H5Tcopy(hdf5.H5T_STD_I16LE_g);
  case CHDF5_I32: return hdf5.H5Tcopy(hdf5.H5T_STD_I32LE_g);
  case CHDF5_I64: return hdf5.H5Tcopy(hdf5.H5T_STD_I64LE_g);
  case CHDF5_U8: return hdf5.H5Tcopy(hdf5.H5T_STD_U8LE_g);
  case CHDF5_U16: return hdf5.H5Tcopy(hdf5.H5T_STD_U16LE_g);
  case CHDF5_U32: return hdf5.H5Tcopy(hdf5.H5T_STD_U32LE_g);
  case CHDF5_U64: return hdf5.H5Tcopy(hdf5.H5T_STD_U64LE_g);
  case CHDF5_F16: break;
  }
  // IEEE binary16, which has no name before HDF5 1.14.4: sign at bit 15, 5 bits of exponent at 10, 10 of mantissa at 0.
  const hid_t half = hdf5.H5Tcopy(hdf5.H5T_IEEE_F32LE_g);
  if (failed(half)) return none;
  if (!failed(hdf5.H5Tset_fields(half, 15, 10, 5, 0, 10)) && !failed(hdf5.H5Tset_size(half, 2))
      && !failed(hdf5.H5Tset_ebias(half, 15)))
    return half;
  hdf5.H5Tclose(half);
  return none;
}

static bool add_dataset(
  chdf5_skeleton *skeleton, const char *name, hid_t type, hid_t space, const char *dtype, int64_t *offset) {
  const hid_t dataset =
    hdf5.H5Dcreate2(skeleton->file, name, type, space, skeleton->link_list, skeleton->dataset_list, H5P_DEFAULT);
  if (failed(dataset)) return false;
  const bool added = add_text(skeleton, dataset, "dtype", dtype);
  *offset = (int64_t)hdf5.H5Dget_offset(dataset);
  return hdf5.H5Dclose(dataset) >= 0 && added;
}

bool chdf5_skeleton_add_dataset(
  chdf5_skeleton *skeleton, const char *name, chdf5_type type, int rank, const uint64_t *shape, const char *dtype,
  int64_t *offset, const char **reason) {
  *reason = message;
  const hid_t element = make_type(type);
  if (element < 0) return false;
  const hid_t space = rank == 0 ? hdf5.H5Screate(H5S_SCALAR) : hdf5.H5Screate_simple(rank, shape, NULL);
  const bool added = !failed(space) && add_dataset(skeleton, name, element, space, dtype, offset);
  if (space >= 0) hdf5.H5Sclose(space);
  hdf5.H5Tclose(element);
  return added;
}

int chdf5_skeleton_finish(chdf5_skeleton *skeleton, const char **reason) {
  *reason = message;
  const hid_t file = skeleton->file;
  skeleton->file = none;
  return failed(hdf5.H5Fclose(file)) ? none : skeleton->descriptor;
}

void chdf5_skeleton_free(chdf5_skeleton *skeleton) {
  if (skeleton->text_type >= 0) hdf5.H5Tclose(skeleton->text_type);
  if (skeleton->scalar >= 0) hdf5.H5Sclose(skeleton->scalar);
  if (skeleton->link_list >= 0) hdf5.H5Pclose(skeleton->link_list);
  if (skeleton->dataset_list >= 0) hdf5.H5Pclose(skeleton->dataset_list);
  if (skeleton->file >= 0) hdf5.H5Fclose(skeleton->file);
  if (skeleton->descriptor >= 0) close(skeleton->descriptor);
  free(skeleton);
  pthread_mutex_unlock(&in_use);
}
