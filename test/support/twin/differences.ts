/** Where two JSON values differ, one line each: "spec.size: model 1, real 2". */
export function differences(model: unknown, real: unknown, path = ''): string[] {
  if (Object.is(model, real)) return [];
  if (isObject(model) && isObject(real) && Array.isArray(model) === Array.isArray(real)) {
    const keys = new Set([...Object.keys(model), ...Object.keys(real)]);
    return [...keys].flatMap((key) => {
      const where = path === '' ? key : `${path}.${key}`;
      if (Object.hasOwn(model, key) && Object.hasOwn(real, key)) return differences(model[key], real[key], where);
      return [`${where}: model ${told(model, key)}, real ${told(real, key)}`];
    });
  }
  return [`${path}: model ${JSON.stringify(model)}, real ${JSON.stringify(real)}`];
}

/** Throws when the two differ, with what they are about. */
export function demandSame(what: string, model: unknown, real: unknown): void {
  const found = differences(model, real);
  if (found.length > 0) throw new Error(`${what}:\n${found.join('\n')}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function told(object: Record<string, unknown>, key: string): string {
  return Object.hasOwn(object, key) ? JSON.stringify(object[key]) : 'nothing';
}
