/** Names and least storage in GB (API reference, 5.1 and 14.2). */
const leastStorage: Readonly<Record<string, number>> = {
  'Ubuntu 18.04 LTS': 20,
  'Ubuntu 20.04 LTS': 20,
  'Ubuntu 22.04 LTS': 20,
  'Ubuntu 24.04 LTS': 20,
  'TensorML 20 TensorFlow': 40,
  'TensorML 20 PyTorch': 40,
  'TensorML 20 RAPIDS': 40,
  'TensorML 20 Everything': 60,
  'TensorML 24 TensorFlow': 40,
  'TensorML 24 PyTorch': 40,
  'TensorML 24 Everything': 60,
  'Windows 10': 90,
};

/** Least storage in GB; undefined for a name that is not on offer. */
export function leastStorageOf(operatingSystem: string): number | undefined {
  return Object.hasOwn(leastStorage, operatingSystem) ? leastStorage[operatingSystem] : undefined;
}
