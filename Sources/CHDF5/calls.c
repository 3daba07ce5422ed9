#include "calls.h"

#include <pthread.h>
#include <stdio.h>

_Thread_local char hdf5_message[256];

static pthread_mutex_t in_use = PTHREAD_MUTEX_INITIALIZER;

void hdf5_begin(void) {
  pthread_mutex_lock(&in_use);
  // Else the library prints its errors.
  hdf5.H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void hdf5_end(void) { pthread_mutex_unlock(&in_use); }

static herr_t note(unsigned depth, const H5E_error2_t *error, void *context) {
  (void)context;
  if (depth == 0) snprintf(hdf5_message, sizeof hdf5_message, "%s", error->description ? error->description : "");
  return 0;
}

bool hdf5_failed(int64_t result) {
  if (result >= 0) return false;
  snprintf(hdf5_message, sizeof hdf5_message, "no reason given");
  hdf5.H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note, NULL);
  return true;
}

hid_t hdf5_make_type(chdf5_type type) {
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
  if (hdf5_failed(half)) return HDF5_NONE;
  if (!hdf5_failed(hdf5.H5Tset_fields(half, 15, 10, 5, 0, 10)) && !hdf5_failed(hdf5.H5Tset_size(half, 2))
      && !hdf5_failed(hdf5.H5Tset_ebias(half, 15)))
    return half;
  hdf5.H5Tclose(half);
  return HDF5_NONE;
}

// Closes the type.
static bool add_value(hid_t object, const char *name, hid_t type, const void *value) {
  if (type < 0) return false;
  const hid_t scalar = hdf5.H5Screate(H5S_SCALAR);
  bool added = false;
  if (!hdf5_failed(scalar)) {
    const hid_t attribute = hdf5.H5Acreate2(object, name, type, scalar, H5P_DEFAULT, H5P_DEFAULT);
    if (!hdf5_failed(attribute)) {
      added = !hdf5_failed(hdf5.H5Awrite(attribute, type, value));
      added = hdf5.H5Aclose(attribute) >= 0 && added;
    }
    hdf5.H5Sclose(scalar);
  }
  hdf5.H5Tclose(type);
  return added;
}

bool hdf5_add_text(hid_t object, const char *name, const char *text) {
  // Of variable length, as h5py writes them: then texts may be longer than the 64 KB of an object's header.
  const hid_t type = hdf5.H5Tcopy(hdf5.H5T_C_S1_g);
  if (hdf5_failed(type)) return false;
  if (hdf5_failed(hdf5.H5Tset_size(type, H5T_VARIABLE)) || hdf5_failed(hdf5.H5Tset_cset(type, H5T_CSET_UTF8))) {
    hdf5.H5Tclose(type);
    return false;
  }
  return add_value(object, name, type, &text);
}

bool hdf5_add_integer(hid_t object, const char *name, int64_t value) {
  return add_value(object, name, hdf5_make_type(CHDF5_I64), &value);
}

bool hdf5_add_real(hid_t object, const char *name, double value) {
  return add_value(object, name, hdf5_make_type(CHDF5_F64), &value);
}
