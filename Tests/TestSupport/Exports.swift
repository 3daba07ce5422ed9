@_exported import DeviceChecks
@_exported import ReferenceBackend
