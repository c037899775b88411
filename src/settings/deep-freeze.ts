// Freezes a value and all it holds, so that no room can change the settings of another.

/** Freezes in place. Bytes (typed arrays) cannot be frozen by the language and stay as they are. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
};
