// A context's life: what is needed to compute on one device, and words for everything that can be missing.
#include "host.cuh"
#include "kernels.cuh"

#include <new>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

// MARK: Errors

ic_status ic_fail(ic_context *context, ic_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(context->error, sizeof context->error, format, arguments);
  va_end(arguments);
  return status;
}

ic_status ic_runtime_error(ic_context *context, const char *what, cudaError_t error) {
  cudaGetLastError();
  const ic_status status = error == cudaErrorMemoryAllocation ? IC_OUT_OF_MEMORY : IC_CUDA_ERROR;
  return ic_fail(context, status, "%s: %s (%s)", what, cudaGetErrorString(error), cudaGetErrorName(error));
}

ic_status ic_launched(ic_context *context, const char *kernel) {
  cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess && context->checking && !context->capturing) {
    error = cudaStreamSynchronize(context->stream);
  }
  return error == cudaSuccess ? IC_OK : ic_runtime_error(context, kernel, error);
}

ic_status ic_synchronize(ic_context *context) {
  IC_TRY(context, "synchronize", cudaStreamSynchronize(context->stream));
  return IC_OK;
}

// MARK: Devices

__attribute__((format(printf, 4, 5))) static ic_status explain(
  char *reason, size_t capacity, ic_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, capacity, format, arguments);
  va_end(arguments);
  return status;
}

// The oldest driver that runs programs of this major version of CUDA (CUDA compatibility guide, table 2).
static const char *oldest_driver() { return CUDART_VERSION >= 13000 ? "580" : "525"; }

static ic_status explain_no_driver(char *reason, size_t capacity) {
  int driver = 0;
  cudaDriverGetVersion(&driver);
  const int runtime = CUDART_VERSION;
  if (driver == 0) {
    return explain(reason, capacity, IC_NO_DRIVER,
      "no NVIDIA driver was found (libcuda.so.1): install the one for this card, version %s or newer; nvidia-smi shows "
      "what is there. A container sees it when it is started with --gpus all (NVIDIA Container Toolkit)",
      oldest_driver());
  }
  return explain(reason, capacity, IC_NO_DRIVER,
    "the NVIDIA driver runs CUDA up to %d.%d, and this library was built with CUDA %d.%d: install driver %s or newer, "
    "or build the library with CUDA %d (scripts/build-cuda.sh)",
    driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10, oldest_driver(), driver / 1000);
}

ic_status ic_device_count(int32_t *count, char *reason, size_t capacity) {
  int found = 0;
  const cudaError_t error = cudaGetDeviceCount(&found);
  cudaGetLastError();
  *count = found;
  if (error == cudaSuccess && found > 0) return IC_OK;
  if (error == cudaErrorInsufficientDriver) return explain_no_driver(reason, capacity);
  if (error == cudaErrorNoDevice || error == cudaSuccess) {
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    if (visible) {
      return explain(reason, capacity, IC_NO_DEVICE,
        "the NVIDIA driver shows no GPU: CUDA_VISIBLE_DEVICES is \"%s\"; unset it, or name a GPU of nvidia-smi's list",
        visible);
    }
    return explain(reason, capacity, IC_NO_DEVICE,
      "the NVIDIA driver finds no GPU: nvidia-smi shows what is there; a container needs --gpus all");
  }
  return explain(reason, capacity, IC_CUDA_ERROR, "CUDA cannot be used: %s (%s)", cudaGetErrorString(error),
    cudaGetErrorName(error));
}

static ic_status check_device(int32_t device, char *reason, size_t capacity) {
  int32_t count;
  const ic_status status = ic_device_count(&count, reason, capacity);
  if (status != IC_OK) return status;
  if (device >= 0 && device < count) return IC_OK;
  return explain(reason, capacity, IC_NO_DEVICE, "there is no CUDA device %d: %s", device,
    count == 1 ? "this machine has one, number 0"
               : "they are numbered from 0, as nvidia-smi lists them");
}

ic_status ic_get_device_info(int32_t device, ic_device_info *info, char *reason, size_t capacity) {
  *info = ic_device_info();
  const ic_status status = check_device(device, reason, capacity);
  if (status != IC_OK) return status;
  cudaDeviceProp properties;
  size_t free_memory = 0, total_memory = 0;
  cudaError_t error = cudaGetDeviceProperties(&properties, device);
  if (error == cudaSuccess) error = cudaSetDevice(device);
  if (error == cudaSuccess) error = cudaMemGetInfo(&free_memory, &total_memory);
  if (error != cudaSuccess) {
    cudaGetLastError();
    return explain(reason, capacity, IC_CUDA_ERROR, "CUDA device %d cannot be used: %s (%s)", device,
      cudaGetErrorString(error), cudaGetErrorName(error));
  }
  snprintf(info->name, sizeof info->name, "%.127s", properties.name);
  info->capability = properties.major * 10 + properties.minor;
  info->multiprocessors = properties.multiProcessorCount;
  info->total_memory = total_memory;
  info->free_memory = free_memory;
  cudaDriverGetVersion(&info->driver_version);
  cudaRuntimeGetVersion(&info->runtime_version);
  return IC_OK;
}

