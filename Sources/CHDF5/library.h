// hdf5.h, as far as it is needed here: the header belongs to a -dev package that users do not have.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t hid_t;  // since HDF5 1.10
typedef int herr_t;

enum {
  H5P_DEFAULT = 0, H5E_DEFAULT = 0, H5F_ACC_TRUNC = 2, H5S_SCALAR = 0, H5D_CONTIGUOUS = 1, H5D_CHUNKED = 2, H5D_ALLOC_TIME_EARLY = 1,
  H5D_FILL_TIME_NEVER = 1, H5T_CSET_UTF8 = 1, H5E_WALK_UPWARD = 0,
  H5F_LIBVER_EARLIEST = 0, H5F_LIBVER_V18 = 1,
};
#define H5T_VARIABLE SIZE_MAX

typedef struct {
  hid_t class, major, minor;
  unsigned line;
  const char *function, *file, *description;
} H5E_error2_t;

/// The functions that are called, with their types.
#define HDF5_FUNCTIONS(FUNCTION) \
  FUNCTION(herr_t, H5open, (void)) \
  FUNCTION(herr_t, H5get_libversion, (unsigned *major, unsigned *minor, unsigned *release)) \
  FUNCTION(herr_t, H5Eset_auto2, (hid_t stack, void *function, void *data)) \
  FUNCTION(herr_t, H5Ewalk2, \
    (hid_t stack, int direction, herr_t (*visit)(unsigned, const H5E_error2_t *, void *), void *data)) \
  FUNCTION(hid_t, H5Pcreate, (hid_t class)) \
  FUNCTION(herr_t, H5Pclose, (hid_t list)) \
  FUNCTION(herr_t, H5Pset_alignment, (hid_t list, uint64_t threshold, uint64_t alignment)) \
  FUNCTION(herr_t, H5Pset_libver_bounds, (hid_t list, int low, int high)) \
  FUNCTION(herr_t, H5Pset_layout, (hid_t list, int layout)) \
  FUNCTION(herr_t, H5Pset_chunk, (hid_t list, int rank, const uint64_t *sizes)) \
  FUNCTION(herr_t, H5Pset_shuffle, (hid_t list)) \
  FUNCTION(herr_t, H5Pset_deflate, (hid_t list, unsigned level)) \
  FUNCTION(herr_t, H5Pset_alloc_time, (hid_t list, int time)) \
  FUNCTION(herr_t, H5Pset_fill_time, (hid_t list, int time)) \
  FUNCTION(herr_t, H5Pset_obj_track_times, (hid_t list, bool track)) \
  FUNCTION(herr_t, H5Pset_create_intermediate_group, (hid_t list, unsigned create)) \
  FUNCTION(hid_t, H5Fcreate, (const char *path, unsigned flags, hid_t create, hid_t access)) \
  FUNCTION(herr_t, H5Fclose, (hid_t file)) \
  FUNCTION(hid_t, H5Screate, (int kind)) \
  FUNCTION(hid_t, H5Screate_simple, (int rank, const uint64_t *sizes, const uint64_t *largest)) \
  FUNCTION(herr_t, H5Sclose, (hid_t space)) \
  FUNCTION(hid_t, H5Tcopy, (hid_t type)) \
  FUNCTION(herr_t, H5Tset_size, (hid_t type, size_t size)) \
  FUNCTION(herr_t, H5Tset_cset, (hid_t type, int set)) \
  FUNCTION(herr_t, H5Tset_fields, \
    (hid_t type, size_t sign, size_t exponent, size_t exponent_size, size_t mantissa, size_t mantissa_size)) \
  FUNCTION(herr_t, H5Tset_ebias, (hid_t type, size_t bias)) \
  FUNCTION(herr_t, H5Tclose, (hid_t type)) \
  FUNCTION(hid_t, H5Dcreate2, \
    (hid_t place, const char *name, hid_t type, hid_t space, hid_t link, hid_t create, hid_t access)) \
  FUNCTION(uint64_t, H5Dget_offset, (hid_t dataset)) \
  FUNCTION(herr_t, H5Dset_extent, (hid_t dataset, const uint64_t *sizes)) \
  FUNCTION(herr_t, H5Dclose, (hid_t dataset)) \
  FUNCTION(hid_t, H5Gcreate2, (hid_t place, const char *name, hid_t link, hid_t create, hid_t access)) \
  FUNCTION(hid_t, H5Gopen2, (hid_t place, const char *name, hid_t access)) \
  FUNCTION(herr_t, H5Gclose, (hid_t group)) \
  FUNCTION(hid_t, H5Acreate2, (hid_t object, const char *name, hid_t type, hid_t space, hid_t create, hid_t access)) \
  FUNCTION(herr_t, H5Awrite, (hid_t attribute, hid_t type, const void *value)) \
  FUNCTION(herr_t, H5Aclose, (hid_t attribute))

/// Functions that the first versions of HDF5 1.10 do not have; NULL there.
#define HDF5_NEWER_FUNCTIONS(FUNCTION) \
  FUNCTION(herr_t, H5Pset_file_locking, (hid_t list, bool use, bool ignore_when_disabled)) \
  FUNCTION(herr_t, H5Dwrite_chunk, \
    (hid_t dataset, hid_t transfer, uint32_t mask, const uint64_t *offset, size_t size, const void *bytes))

/// The library's variables: what H5P_FILE_ACCESS, H5T_IEEE_F32LE, … stand for. They have values after H5open.
#define HDF5_VARIABLES(VARIABLE) \
  VARIABLE(H5P_CLS_FILE_ACCESS_ID_g) \
  VARIABLE(H5P_CLS_DATASET_CREATE_ID_g) \
  VARIABLE(H5P_CLS_GROUP_CREATE_ID_g) \
  VARIABLE(H5P_CLS_LINK_CREATE_ID_g) \
  VARIABLE(H5T_C_S1_g) \
  VARIABLE(H5T_IEEE_F32LE_g) \
  VARIABLE(H5T_IEEE_F64LE_g) \
  VARIABLE(H5T_STD_I8LE_g) \
  VARIABLE(H5T_STD_I16LE_g) \
  VARIABLE(H5T_STD_I32LE_g) \
  VARIABLE(H5T_STD_I64LE_g) \
  VARIABLE(H5T_STD_U8LE_g) \
  VARIABLE(H5T_STD_U16LE_g) \
  VARIABLE(H5T_STD_U32LE_g) \
  VARIABLE(H5T_STD_U64LE_g)

#define DECLARE_FUNCTION(result, name, parameters) result(*name) parameters;
#define DECLARE_VARIABLE(name) hid_t name;

/// The library's functions and the values of its variables; all there once `chdf5_load` says that it is available.
typedef struct {
  HDF5_FUNCTIONS(DECLARE_FUNCTION)
  HDF5_NEWER_FUNCTIONS(DECLARE_FUNCTION)
  HDF5_VARIABLES(DECLARE_VARIABLE)
} hdf5_table;

extern hdf5_table hdf5;