// MARK: Life

static ic_status open_context(ic_context *context) {
  int shared_memory = 0;
  IC_TRY(context, "context", cudaSetDevice(context->device));
  IC_TRY(context, "context",
    cudaDeviceGetAttribute(&shared_memory, cudaDevAttrMaxSharedMemoryPerBlockOptin, context->device));
  context->shared_memory = shared_memory;
  IC_TRY(context, "context", cudaStreamCreateWithFlags(&context->stream, cudaStreamNonBlocking));
  IC_TRY(context, "context", cudaMalloc(&context->scalars, sizeof(ic_step_scalars)));
  IC_TRY(context, "context",
    cudaHostAlloc(&context->host_scalars, sizeof(ic_step_scalars), cudaHostAllocMapped | cudaHostAllocPortable));
  *context->host_scalars = ic_step_scalars();
  context->host_scalars->bias_correction1 = 1;
  context->host_scalars->bias_correction2 = 1;
  context->host_scalars->loss_scale = 1;
  ic_step_scalars *seen_from_device = nullptr;
  IC_TRY(context, "context", cudaHostGetDevicePointer(&seen_from_device, context->host_scalars, 0));
  context->host_non_finite = &seen_from_device->non_finite;
  const ic_status status = ic_store_scalars(context);
  return status == IC_OK ? ic_transfers_create(context) : status;
}

ic_status ic_context_create(const ic_context_options *options, ic_context **result, char *reason, size_t capacity) {
  *result = nullptr;
  ic_device_info info;
  ic_status status = ic_get_device_info(options->device, &info, reason, capacity);
  if (status != IC_OK) return status;
  if (info.capability < 80) {
    return explain(reason, capacity, IC_UNSUPPORTED,
      "%s has compute capability %d.%d; 8.0 or newer is needed (A100, RTX 30, and what came after them)", info.name,
      info.capability / 10, info.capability % 10);
  }
  auto *context = new (std::nothrow) ic_context();
  if (!context) return explain(reason, capacity, IC_OUT_OF_MEMORY, "out of memory");
  context->device = options->device;
  context->capability = info.capability;
  context->multiprocessors = info.multiprocessors;
  context->math = options->math;
  context->checking = options->check != 0;
  context->tuning = options->tune != 0;
  status = open_context(context);
  if (status == IC_OK) status = ic_matmul_engine_create(context, options);
  if (status == IC_OK) status = ic_attention_engine_create(context, options);
  if (status == IC_OK) {
    *result = context;
    return IC_OK;
  }
  if (status == IC_OUT_OF_MEMORY) {
    const double gibibyte = 1 << 30;
    explain(reason, capacity, status,
      "%s; of %.2f GiB of %s %.2f are free: nvidia-smi shows which programs have the rest", context->error,
      double(info.total_memory) / gibibyte, info.name, double(info.free_memory) / gibibyte);
  } else {
    explain(reason, capacity, status, "%s", context->error);
  }
  ic_context_destroy(context);
  return status;
}

void ic_context_destroy(ic_context *context) {
  if (!context) return;
  cudaSetDevice(context->device);
  if (context->stream) cudaStreamSynchronize(context->stream);
  ic_attention_engine_destroy(context);
  ic_matmul_engine_destroy(context);
  ic_transfers_destroy(context);
  ic_scratch_destroy(context);
  cudaFree(context->scalars);
  cudaFreeHost(context->host_scalars);
  if (context->stream) cudaStreamDestroy(context->stream);
  cudaGetLastError();
  delete context;
}

// MARK: Scalars

// The values travel as the kernel's argument: they are those of the moment of the launch, and nobody waits.
static __global__ void store_scalars(ic_step_scalars *scalars, ic_step_scalars values) { *scalars = values; }

ic_step_scalars *ic_scalars(ic_context *context) { return context->host_scalars; }

ic_status ic_store_scalars(ic_context *context) {
  IC_LAUNCH(store_scalars, 1, 1, 0, context, context->scalars, *context->host_scalars);
  return ic_launched(context, "store_scalars");
}
